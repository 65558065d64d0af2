"""Counts of a corpus, made as it is written."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from pipeline.corpus.layout import CORPUS_FORMAT, VideoSample
from pipeline.dialogue.state_counts import StateSlice, StateTally
from pipeline.engines.base import for_training
from pipeline.records import Dialogue
from pipeline.records.hash_sampling import hash_rank

_FLAGS = {
    "merged": "merged",
    "repeated": "repeated",
    "shifted": "shifted",
    "split": "split_off",
    "clamped": "clamped",
    "postponed": "postponed",
}
"""Flags of responses, and the counts they go to."""
_KEYS = frozenset(("task", "split", "width", "height", "source", "licence", "model", "origin"))
"""Of the parts of counts: what they are about, and no count."""
_MARKER = 0xFF
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Of a JPEG file: the segments that begin with precision, height and width."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slice(_Value):
    """The counts of one task and split. An empty ``task`` or ``split`` stands for all of them."""

    task: str
    split: str
    dialogues: int
    videos: int
    """Different ones."""
    duration_s: float
    """Of the different videos."""
    turns: int
    """Those that repeat an earlier window left out, here and below."""
    silence: int
    standby: int
    response: int
    merged: int
    """Responses that share a turn."""
    repeated: int
    """Of those, such as say what another one of the turn says."""
    shifted: int
    split_off: int
    clamped: int
    postponed: int
    """Responses that stand in the turn of their question, asked when it was all over."""


class FrameSize(_Value):
    """How many videos have frames of a size in pixels; 0 by 0 where a frame is no picture."""

    width: int
    height: int
    videos: int


class Source(_Value):
    """How many videos of a source, under a licence."""

    source: str
    licence: str
    videos: int


class Model(_Value):
    """The number of dialogues that a model contributed to; an empty name: those of a dataset."""

    model: str
    dialogues: int
    origin: str = ""
    """Of a dataset, who wrote it there: ``human``, ``model``, ``asr``; empty where unknown."""


class CorpusCounts(_Value):
    """All the counts, each list in order of its names."""

    format: int = CORPUS_FORMAT
    """Of the corpus: how its files are called and what they hold."""
    slices: list[Slice]
    totals: list[Slice]
    """Each split over all tasks, and the whole, which comes first."""
    sources: list[Source]
    models: list[Model]
    not_for_training: int
    """Dialogues that a stand-in for a model had a part in."""
    frames: list[FrameSize]
    """Empty for a corpus without frames."""
    states: list[StateSlice]

    @property
    def whole(self) -> Slice:
        """All tasks and splits."""
        return self.totals[0]


V = TypeVar("V", Slice, FrameSize, Source, Model)


def added(counts: Sequence[CorpusCounts]) -> CorpusCounts:
    """The counts of parts that share no video, as those of the whole.

    Raises:
        ValueError: there are none.
    """
    if not counts:
        raise ValueError("no counts")
    states = StateTally()
    for part in (part for each in counts for part in each.states):
        states.add_slice(part)
    return CorpusCounts(
        slices=_added([part for each in counts for part in each.slices]),
        totals=_added([part for each in counts for part in each.totals]),
        sources=_added([part for each in counts for part in each.sources]),
        models=_added([part for each in counts for part in each.models]),
        not_for_training=sum(each.not_for_training for each in counts),
        frames=_added([part for each in counts for part in each.frames]),
        states=states.slices(),
    )


def _added(parts: Iterable[V]) -> list[V]:
    """One for each key, in order of keys."""
    found: dict[tuple[Any, ...], V] = {}
    for part in parts:
        fields = part.model_dump()
        keys = [name for name in fields if name in _KEYS]
        key = tuple(fields[name] for name in keys)
        before = found.get(key)
        rest = {name: getattr(before, name, 0) + fields[name] for name in fields.keys() - _KEYS}
        found[key] = part.model_copy(update=rest)
    return [found[key] for key in sorted(found)]


class CorpusTally:
    """Counts dialogues, video by video, and keeps one to show."""

    def __init__(self) -> None:
        """Starts at nothing."""
        self._example: tuple[bool, str, Dialogue] | None = None
        self._not_for_training = 0
        self._frames: Counter[tuple[int, int]] = Counter()
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._duration_s: dict[tuple[str, str], float] = {("", ""): 0.0}
        self._sources: Counter[tuple[str, str]] = Counter()
        self._writers: Counter[tuple[str, str]] = Counter()
        self._states = StateTally()

    @property
    def example(self) -> Dialogue:
        """The dialogue with the first hash, of those with a response if there are any.

        Raises:
            ValueError: none was counted.
        """
        if self._example is None:
            raise ValueError("no dialogue was counted")
        return self._example[2]

    def add(self, sample: VideoSample) -> None:
        """Counts one video, with all its dialogues; no video comes twice."""
        counted: set[tuple[str, str]] = set()
        dialogues = sample.dialogues
        if sample.frames:
            self._frames[_size(sample.frames[0].jpeg)] += 1
        self._sources[dialogues[0].source, dialogues[0].licence] += 1
        for dialogue in dialogues:
            shown = (*shown_first(dialogue), dialogue)
            if self._example is None or shown[:2] < self._example[:2]:
                self._example = shown
            self._not_for_training += not for_training(dialogue.models)
            self._writers.update(_writers(dialogue))
            of_one = _of_one(dialogue)
            own = dialogue.turns[dialogue.context_turns :]
            counts_of = own.counts()
            self._states.add(dialogue.task, dialogue.source, dialogue.duration_s, counts_of)
            for key in ((dialogue.task, dialogue.split), ("", dialogue.split), ("", "")):
                counts = self._counts.setdefault(key, Counter())
                counts.update(of_one)
                if key not in counted:
                    counted.add(key)
                    counts["videos"] += 1
                    self._duration_s[key] = self._duration_s.get(key, 0.0) + dialogue.duration_s

    def result(self) -> CorpusCounts:
        """What was counted so far."""
        whole = self._slice(("", ""))
        keys = sorted(key for key in self._counts if key != ("", ""))
        return CorpusCounts(
            slices=[self._slice(key) for key in keys if key[0]],
            totals=[whole, *(self._slice(key) for key in keys if not key[0])],
            sources=[
                Source(source=source, licence=licence, videos=videos)
                for (source, licence), videos in sorted(self._sources.items())
            ],
            models=[
                Model(model=model, origin=origin, dialogues=dialogues)
                for (model, origin), dialogues in sorted(self._writers.items())
            ],
            not_for_training=self._not_for_training,
            frames=[
                FrameSize(width=width, height=height, videos=videos)
                for (width, height), videos in sorted(self._frames.items())
            ],
            states=self._states.slices(),
        )

    def _slice(self, key: tuple[str, str]) -> Slice:
        counts: Mapping[str, int] = self._counts.get(key, Counter())
        task, split = key
        names = ("dialogues", "videos", "turns", "silence", "standby", "response", *_FLAGS.values())
        return Slice(
            task=task,
            split=split,
            duration_s=self._duration_s[key],
            **{name: counts[name] for name in names},
        )


def shown_first(dialogue: Dialogue) -> tuple[bool, str]:
    """By this dialogues are ordered of which a few are shown: those with a response come first,
    then by hash."""
    return not dialogue.n_response, hash_rank(dialogue.sample_id, seed=0)


def _size(jpeg: bytes) -> tuple[int, int]:
    """Width and height in pixels, by the header alone: the picture is not decoded."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == _MARKER:
        kind, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if kind in _FRAME_HEADERS:
            height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
            return width, height
        at += 1 if kind == _MARKER else 2 + length  # markers may be filled up in front
    return 0, 0


def _writers(dialogue: Dialogue) -> set[tuple[str, str]]:
    models = {(model, "") for model in dialogue.models}
    return models | {("", origin) for origin in dialogue.origins} or {("", "")}


def _of_one(dialogue: Dialogue) -> dict[str, int]:
    own = dialogue.turns[dialogue.context_turns :]
    rids = own.rids()
    flags = [flag for each in dialogue.responses if each.rid in rids for flag in each.flags]
    return {
        "dialogues": 1,
        "turns": len(own),
        "silence": dialogue.n_silence,
        "standby": dialogue.n_standby,
        "response": dialogue.n_response,
        **{count: flags.count(flag) for flag, count in _FLAGS.items()},
    }
