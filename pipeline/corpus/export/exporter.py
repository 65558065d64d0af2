"""Dialogues as files to train from: cut to a length, weighed, written in one format."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.corpus.formats.base import Format, FormatError, View, name_of
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.webdataset import sample_key
from pipeline.dialogue.budget import Budget
from pipeline.dialogue.state_counts import StateCounts
from pipeline.dialogue.state_tokens import Spelling
from pipeline.dialogue.tiling import DialogueError
from pipeline.dialogue.weights import Preset, weigh
from pipeline.dialogue.window import windows
from pipeline.records import Dialogue, DialogueHead
from pipeline.store.files.json_writer import JsonWriter

REJECTS = "rejects.jsonl"


@dataclass(frozen=True)
class Shape:
    """How dialogues are written. ``system`` has its tokens spelled out."""

    format: Format
    spelling: Spelling
    system: str
    preset: Preset | None = None
    seed: int = 0
    budget: Budget | None = None
    corpus: StateCounts | None = None
    """The states of all that is written: what a preset may weigh by."""
    weighed: bool = False
    """The dialogues carry weights already, or repeat turns that are not to be learned from."""
    name: Callable[[DialogueHead], str] = lambda head: name_of(head.uri)
    """The name to write for a video."""
    key: Callable[[DialogueHead], str] = lambda head: head.video_id
    """What tells its frames from those of other videos."""
    video: Callable[[DialogueHead], str] = lambda head: head.uri
    """The path to write for a video."""
    images: str = "images"
    """The folder of the frames, beside the file."""

    @property
    def view(self) -> View:
        """As the format sees it."""
        weights = self.preset is not None or self.budget is not None or self.weighed
        return View(self.spelling, self.system, self.video, self.image, weights, self.name)

    def image(self, head: DialogueHead, index: int) -> str:
        """Where the frame of a turn lies, relative to the folder of the file."""
        return f"{self.images}/{sample_key(self.key(head))}/{index:06d}.jpg"


@dataclass
class Tally:
    """What became of dialogues and their responses.

    ``responses = said + unsaid + refused``: said in a sample that was written, in one that was
    rejected, or held by none.
    """

    dialogues: int = 0
    written: int = 0
    """Samples: dialogues, or windows of one that is too long."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Samples, and whole rows and dialogues of which none could be made, by reason."""
    responses: int = 0
    said: int = 0
    unsaid: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    """Responses that stand otherwise than they asked to, by flag."""
    images: int = 0
    noted: Counter[str] = field(default_factory=Counter)
    """What else is left out, by reason: questions. Responses to them are among ``refused``."""

    @property
    def missing(self) -> bool:
        """Whether anything is not in the files."""
        return bool(self.rejected or self.refused or self.noted)

    def as_json(self) -> dict[str, Any]:
        """Plain data, counters in order of their names."""
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }

    def to_text(self) -> str:
        """For people."""

        def named(counts: Counter[str]) -> str:
            return ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"

        noted = [f"left out besides: {named(self.noted)}"] if self.noted else []
        return "\n".join(
            [
                f"dialogues: {self.dialogues}; samples: {self.written} written,"
                f" {self.rejected.total()} rejected ({named(self.rejected)})",
                f"responses: {self.responses} = {self.said} said + {self.unsaid} in rejected"
                f" samples + {self.refused.total()} refused ({named(self.refused)})",
                f"responses placed otherwise than they asked: {named(self.flags)}",
                *noted,
            ]
        )


