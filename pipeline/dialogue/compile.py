"""From an annotation and the turns of its video to states: the laws of a dialogue.

1. Every response stands in exactly one turn. What could not stand where it asked to is merged,
   shifted or clamped, and says so. The order of the input does not matter.
2. An event is reported at the first turn that starts at or after the end of its evidence, when all
   its frames have been on screen; an instant at the first turn whose frame was presented then or
   later. Turn ``i`` shows the frame on screen at its start. Neither stands before its question.
3. Standby only while an event is under way or awaiting its turn, and its question was asked.
   Response beats standby beats silence.
4. A question stands once, in the turn that contains the time it is asked.
5. Turns tile the video, one a segment.
6. It comes back: ``read_events`` finds the events again, to the precision of a turn.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pipeline.records import Annotation, Response, Segment, Span, State, Turn

Collision = Literal["merge", "shift"]
Flag = Literal["clamped", "merged", "shifted"]

EPSILON_S = 1e-6
"""Two times closer than this are the same time: thirds and tenths of a second are not exact."""


class DialogueError(ValueError):
    """An annotation that no dialogue can be made of. ``reason`` is a short constant."""

    def __init__(self, reason: str, detail: str) -> None:
        """``detail`` says it for this annotation."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[DialogueError], tuple[str, str]]:
        """Errors cross process borders."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class Placement:
    """Where one response came to stand."""

    rid: str
    turn: int
    standby_from: int
    """The first turn that waits for it; ``turn`` itself where none does."""
    flags: tuple[Flag, ...]
    """In alphabetical order; empty where the response stands where it asked to."""


@dataclass(frozen=True)
class Compiled:
    """The turns, in order, and one placement a response in the order they are said."""

    turns: tuple[Turn, ...]
    placements: tuple[Placement, ...]

    def flagged(self, flag: Flag) -> int:
        """How many responses carry ``flag``."""
        return sum(flag in placement.flags for placement in self.placements)


@dataclass(frozen=True)
class _Wish:
    """Where a response asks to stand, before others are looked at."""

    response: Response
    turn: int
    standby_from: int
    """No turn before this one waits for it; the number of turns where none ever does."""
    clamped: bool

    @property
    def order(self) -> tuple[float, float, str]:
        return (self.response.respond_s, self.response.start_s, self.response.rid)


def compile_turns(
    annotation: Annotation, segments: Sequence[Segment], *, collision: Collision = "merge"
) -> Compiled:
    """One turn a segment, in order, with states, questions and texts.

    A response whose evidence ends after the start of the last turn stands there, ``clamped``. Of
    several in one turn, ``collision="merge"`` joins the texts by line breaks in order of
    ``(respond_s, start_s, rid)`` and flags them ``merged``; ``"shift"`` keeps the first, moves each
    other one, ``shifted``, to the next turn in which no response stands or asks to stand and which
    starts before its ``valid_until_s`` (no limit where that is null), and merges those that find
    none. Several questions in one turn are joined by line breaks in order of ``(asked_s, qid)``.

    Raises:
        DialogueError: ``bad_segments`` (none, of another video, or not tiling it),
            ``duplicate_id``, ``unknown_qid``, ``empty_text``, ``reversed_span``, or
            ``early_response`` (due before its own evidence is complete).
    """
    ordered = _tiling(annotation.video_id, segments)
    _check(annotation)
    starts = [segment.start_s for segment in ordered]
    asked = {
        question.qid: max(0, bisect_right(starts, question.asked_s) - 1)
        for question in annotation.questions
    }
    frames = [segment.frame_s for segment in ordered]
    wishes = [
        _wish(response, starts, frames, asked[response.qid]) for response in annotation.responses
    ]
    wishes.sort(key=lambda wish: (wish.turn, *wish.order))
    turns = _settle(wishes, starts, collision)

    said: dict[int, list[_Wish]] = {}
    waiting: set[int] = set()
    for wish, turn in zip(wishes, turns, strict=True):
        said.setdefault(turn, []).append(wish)
        waiting.update(range(wish.standby_from, turn))
    placements: dict[int, list[Placement]] = {}
    for turn, together in sorted(said.items()):
        placements[turn] = [_placement(wish, turn, len(together) > 1) for wish in together]

    compiled = []
    for index, segment in enumerate(ordered):
        here = [question for question in annotation.questions if asked[question.qid] == index]
        here.sort(key=lambda question: (question.asked_s, question.qid))
        speaking = [wish.response for wish in said.get(index, [])]
        flags = {flag for placement in placements.get(index, []) for flag in placement.flags}
        state: State = "response" if speaking else "standby" if index in waiting else "silence"
        compiled.append(
            Turn(
                index=index,
                start_s=segment.start_s,
                end_s=segment.end_s,
                frame_s=segment.frame_s,
                state=state,
                question="\n".join(question.text for question in here),
                text="\n".join(response.text for response in speaking),
                qids=[question.qid for question in here],
                rids=[response.rid for response in speaking],
                flags=sorted(flags),
            )
        )
    return Compiled(tuple(compiled), tuple(p for group in placements.values() for p in group))


def _tiling(video_id: str, segments: Sequence[Segment]) -> list[Segment]:
    ordered = sorted(segments, key=lambda segment: segment.index)
    if not ordered:
        raise DialogueError("bad_segments", "there are none")
    for number, segment in enumerate(ordered):
        if segment.video_id != video_id:
            raise DialogueError("bad_segments", f"{segment.video_id!r} is not {video_id!r}")
        if segment.index != number:
            raise DialogueError("bad_segments", f"{segment.index} stands where {number} should")
    for before, after in pairwise(ordered):
        gap = abs(before.end_s - after.start_s) > EPSILON_S
        if before.frame_s > after.frame_s:
            raise DialogueError("bad_segments", f"the frame of {after.index} is an earlier one")
        if gap or after.start_s - before.start_s <= EPSILON_S:
            detail = f"{after.index} starts at {after.start_s}, {before.index} ends at"
            raise DialogueError("bad_segments", f"{detail} {before.end_s}")
    return ordered


def _check(annotation: Annotation) -> None:
    qids = [question.qid for question in annotation.questions]
    for ids in (qids, [response.rid for response in annotation.responses]):
        if len(set(ids)) < len(ids):
            raise DialogueError("duplicate_id", f"in {sorted(ids)}")
    for question in annotation.questions:
        if not question.text.strip():
            raise DialogueError("empty_text", f"question {question.qid!r}")
    for response in annotation.responses:
        name = f"response {response.rid!r}"
        if response.qid not in qids:
            raise DialogueError("unknown_qid", f"{name} answers {response.qid!r}")
        if not response.text.strip():
            raise DialogueError("empty_text", name)
        spans = _spans(response)
        for span in spans:
            if span.end_s < span.start_s:
                raise DialogueError("reversed_span", f"{name}: {span.start_s} to {span.end_s}")
        over_s = response.end_s if response.kind == "event" else response.start_s
        complete_s = max([over_s, *(span.end_s for span in response.evidence)])
        if response.respond_s < complete_s - EPSILON_S:
            detail = f"{name} at {response.respond_s}, evidence until {complete_s}"
            raise DialogueError("early_response", detail)


def _wish(
    response: Response, starts: Sequence[float], frames: Sequence[float], asked: int
) -> _Wish:
    # A span is over when its last frame gives way; what begins needs a frame from then on.
    event = response.kind == "event"
    due = _first_at(starts if event else frames, response.respond_s)
    turn = max(min(due, len(starts) - 1), asked)
    standby_from = len(starts)
    if event:
        begins_s = min(span.start_s for span in _spans(response))
        standby_from = max(_first_at(frames, begins_s), asked)
    return _Wish(response, turn, standby_from, clamped=due == len(starts))


def _spans(response: Response) -> list[Span]:
    return [Span(start_s=response.start_s, end_s=response.end_s), *response.evidence]


def _first_at(times: Sequence[float], time_s: float) -> int:
    """The first of the times at or after one; ``len(times)`` where there is none."""
    return bisect_left(times, time_s - EPSILON_S)


def _settle(wishes: Sequence[_Wish], starts: Sequence[float], collision: Collision) -> list[int]:
    """The turn of every wish; ``wishes`` are sorted by turn and then by ``order``."""
    taken = {wish.turn for wish in wishes}
    turns: list[int] = []
    for number, wish in enumerate(wishes):
        turn = wish.turn
        if collision == "shift" and number > 0 and wishes[number - 1].turn == turn:
            until_s = wish.response.valid_until_s
            end = len(starts) if until_s is None else _first_at(starts, until_s)
            turn = next((k for k in range(turn + 1, end) if k not in taken), turn)
            taken.add(turn)
        turns.append(turn)
    return turns


def _placement(wish: _Wish, turn: int, merged: bool) -> Placement:
    flags: list[Flag] = []
    if wish.clamped:
        flags.append("clamped")
    if merged:
        flags.append("merged")
    if turn != wish.turn:
        flags.append("shifted")
    return Placement(wish.response.rid, turn, min(wish.standby_from, turn), tuple(flags))
