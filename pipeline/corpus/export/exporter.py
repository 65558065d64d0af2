"""Training files from dialogues: cut into windows, weighted, written in one format."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from pipeline.corpus.formats.base import Format, FormatError, View, name_of_video
from pipeline.corpus.formats.flags import LATE, question_flags
from pipeline.corpus.names import sample_key
from pipeline.dialogue.budget import Budget
from pipeline.dialogue.memory_text import MemoryLayout
from pipeline.dialogue.placement import Refusal
from pipeline.dialogue.state_counts import StateCounts
from pipeline.dialogue.state_tokens import StateTokens
from pipeline.dialogue.tiling import DialogueError
from pipeline.dialogue.weights import Preset, weigh
from pipeline.dialogue.window import windows
from pipeline.engines.base import BASELINE, for_training
from pipeline.records import Dialogue, DialogueHead
from pipeline.store.durable import unfinished
from pipeline.store.files.json_writer import JsonWriter


@dataclass(frozen=True)
class Shape:
    """How dialogues are written."""

    format: Format
    tokens: StateTokens
    system: str
    """The system text, with the state tokens filled in."""
    preset: Preset | None = None
    seed: int = 0
    budget: Budget | None = None
    corpus: StateCounts | None = None
    """The states of all exported dialogues, for presets that need them."""
    weighed: bool = False
    """The dialogues have weights already, or context turns, which are not trained on."""
    video_root: str = ""
    """Put before the path of every video."""
    name: Callable[[DialogueHead], str] = name_of_video
    """The name to write for a video."""
    key: Callable[[DialogueHead], str] = lambda head: head.video_id
    """Identifies the frames of a video."""
    images: str = "images"
    """The folder of the frames, beside the file."""
    layout: MemoryLayout = "lines"  # of the memory of windows

    @property
    def view(self) -> View:
        """What the format needs of this."""
        weights = self.preset is not None or self.budget is not None or self.weighed
        return View(
            self.tokens, self.system, self.video, self.image, weights, self.name, self.layout
        )

    def video(self, head: DialogueHead) -> str:
        """The path to write for a video; empty for a stream, which is no file."""
        if head.clips:
            return ""
        return os.path.join(self.video_root, head.uri)  # noqa: PTH118  a Path would change the uri

    def image(self, head: DialogueHead, index: int) -> str:
        """The path of a turn's frame, relative to the folder of the file."""
        return f"{self.images}/{sample_key(self.key(head))}/{index:06d}.jpg"


@dataclass
class ExportTally:
    """Counts of an export.

    ``responses = said + unsaid + refused``: in a written sample, in a rejected one, or in none.
    """

    dialogues: int = 0
    written: int = 0
    """Samples: whole dialogues, or windows of long ones."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Samples, and rows and dialogues that gave no sample, by reason."""
    responses: int = 0
    said: int = 0
    unsaid: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    """Responses that were moved, merged, split off or clamped, by flag; also questions
    (``late_question``), and spans that began before the video (``start_clamped``)."""
    images: int = 0
    noted: Counter[str] = field(default_factory=Counter)
    """Questions left out, or asked at 0 s since they have no time that can be read, by reason.
    Responses to those left out are among ``refused``."""
    official: Counter[str] = field(default_factory=Counter)
    """In format ``raw``: what the official converter makes of the responses said, at a turn a
    second: ``kept``, of which ``moved`` to another second; ``no_free_second``,
    ``no_whole_second``."""
    sources: Counter[str] = field(default_factory=Counter)
    """Written samples by source, those that state none under an empty name; so too the next."""
    licences: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    """Written samples by model; one of several models counts for each, one of none as empty."""
    not_for_training: int = 0
    """Written samples that a stand-in for a model had a part in."""

    def add(self, sample: Dialogue, own: Collection[str]) -> None:
        """Count a written sample, of which the responses ``own`` repeat no earlier window."""
        self.written += 1
        self.responses += len(own)
        self.said += len(own)
        self.flags.update(flag for r in sample.responses if r.rid in own for flag in r.flags)
        self.sources[sample.source] += 1
        self.licences[sample.licence] += 1
        self.models.update(sample.models or [""])
        self.not_for_training += not for_training(sample.models)

    @property
    def missing(self) -> bool:
        """Whether anything was left out of the files, or had no time that could be read."""
        return bool(self.rejected or self.refused or self.noted)

    def as_json(self) -> dict[str, Any]:
        """As JSON data; counters are sorted by name."""
        return {
            name: dict(sorted(value.items())) if isinstance(value, Counter) else value
            for name, value in vars(self).items()
        }

    def to_text(self) -> str:
        """For people."""

        def named(counts: Counter[str]) -> str:
            return ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"

        further = []
        if self.noted:
            further.append(f"questions left out or asked at 0 s: {named(self.noted)}")
        if self.official:
            further.append(self.official_text())
        if self.not_for_training:
            marked = f"not for training: {self.not_for_training} of {self.written} samples"
            further.append(f"{marked}, written with {BASELINE}")
        return "\n".join(
            [
                f"dialogues: {self.dialogues}; samples: {self.written} written,"
                f" {self.rejected.total()} rejected ({named(self.rejected)})",
                f"responses: {self.responses} = {self.said} said + {self.unsaid} in rejected"
                f" samples + {self.refused.total()} refused ({named(self.refused)})",
                f"placed otherwise than they asked: {named(self.flags)}",
                *further,
            ]
        )

    def official_text(self) -> str:
        """What the official converter makes of a file in format ``raw``."""
        of = self.official
        return (
            f"the official converter, at a turn a second, keeps {of['kept']} of {self.said}"
            f" responses, {of['moved']} of them in another second than they are due in, as it holds"
            f" one a whole second; it loses {of['no_free_second']} of videos with more responses"
            f" than seconds and {of['no_whole_second']} of videos shorter than a second"
        )