class Exporter:
    """Writes samples to files of one format, a file for each name that is asked for.

    A file is there when the ``with`` block ends well. What cannot be written goes to ``rejects``,
    one JSON line each: which sample, reason, detail.
    """

    def __init__(self, shape: Shape, path_of: Callable[[str], Path], rejects: Path) -> None:
        """``path_of`` gives the file of a split."""
        self.tally = Tally()
        self._shape = shape
        self._view = shape.view
        self._path_of = path_of
        self._writers: dict[str, JsonWriter] = {}
        self._rejects_path = rejects
        self._stack = ExitStack()

    def __enter__(self) -> Exporter:
        """Itself."""
        self._rejects = self._stack.enter_context(JsonWriter(self._rejects_path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes all files; after an error none of them appears."""
        self._stack.__exit__(kind, error, trace)
        if kind is None and (save := self._shape.format.save) is not None:
            for split, writer in self._writers.items():
                try:
                    save(self._path_of(split), _lines(writer.path))
                finally:
                    writer.path.unlink()

    def add(self, dialogue: Dialogue) -> bool:
        """Writes a dialogue, in windows where it is too long; False when nothing of it was."""
        self.tally.dialogues += 1
        try:
            samples = self._cut(dialogue)
        except DialogueError as error:
            self.tally.responses += len(_own(dialogue))
            self.tally.unsaid += len(_own(dialogue))
            self.reject(dialogue.sample_id, error.reason, error.detail)
            return False
        written = False
        for sample in samples:
            own = _own(sample)
            self.tally.responses += len(own)
            try:
                rows = self._shape.format.write(sample, self._view)
            except FormatError as error:
                self.tally.unsaid += len(own)
                self.reject(sample.sample_id, error.reason, error.detail)
                continue
            for row in rows:
                self.open(sample.split).write(row)
            self.tally.written += 1
            self.tally.said += len(own)
            self.tally.flags.update(
                flag for each in sample.responses if each.rid in own for flag in each.flags
            )
            written = True
        return written

    def reject(self, sample_id: str, reason: str, detail: str) -> None:
        """Notes a sample that cannot be written."""
        self.tally.rejected[reason] += 1
        self._rejects.write({"sample_id": sample_id, "reason": reason, "detail": detail})

    def note(self, sample_id: str, reason: str, detail: str) -> None:
        """Notes what is left out of a sample and is neither the sample nor a response."""
        self.tally.noted[reason] += 1
        self._rejects.write({"sample_id": sample_id, "reason": reason, "detail": detail})

    def refuse(self, sample_id: str, rid: str, reason: str, detail: str) -> None:
        """Notes a response that no sample can hold."""
        self.tally.responses += 1
        self.tally.refused[reason] += 1
        self._rejects.write(
            {"sample_id": sample_id, "rid": rid, "reason": reason, "detail": detail}
        )

    def _cut(self, dialogue: Dialogue) -> list[Dialogue]:
        samples = [dialogue]
        if self._shape.budget is not None:
            cut = windows(dialogue, self._shape.budget)
            for refusal in cut.refused:
                self.refuse(dialogue.sample_id, refusal.rid, refusal.reason, refusal.detail)
            samples = list(cut.dialogues)
        if self._shape.preset is None:
            return samples
        preset, seed, corpus = self._shape.preset, self._shape.seed, self._shape.corpus
        return [weigh(sample, preset, seed=seed, corpus=corpus) for sample in samples]

    def open(self, split: str) -> JsonWriter:
        """The file of a split, begun when it is first asked for."""
        if split not in self._writers:
            path = self._path_of(split)
            if self._shape.format.save is not None:  # what makes the file of these rows
                path = path.with_name(f".{path.name}.rows.jsonl")
            indent = 2 if self._shape.format.suffix == "json" else None
            self._writers[split] = self._stack.enter_context(JsonWriter(path, indent))
        return self._writers[split]


def export(samples: Iterable[VideoSample], folder: Path, shape: Shape, *, frames: bool) -> Tally:
    """Everything written into an empty folder: ``<split>.json`` (or ``.jsonl``), the frames as
    ``images/<video>/<turn>.jpg`` where they are wanted, and ``rejects.jsonl``."""
    suffix = shape.format.suffix
    exporter = Exporter(shape, lambda split: folder / f"{split}.{suffix}", folder / REJECTS)
    with exporter:
        for sample in samples:
            written = [exporter.add(dialogue) for dialogue in sample.dialogues]
            if frames and any(written):
                jpegs = [frame.jpeg for frame in sample.frames]
                place = folder / shape.images
                exporter.tally.images += write_frames(place, sample.video_id, jpegs)
    return exporter.tally


def write_frames(folder: Path, key: str, jpegs: Sequence[bytes]) -> int:
    """The frames of a video, one a turn, as files in the folder of images; returns how many."""
    place = folder / sample_key(key)
    place.mkdir(parents=True, exist_ok=True)
    for index, jpeg in enumerate(jpegs):
        (place / f"{index:06d}.jpg").write_bytes(jpeg)
    return len(jpegs)


def video_below(root: str) -> Callable[[DialogueHead], str]:
    """The path of a video behind a folder's name, as it is spelled."""
    return lambda head: os.path.join(root, head.uri)  # noqa: PTH118  a Path would tidy a uri


def _own(dialogue: Dialogue) -> set[str]:
    """The responses that a sample says itself, not those that it repeats."""
    return {rid for turn in dialogue.turns[dialogue.context_turns :] for rid in turn.rids}


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
