"""Judges a written dialogue against the annotation that it was made from.

It shares no code with the compiler (``pipeline.dialogue``), so that a fault there shows here. All
that it knows of a dialogue is what a trainer reads: turns, their states and their texts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil
from typing import NamedTuple

from pipeline.corpus.audit.joined_texts import match_texts
from pipeline.records import Question, Response, State

SAME_S = 1e-6
"""Times closer than this are the same: thirds and tenths of a second are not exact."""
LABEL_S, _RATE_SHARE = 1e-3, 2e-6
"""Labels have three decimals, and rates six."""


class WrittenTurn(NamedTuple):
    """A turn as it was read back. Texts are empty where nothing is asked or said."""

    start_s: float
    state: State
    question: str
    text: str


class Timeline(NamedTuple):
    """When turns start, when the frame that each shows was presented, and when the video ends."""

    starts: Sequence[float]
    frames: Sequence[float]
    end_s: float

    def turn_of(self, time_s: float) -> int:
        """The turn that contains a time; the last one for a time after the end."""
        return max(0, bisect_right(self.starts, time_s) - 1)

    def first_at(self, time_s: float, kind: str) -> int:
        """The first turn in which an event that ends then may be said, or an instant; as many as
        there are turns where there is none."""
        times = self.starts if kind == "event" else self.frames
        return bisect_left(times, time_s - SAME_S)


class Due(NamedTuple):
    """When a response should be said: in ``turn``; ``first`` is that whatever its question."""

    response: Response
    first: int
    asked: int
    turn: int

    def standby_from(self, timeline: Timeline) -> int:
        """The turn in which standby begins: that in which an event does, or its question is asked.
        ``turn`` where there is none."""
        if self.response.kind != "event":
            return self.turn
        spans = self.response.evidence
        begins_s = min([self.response.start_s, *(span.start_s for span in spans)])
        return min(self.turn, max(timeline.first_at(begins_s, "instant"), self.asked))


@dataclass(frozen=True)
class Checked:
    """What became of the responses and questions of a dialogue.

    ``counts`` has, of responses: ``kept`` and ``lost``; of those kept ``early`` (before their
    evidence is over, though a later turn was there), ``clamped`` (in the last turn, as none starts
    after they are due), ``early_by_clock`` (before their evidence is over, for either cause),
    ``before_question``, ``misplaced`` (in another turn than the first in which they could be said,
    and none of these), ``postponed`` (to the turn of their question, as they are due before),
    ``merged`` (with others in one turn), ``repeated`` (the same is said once for several). Beyond
    them ``said_twice`` (once more than there are responses) and ``unexplained`` (said for no
    response). Of questions: ``questions_lost``, ``questions_early``, ``questions_late`` and
    ``questions_unexplained``. Of turns: ``standby_missing``, ``standby_unfounded`` and
    ``turns_wrong`` (too many, too few, or not where they should start).
    """

    counts: Counter[str] = field(default_factory=Counter)
    early_s: float = 0.0
    """Sum over those ``early_by_clock``, in seconds before the end of their evidence."""
    clamped_s: float = 0.0
    """The same of those that are ``clamped``."""
    untold: tuple[str, ...] = ()
    """The counts that the format cannot tell: they are 0, whatever is the case."""

    @property
    def faults(self) -> dict[str, int]:
        """Of the counts, those that are never right."""
        return {name: self.counts[name] for name in FAULTS if self.counts[name]}


FAULTS = (
    *("lost", "early", "before_question", "misplaced", "said_twice", "unexplained"),
    *("questions_lost", "questions_early", "questions_late", "questions_unexplained"),
    *("standby_missing", "standby_unfounded", "turns_wrong"),
)


def even_timeline(duration_s: float, turns_per_s: float) -> Timeline:
    """Of a video of which only the duration is known."""
    count = max(1, ceil(duration_s * turns_per_s - SAME_S))
    starts = tuple(number / turns_per_s for number in range(count))
    return Timeline(starts, starts, duration_s)


def over_s(response: Response) -> float:
    """When the evidence on which a response rests is over, in seconds.

    Its own span is part of that, of an instant the begin; but not of what is said before that is
    over, which rests on the spans that it names.
    """
    ends = [span.end_s for span in response.evidence]
    if not _is_soon(response) or not ends:
        ends.append(response.start_s if response.kind == "instant" else response.end_s)
    return max(ends)


def _is_soon(response: Response) -> bool:
    """Whether it is to be said before all that it is about has been seen."""
    return response.due_s is not None and response.due_s < response.respond_s - SAME_S


def _is_unfounded(response: Response) -> bool:
    """Whether its evidence is not complete when it is to be said, or nobody confirmed it then."""
    said_s = response.respond_s if response.due_s is None else response.due_s
    return said_s < over_s(response) - SAME_S or (
        _is_soon(response) and said_s not in response.confirmed_s
    )


def why_unsayable(response: Response, questions: Iterable[str], end_s: float) -> str:
    """Why no dialogue about a video that ends at ``end_s`` can have a response; empty if one can.

    ``questions`` are the ids of those that may be answered.
    """
    if response.qid not in questions:
        return "unknown_qid"
    if not response.text.strip():
        return "empty_text"
    event = response.kind == "event"
    spans = [(response.start_s, response.end_s)]
    spans += [(span.start_s, span.end_s) for span in response.evidence]
    if any(end < start for start, end in spans):
        return "reversed_span"
    if event and response.start_s == response.end_s:
        return "zero_length_span"
    begins_s = min(start for start, _ in spans)
    if begins_s > end_s or (event and begins_s == end_s):
        return "past_the_end"
    full = response.model_copy(update={"due_s": None})
    return "early_response" if _is_unfounded(full) or _is_unfounded(response) else ""


def check(
    turns: Sequence[WrittenTurn],
    questions: Sequence[Question],
    responses: Sequence[Response],
    timeline: Timeline,
) -> Checked:
    """What became of ``responses``, all of which can be said, where collisions are merged."""
    counts: Counter[str] = Counter()
    starts = timeline.starts
    counts["turns_wrong"] = abs(len(turns) - len(starts)) + sum(
        abs(turn.start_s - start_s) > LABEL_S + _RATE_SHARE * start_s
        for turn, start_s in zip(turns, starts, strict=False)
    )
    turns = turns[: len(starts)]
    asked = {question.qid: timeline.turn_of(question.asked_s) for question in questions}
    dues = [due_of(response, asked[response.qid], timeline) for response in responses]
    said = match_texts(
        {at: turn.text for at, turn in enumerate(turns) if turn.state == "response"},
        [(due.response.text, due.turn, due) for due in dues],
    )
    _count_questions(turns, questions, asked, counts)
    counts["lost"], counts["kept"] = len(said.missing), len(said.found)
    counts["said_twice"], counts["unexplained"] = said.again, said.unexplained
    counts["repeated"] = said.shared
    together = Counter(at for at, _ in said.found)
    early_s = clamped_s = 0.0
    for at, due in said.found:
        counts["merged"] += together[at] > 1
        counts["postponed"] += at == due.asked > due.first
        missing_s = over_s(due.response) - starts[at]
        clamped = due.first == len(starts) == at + 1
        early = missing_s > SAME_S
        if early:
            counts["early_by_clock"] += 1
            early_s += missing_s
        if clamped:
            counts["clamped"] += 1
            clamped_s += max(0.0, missing_s)
        counts["early"] += early and not clamped
        counts["before_question"] += at < due.asked
        counts["misplaced"] += at != due.turn and not early and at >= due.asked
    _count_standby(turns, dues, timeline, counts)
    return Checked(counts, early_s, clamped_s)


def due_of(response: Response, asked: int, timeline: Timeline) -> Due:
    """When a response should be said; ``asked`` is the turn of its question."""
    due_s = response.respond_s if response.due_s is None else response.due_s
    first = timeline.first_at(due_s, "instant" if _is_soon(response) else response.kind)
    return Due(response, first, asked, max(min(first, len(timeline.starts) - 1), asked))


def _count_questions(
    turns: Sequence[WrittenTurn],
    questions: Sequence[Question],
    asked: Mapping[str, int],
    counts: Counter[str],
) -> None:
    found = match_texts(
        {at: turn.question for at, turn in enumerate(turns) if turn.question},
        [(question.text, asked[question.qid], question.qid) for question in questions],
    )
    counts["questions_lost"] = len(found.missing)
    counts["questions_unexplained"] = found.again + found.unexplained
    counts["questions_early"] = sum(at < asked[qid] for at, qid in found.found)
    counts["questions_late"] = sum(at > asked[qid] for at, qid in found.found)


def _count_standby(
    turns: Sequence[WrittenTurn], dues: Sequence[Due], timeline: Timeline, counts: Counter[str]
) -> None:
    """An event has standby from where it begins, or its question is asked, until it is said."""
    steps = [0] * (len(timeline.starts) + 1)
    for due in dues:
        steps[due.standby_from(timeline)] += 1
        steps[due.turn] -= 1
    answered = {due.turn for due in dues}
    for at, (turn, waiting) in enumerate(zip(turns, accumulate(steps), strict=False)):
        if at not in answered:  # else what is there was counted with the response
            counts["standby_missing"] += turn.state == "silence" and waiting > 0
            counts["standby_unfounded"] += turn.state == "standby" and not waiting
