"""The WebDataset form: ``wds/<split>/<group>-<file>.tar``, one sample a turn of a video.

``<key>/<index>.jpg`` is the frame of the turn as it was encoded, ``<key>/<index>.json`` its times
and what each dialogue of the video has in that turn; ``<key>`` names the video. The turns of a
video follow one another. Every sample has the same two members, and neither needs our code. Same
samples, same bytes: owner and time of every member are fixed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from webdataset.writer import TarWriter

from pipeline.corpus.layout import TARS, VideoSample
from pipeline.corpus.names import sample_key
from pipeline.corpus.written_file import WrittenFile
from pipeline.dialogue.memory_text import memory_text
from pipeline.records import Dialogue, Record, Seconds, ShardFile, State
from pipeline.records.turns import STATES

_BLOCK_BYTES = 512
_RECORD_BYTES = 10_240


class ShownTurn(Record):
    """What a dialogue has in a turn."""

    sample_id: str
    task: str
    state: State
    memory: str = ""
    """In the first turn of a window, what came before it."""
    question: str
    text: str
    loss: bool
    """Whether the turn is learned from: no turn is that repeats an earlier window."""
    loss_scale: float


class TurnRow(Record):
    """The JSON member of a sample."""

    video_id: str
    source: str
    licence: str
    split: str
    duration_s: Seconds
    turns_per_s: float
    index: int
    start_s: Seconds
    end_s: Seconds
    frame_s: Seconds
    sha256: str
    """Of the frame: a tar itself does not tell damage."""
    dialogues: list[ShownTurn]


class TarFiles:
    """One open tar for every split that has come up."""

    def __init__(self, folder: Path, group: int, tar_bytes: int) -> None:
        """``folder`` is that of the corpus, ``group`` the number in the names of the files; a tar
        of more than one video is at most so large."""
        self._folder = folder
        self._group = group
        self._tar_bytes = tar_bytes
        self._splits: dict[str, _Series] = {}

    def add(self, sample: VideoSample) -> None:
        """Puts one video behind the others of its split."""
        if sample.split not in self._splits:
            name = f"{TARS}/{sample.split}/{self._group:05d}"
            self._splits[sample.split] = _Series(self._folder, name, sample.split, self._tar_bytes)
        self._splits[sample.split].add(sample)

    def finish(self) -> list[ShardFile]:
        """The files, ordered by path."""
        return [file for split in sorted(self._splits) for file in self._splits[split].finish()]

    def __enter__(self) -> TarFiles:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves no file open."""
        for series in self._splits.values():
            series.close()


class _Series:
    """The tars of one split."""

    def __init__(self, folder: Path, name: str, split: str, tar_bytes: int) -> None:
        self._folder, self._name, self._split = folder, name, split
        self._tar_bytes = tar_bytes
        self._writer: TarWriter | None = None
        self._filled_bytes = 0
        self._files: list[WrittenFile] = []

    def add(self, sample: VideoSample) -> None:
        members = list(_members(sample))
        sizes = (len(one[name]) for one in members for name in ("jpg", "json"))
        size_bytes = sum(_BLOCK_BYTES + _padded(size, _BLOCK_BYTES) for size in sizes)
        end_bytes = _padded(self._filled_bytes + size_bytes + 2 * _BLOCK_BYTES, _RECORD_BYTES)
        if self._writer is not None and end_bytes > self._tar_bytes:
            self.close()
        if self._writer is None:
            self._start()
        assert self._writer is not None
        for one in members:
            self._writer.write(one)
        self._filled_bytes += size_bytes
        self._files[-1].rows += len(members)

    def finish(self) -> list[ShardFile]:
        self.close()
        return [file.described() for file in self._files]

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._files[-1].close()

    def _start(self) -> None:
        name = f"{self._name}-{len(self._files):03d}.tar"
        file = WrittenFile(self._folder, name, split=self._split)
        stream = cast("BinaryIO", file)  # of which it writes alone
        self._writer = TarWriter(stream, user="", group="", mode=0o644, mtime=0, encoder=False)
        self._files.append(file)
        self._filled_bytes = 0


def _members(sample: VideoSample) -> Iterator[dict[str, Any]]:
    """The samples of a video, turn by turn."""
    first = sample.dialogues[0]
    key = sample_key(first.video_id)
    about = {
        "video_id": first.video_id,
        "source": first.source,
        "licence": first.licence,
        "split": first.split,
        "duration_s": first.duration_s,
        "turns_per_s": first.turns_per_s,
    }
    for frame in sample.frames:
        row = {
            **about,
            "index": frame.index,
            "start_s": frame.start_s,
            "end_s": frame.end_s,
            "frame_s": frame.frame_s,
            "sha256": hashlib.sha256(frame.jpeg).hexdigest(),
            "dialogues": _shown(sample.dialogues, frame.index),
        }
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
        yield {"__key__": f"{key}/{frame.index:06d}", "jpg": frame.jpeg, "json": text.encode()}


def _shown(dialogues: Sequence[Dialogue], index: int) -> list[dict[str, Any]]:
    """What each dialogue has in a turn; one that does not show it has nothing."""
    found = []
    for dialogue in dialogues:
        turns = dialogue.turns
        place = index - turns.first
        if not 0 <= place < len(turns):
            continue
        asked, said = turns.asked.get(place), turns.said.get(place)
        loss, scale = None, None
        if turns.losses is not None:
            loss = turns.losses[place]
        if turns.loss_scales is not None:
            scale = turns.loss_scales[place]
        repeats = place < dialogue.context_turns
        found.append(
            {
                "sample_id": dialogue.sample_id,
                "task": dialogue.task,
                "state": STATES[turns.states[place]],
                "memory": memory_text(dialogue.memory) if place == 0 else "",
                "question": asked.text if asked else "",
                "text": said.text if said else "",
                "loss": loss is not False and not repeats,
                "loss_scale": 0.0 if repeats else 1.0 if scale is None else scale,
            }
        )
    return found


def _padded(size_bytes: int, to_bytes: int) -> int:
    return -(-size_bytes // to_bytes) * to_bytes
