"""Counts the dialogues of a corpus, one video after the other."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pipeline.corpus.counts import (
    CheckScores,
    CorpusCounts,
    Duration,
    FrameSize,
    Model,
    Policy,
    Slice,
    Source,
)
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.picture import picture_of
from pipeline.dialogue.state_counts import DURATIONS, StateTally, duration_bin
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
_ABOVE = 10
"""The tenth of a score above 1."""
_MARKER = 0xFF
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Of a JPEG file: the segments that begin with precision, height and width."""


class _Example(NamedTuple):
    """A dialogue to show, and a picture of it; the least of all that were met is shown."""

    is_silent: bool
    hash_rank: str
    dialogue: Dialogue
    picture: bytes


class CorpusTally:
    """Counts dialogues, video by video, and keeps one to show."""

    def __init__(self) -> None:
        """Starts at nothing."""
        self._example: _Example | None = None
        self._not_for_training = 0
        self._frames: Counter[tuple[int, int]] = Counter()
        self._counts: dict[tuple[str, str], Counter[str]] = {}
        self._duration_s: dict[tuple[str, str], float] = {("", ""): 0.0}
        self._sources: Counter[tuple[str, str]] = Counter()
        self._writers: Counter[tuple[str, str]] = Counter()
        self._states = StateTally()
        self._durations: Counter[str] = Counter()
        self._checks: dict[tuple[str, str, int], Counter[str]] = {}
        self._policies: Counter[tuple[str, Literal["asked", "due"], str]] = Counter()

    @property
    def example(self) -> Dialogue:
        """The dialogue with the first hash, of those with a response if there are any.

        Raises:
            ValueError: none was counted.
        """
        if self._example is None:
            raise ValueError("no dialogue was counted")
        return self._example.dialogue

    @property
    def picture(self) -> bytes:
        """A JPEG of the example's frames; empty where there are none."""
        return self._example.picture if self._example else b""

    def add(self, sample: VideoSample, ranks: Sequence[tuple[bool, str]]) -> None:
        """Counts one video, with all its dialogues; no video comes twice. ``ranks`` are what
        ``shown_first`` says of each dialogue."""
        counted: set[tuple[str, str]] = set()
        dialogues = sample.dialogues
        if sample.frames:
            self._frames[_size(sample.frames[0].jpeg)] += 1
        first = dialogues[0]
        self._sources.update({(c.source, c.licence) for c in first.clips or [first]})
        self._durations[duration_bin(first.duration_s)] += 1
        for dialogue, rank in zip(dialogues, ranks, strict=True):
            if self._example is None or rank < self._example[:2]:
                self._example = _Example(*rank, dialogue, picture_of(dialogue, sample.frames))
            self._add_checks(dialogue)
            self._not_for_training += not for_training(dialogue.models)
            self._writers.update(_writers(dialogue))
            self._policies.update(_policies(dialogue))
            of_one = _of_one(dialogue)
            own = dialogue.turns[dialogue.context_turns :]
            counts_of = own.counts()
            self._states.add(
                dialogue.task,
                dialogue.source,
                dialogue.duration_s,
                counts_of,
                is_negative=dialogue.is_negative,
                is_still=dialogue.is_still,
            )
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
            durations=[Duration(duration=name, videos=self._durations[name]) for name in DURATIONS],
            checks=[
                CheckScores(task=task, check=check, tenth=tenth, **counts)
                for (task, check, tenth), counts in sorted(self._checks.items())
            ],
            policies=[
                Policy(task=task, settles=settles, policy=policy, number=number)
                for (task, settles, policy), number in sorted(self._policies.items())
            ],
        )

    def _add_checks(self, dialogue: Dialogue) -> None:
        for check in dialogue.checks:
            tenth = _ABOVE if check.score > 1 else min(int(check.score * _ABOVE), _ABOVE - 1)
            counts = self._checks.setdefault((dialogue.task, check.name, tenth), Counter())
            score = round(check.score * 1000)
            counts.update(checks=1, passed=int(check.passed), thousandths=score)

    def _slice(self, key: tuple[str, str]) -> Slice:
        counts: Mapping[str, int] = self._counts.get(key, Counter())
        task, split = key
        states = ("silence", "standby", "response")
        names = ("dialogues", "negatives", "videos", "turns", *states, *_FLAGS.values())
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


def _policies(dialogue: Dialogue) -> Iterator[tuple[str, Literal["asked", "due"], str]]:
    """Of each question and response that is the dialogue's own, by task of the question."""
    tasks = {question.qid: question.task for question in dialogue.questions}
    own = dialogue.turns[dialogue.context_turns :]
    for question in dialogue.questions:
        if question.asked_s >= own.starts[0]:
            yield question.task, "asked", question.asked_by
    rids = own.rids()
    for response in dialogue.responses:
        if response.rid in rids:
            yield tasks.get(response.qid, dialogue.task), "due", response.due_by


def _of_one(dialogue: Dialogue) -> dict[str, int]:
    own = dialogue.turns[dialogue.context_turns :]
    rids = own.rids()
    flags = [flag for each in dialogue.responses if each.rid in rids for flag in each.flags]
    return {
        "dialogues": 1,
        "negatives": int(dialogue.is_negative),
        "turns": len(own),
        "silence": dialogue.n_silence,
        "standby": dialogue.n_standby,
        "response": dialogue.n_response,
        **{count: flags.count(flag) for flag, count in _FLAGS.items()},
    }