class Exporter:
    """Writes samples to files of one format, one file a split.

    Files appear when the ``with`` block ends without an error. ``rejects`` gets one JSON line for
    everything that cannot be written: sample, reason, detail.
    """

    def __init__(self, shape: Shape, path_of: Callable[[str], Path], rejects: Path) -> None:
        """``path_of`` gives the file of a split."""
        self.tally = ExportTally()
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
        """Closes all files; after an error none of them appears.

        Raises:
            OSError: a file cannot be written.
        """
        self._stack.__exit__(kind, error, trace)
        if kind is None and (save := self._shape.format.save) is not None:
            for split, writer in self._writers.items():
                try:
                    save(self._path_of(split), _lines(writer.path))
                finally:
                    writer.path.unlink()

    def add(self, dialogue: Dialogue) -> bool:
        """Writes a dialogue, in windows where it is too long; False where nothing was written."""
        self.tally.dialogues += 1
        try:
            samples = self._cut(dialogue)
        except DialogueError as error:
            self.reject(dialogue.sample_id, error.reason, error.detail, len(_own(dialogue)))
            return False
        written = False
        judge = self._shape.format.judge
        for sample in samples:
            own = _own(sample)
            try:
                rows = self._shape.format.write(sample, self._view)
            except FormatError as error:
                self.reject(sample.sample_id, error.reason, error.detail, len(own))
                continue
            for row in rows:
                self.open(sample.split).write(row)
                if judge is not None:
                    self.tally.official.update(judge(sample, row))
            self.tally.add(sample, own)
            written = True
        if written:
            late = sum(bool(question_flags(dialogue, each)) for each in dialogue.questions)
            self.tally.flags.update({LATE: late} if late else {})
        return written

    def reject(self, sample_id: str, reason: str, detail: str, responses: int = 0) -> None:
        """Records a sample that cannot be written, with so many responses."""
        self.tally.responses += responses
        self.tally.unsaid += responses
        self.tally.rejected[reason] += 1
        self._rejects.write({"sample_id": sample_id, "reason": reason, "detail": detail})

    def reject_question(self, sample_id: str, question: Refusal) -> None:
        """Records a question that is left out of a sample, or asked at 0 s."""
        reason = f"question_{question.reason}"
        self.tally.noted[reason] += 1
        detail = f"{question.rid} {question.detail}"
        self._rejects.write({"sample_id": sample_id, "reason": reason, "detail": detail})

    def reject_responses(self, sample_id: str, refused: Iterable[Refusal]) -> None:
        """Records responses that no sample can hold."""
        for refusal in refused:
            self.tally.responses += 1
            self.tally.refused[refusal.reason] += 1
            self._rejects.write({"sample_id": sample_id, **asdict(refusal)})

    def _cut(self, dialogue: Dialogue) -> list[Dialogue]:
        samples = [dialogue]
        if self._shape.budget is not None:
            cut = windows(dialogue, self._shape.budget)
            self.reject_responses(dialogue.sample_id, cut.refused)
            samples = list(cut.dialogues)
        if self._shape.preset is None:
            return samples
        preset, seed, corpus = self._shape.preset, self._shape.seed, self._shape.corpus
        return [weigh(sample, preset, seed=seed, corpus=corpus) for sample in samples]

    def open(self, split: str) -> JsonWriter:
        """The file of a split, opened at the first call."""
        if split not in self._writers:
            path = self._path_of(split)
            if self._shape.format.save is not None:  # which makes the file from these rows
                path = path.with_name(f"{unfinished(path).name}.jsonl")
            indent = 2 if self._shape.format.suffix == "json" else None
            self._writers[split] = self._stack.enter_context(JsonWriter(path, indent, compact=True))
        return self._writers[split]


def write_frames(folder: Path, key: str, jpegs: Sequence[bytes]) -> int:
    """Writes the frames of a video, one a turn, below the folder of images; returns how many."""
    below = folder / sample_key(key)
    below.mkdir(parents=True, exist_ok=True)
    for index, jpeg in enumerate(jpegs):
        (below / f"{index:06d}.jpg").write_bytes(jpeg)
    return len(jpegs)


def _own(dialogue: Dialogue) -> set[str]:
    """The ids of a sample's responses, those of its context turns left out."""
    return dialogue.turns[dialogue.context_turns :].rids()


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
