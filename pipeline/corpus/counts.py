"""Counts of a corpus, as ``counts.json`` has them, and how those of its groups add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipeline.corpus.layout import CORPUS_FORMAT
from pipeline.dialogue.state_counts import DURATIONS, StateSlice, StateTally

_KEYS = frozenset(
    (
        *("task", "split", "width", "height", "source", "licence", "model", "origin"),
        *("check", "tenth", "settles", "policy"),
    )
)
"""Of the parts of counts: what they are about, and no count."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Slice(_Value):
    """The counts of one task and split. An empty ``task`` or ``split`` stands for all of them."""

    task: str
    split: str
    dialogues: int
    negatives: int = 0
    """Dialogues to which silence is the right answer."""
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
    """How many videos of a source, under a licence; a stream counts once for each that its clips
    are of."""

    source: str
    licence: str
    videos: int


class Model(_Value):
    """The number of dialogues that a model contributed to; an empty name: those of a dataset."""

    model: str
    dialogues: int
    origin: str = ""
    """Of a dataset, who wrote it there: ``human``, ``model``, ``asr``; empty where unknown."""


class Duration(_Value):
    """How many videos are of a length, by the bins of the paper."""

    duration: str
    videos: int


class CheckScores(_Value):
    """How many verifications of one kind, of responses of a task, have a score in one tenth."""

    task: str
    check: str
    """Its name, as ``checks`` of a dialogue has it."""
    tenth: int
    """0 for scores in [0, 0.1), …, 9 for [0.9, 1], and 10 for those above 1."""
    checks: int
    passed: int
    thousandths: int
    """Sum of the scores, each rounded to the thousandth."""


class Policy(_Value):
    """How many questions of a task were asked, or responses were due, by a policy."""

    task: str
    settles: Literal["asked", "due"]
    policy: str
    number: int


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
    durations: list[Duration] = Field(default_factory=list)
    checks: list[CheckScores] = Field(default_factory=list)
    policies: list[Policy] = []
    """Those of an earlier window are not counted again."""

    @property
    def whole(self) -> Slice:
        """All tasks and splits."""
        return self.totals[0]


V = TypeVar("V", Slice, FrameSize, Source, Model, CheckScores, Policy)


def added(counts: Sequence[CorpusCounts]) -> CorpusCounts:
    """The counts of parts that share no video, as those of the whole.

    Raises:
        ValueError: there are none.
    """
    if not counts:
        raise ValueError("no counts")
    states, videos = StateTally(), Counter[str]()
    for length in (length for each in counts for length in each.durations):
        videos[length.duration] += length.videos
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
        durations=[Duration(duration=name, videos=videos[name]) for name in DURATIONS],
        checks=_added([part for each in counts for part in each.checks]),
        policies=_added([part for each in counts for part in each.policies]),
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
