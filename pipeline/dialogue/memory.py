"""Windows of a long dialogue that begin with the memory of what lies before them.

Time is cut into stretches of ``raw_s``. A window owns the turns of one, and shows their frames. Of
each stretch before its first turn there is a summary, and of older ones a summary that several were
merged into; what lies further back is forgotten.

1. What a window remembers was seen and said before it: each summary ends at or before its first
   turn. They lie side by side up to there, and none overlaps another.
2. A response is in the window that owns its turn, with its evidence: in the frames from the first
   turn on, or, where it is ``from_memory``, in the summaries.
3. A turn in which something is asked, said or waited for is owned by one window; one whose memory
   is not whole is left out, with all that would be said in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import Field, model_validator

from pipeline.dialogue.cut import (
    Answer,
    Cut,
    OpenQuestion,
    Windowed,
    answers_of,
    asked_in,
    check_whole,
    cut_out,
)
from pipeline.dialogue.placement import Refusal, evidence_s
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.records import Dialogue, MemoryLevel, Remembered, Summary
from pipeline.settings import Settings


class Place(NamedTuple):
    """A level, and the number of the stretch, or of the merged stretches, from 0."""

    level: MemoryLevel
    number: int


class Reach(Settings):
    """How far a window remembers. By default as in Streaming Harness (arXiv:2606.08615): twelve
    hours."""

    raw_s: float = Field(
        200.0, gt=0, description="seconds of a stretch, whose frames one window shows"
    )
    middle: int = Field(
        5, ge=1, description="summaries of one stretch each, at most; so many are merged into one"
    )
    long: int = Field(42, ge=0, description="merged summaries, at most; older ones are forgotten")
    context_stretches: int = Field(
        1,
        ge=0,
        description="stretches before its own that a window shows again, at most, where the"
        " evidence of a response begins there; a response that needs more is refused; ours",
    )

    @model_validator(mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        if value not in PRESETS:
            raise ValueError(f"{value!r} is none of {', '.join(PRESETS)}")
        return PRESETS[value]

    @property
    def reach_s(self) -> float:
        """The seconds that a window shows and remembers, at most."""
        return self.raw_s * (1 + self.middle + self.middle * self.long)


PRESETS: Mapping[str, Mapping[str, float]] = {
    "harness": {"raw_s": 200, "middle": 5, "long": 42},
    # 16 frames at one a second (arXiv:2610.01762). How many captions a summary holds, and how many
    # of both are kept, it settles by a budget of tokens: these numbers are ours.
    "onestreamer": {"raw_s": 16, "middle": 4, "long": 64},
}
"""Settings of published systems, by the name that stands in their place."""


def held(stretches: int, reach: Reach) -> list[Place]:
    """What is remembered when so many stretches are over, oldest first.

    The latest ``middle`` stretches, at most, have a summary each. When one more is over, the oldest
    ``middle`` of them are merged into one; of these the latest ``long`` are kept.
    """
    merged = max(0, stretches - 1) // reach.middle
    kept = range(max(0, merged - reach.long), merged)
    return [
        *(Place("long", number) for number in kept),
        *(Place("middle", number) for number in range(merged * reach.middle, stretches)),
    ]


def span_of(place: Place, reach: Reach) -> tuple[float, float]:
    """Start and end of what a summary is about, in seconds."""
    level, number = place
    length_s = reach.raw_s * (reach.middle if level == "long" else 1)
    return number * length_s, (number + 1) * length_s


def recalled(
    summaries: Iterable[Remembered], stretches: int, reach: Reach
) -> tuple[Remembered, ...]:
    """The memory when so many stretches are over, oldest first, side by side up to the end of the
    last.

    Raises:
        DialogueError: ``no_memory`` (one of them was not summarised).
    """
    by_place = {_place(each, reach): each for each in summaries}
    memory = []
    for place in held(stretches, reach):
        found = by_place.get(place)
        start_s, end_s = span_of(place, reach)
        if found is None or max(abs(found.start_s - start_s), abs(found.end_s - end_s)) > EPSILON_S:
            detail = f"no summary ({place.level}) of {start_s} to {end_s} s"
            raise DialogueError("no_memory", detail)
        memory.append(Remembered(level=found.level, start_s=start_s, end_s=end_s, text=found.text))
    return tuple(memory)


def _place(summary: Remembered, reach: Reach) -> Place:
    length_s = reach.raw_s * (reach.middle if summary.level == "long" else 1)
    return Place(summary.level, round(summary.start_s / length_s))


def remembering(dialogue: Dialogue, summaries: Sequence[Remembered], reach: Reach) -> Windowed:
    """The dialogue itself where it is no longer than a stretch; otherwise its windows, named
    ``<sample_id>-w0`` and so on by stretch. Those in which nothing is asked, said or waited for are
    left out.

    A window begins with the stretch that it owns, or up to ``context_stretches`` earlier, where the
    evidence of one of its responses begins. A response is refused for ``evidence_over_reach`` where
    that is not enough, for ``evidence_forgotten`` where what it has from memory is not in there any
    more, and for ``no_memory`` where a summary of what lies before its window is missing.

    Raises:
        DialogueError: ``bad_stretch`` (no whole number of turns), ``not_whole``, ``weighted``.
    """
    turns = dialogue.turns
    length = _turns_of(dialogue, reach)
    if len(turns) <= length:
        return Windowed((dialogue,), ())
    check_whole(dialogue)
    asked = asked_in(dialogue)
    answers = answers_of(dialogue, {response.rid: 0 for response in dialogue.responses})
    by_stretch: dict[int, list[Answer]] = {}
    for answer in answers:
        by_stretch.setdefault(answer.turn // length, []).append(answer)
    plans, refused = [], list[Refusal]()
    for number in range(-(-len(turns) // length)):
        plan = _plan(number, by_stretch.get(number, ()), length, summaries, reach)
        refused += plan.refused
        plans.append(plan)
    kept = [answer for plan in plans for answer in plan.kept]
    made = []
    for number, plan in enumerate(plans):
        cut = Cut(plan.start * length, number * length, min(len(turns), (number + 1) * length))
        if plan.memory is None or not _matters(cut, asked, kept):
            continue
        near = [a for a in kept if a.turn >= cut.start and _begins(a) < cut.end]
        window = cut_out(dialogue, asked, near, cut, number)
        made.append(_with_memory(window, plan.memory, summaries))
    return Windowed(tuple(made), tuple(sorted(refused, key=lambda each: each.rid)))


class _Plan(NamedTuple):
    """A window that owns one stretch: the first that it shows, and what is said in it."""

    start: int
    memory: tuple[Remembered, ...] | None
    """None where it is not whole."""
    kept: Sequence[Answer]
    refused: Sequence[Refusal]


def _turns_of(dialogue: Dialogue, reach: Reach) -> int:
    """The turns of a stretch."""
    length = round(reach.raw_s * dialogue.turns_per_s)
    starts = dialogue.turns.starts
    if length < 1 or any(
        abs(starts[at] - at // length * reach.raw_s) > EPSILON_S
        for at in range(length, len(starts), length)
    ):
        detail = f"{reach.raw_s} s at {dialogue.turns_per_s} turns a second"
        raise DialogueError("bad_stretch", detail)
    return length


def _plan(
    number: int,
    answers: Sequence[Answer],
    length: int,
    summaries: Sequence[Remembered],
    reach: Reach,
) -> _Plan:
    earliest = max(0, number - reach.context_stretches)
    refused, kept = list[Refusal](), list[Answer]()
    for answer in answers:
        remembers = answer.response.from_memory
        if remembers or answer.first // length >= earliest:
            kept.append(answer)
            continue
        begins = f"its evidence begins in stretch {answer.first // length}"
        detail = f"{begins}, and its window shows those from {earliest} on"
        refused.append(Refusal(answer.response.rid, "evidence_over_reach", detail))
    shown = [a.first // length for a in kept if not a.response.from_memory]
    start = min([number, *shown])
    try:
        memory = recalled(summaries, start, reach)
    except DialogueError as error:
        lost = [Refusal(a.response.rid, error.reason, error.detail) for a in kept]
        return _Plan(start, None, (), [*refused, *lost])
    since_s = memory[0].start_s if memory else start * reach.raw_s
    forgotten = [a for a in kept if evidence_s(a.response)[0] < since_s - EPSILON_S]
    detail = f"the window remembers from {since_s} s on"
    refused += [Refusal(a.response.rid, "evidence_forgotten", detail) for a in forgotten]
    return _Plan(start, memory, [a for a in kept if a not in forgotten], refused)


def _begins(answer: Answer) -> int:
    """The first turn that its response changes: with its standby, or with itself."""
    return min(answer.response.standby_from, answer.turn)


def _matters(cut: Cut, asked: Sequence[OpenQuestion], kept: Sequence[Answer]) -> bool:
    """Whether something is asked, open, waited for or said in the turns that a window owns."""
    questions = any(one.turn < cut.end and one.until >= cut.own for one in asked)
    return questions or any(a.turn >= cut.own and _begins(a) < cut.end for a in kept)


def _with_memory(
    window: Dialogue, memory: Sequence[Remembered], summaries: Sequence[Remembered]
) -> Dialogue:
    """The window, which names the models that wrote what it remembers."""
    spans = {(each.level, each.start_s) for each in memory}
    writers = {
        writer
        for each in summaries
        if isinstance(each, Summary) and (each.level, each.start_s) in spans
        for writer in (*each.writers, *((each.provenance.writer,) if each.provenance else ()))
    }
    models = sorted({*window.models, *writers})
    return window.model_copy(update={"memory": [*memory], "models": models})
