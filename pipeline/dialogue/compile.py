"""From an annotation and the turns of its video to states: the laws of a dialogue.

1. Every response stands in exactly one turn. What could not stand where it asked to is merged,
   shifted, split off or clamped, and says so. The order of the input does not matter. A response
   that says nothing, or that nothing in the video bears out, is refused with a reason.
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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.dialogue.tiling import EPSILON_S, DialogueError, Tiling
from pipeline.records import Annotation, GivenResponse, Question, Response, Span, State, Turn

Collision = Literal["merge", "shift", "split"]
Flag = Literal["clamped", "merged", "shifted", "split"]


@dataclass(frozen=True)
class Refusal:
    """A response that no dialogue can hold. ``reason`` is a short constant."""

    rid: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Compiled:
    """The turns, in order, and the responses in the order in which they are said."""

    turns: tuple[Turn, ...]
    responses: tuple[GivenResponse, ...]

    def flagged(self, flag: Flag) -> int:
        """How many responses carry ``flag``."""
        return sum(flag in response.flags for response in self.responses)


@dataclass(frozen=True)
class Compilation:
    """What became of an annotation: one dialogue, or several where responses were split off.

    ``responses in = responses of all dialogues + refused``.
    """

    dialogues: tuple[Compiled, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class _Wish:
    """Where a response asks to stand, before others are looked at."""

    response: Response
    turn: int
    standby_from: int
    """No turn before this one waits for it; the number of turns where none ever does."""
    clamped: bool

    @property
    def order(self) -> tuple[int, float, float, str]:
        response = self.response
        return (self.turn, response.respond_s, response.start_s, response.rid)


def compile_turns(
    annotation: Annotation, tiling: Tiling, *, collision: Collision = "merge"
) -> Compilation:
    """One turn for each of ``tiling``, in order, with states, questions and texts.

    A response whose evidence ends after the start of the last turn stands there, ``clamped``. Of
    several in one turn, ``collision="merge"`` joins the texts by line breaks in order of
    ``(respond_s, start_s, rid)`` and flags them ``merged``; ``"shift"`` keeps the first, moves each
    other one, ``shifted``, to the next turn in which no response stands or asks to stand and which
    starts before its ``valid_until_s`` (no limit where that is null), and merges those that find
    none; ``"split"`` puts each other one, flagged so, into a further dialogue with no question but
    theirs. Several questions in one turn are joined by line breaks in order of
    ``(asked_s, qid)``; one asked after the end stands in the last turn, flagged ``late_question``.

    A response is refused for ``unknown_qid``, ``empty_text``, ``reversed_span``,
    ``zero_length_span`` (an event), ``past_the_end`` (nothing of it is in the video) or
    ``early_response`` (due before its own evidence is complete).

    Raises:
        DialogueError: ``other_video``, ``duplicate_id``, or ``empty_text`` of a question.
    """
    _check(annotation, tiling)
    asked = {q.qid: tiling.turn_of(q.asked_s) for q in annotation.questions}
    wishes, refused = [], []
    for response in annotation.responses:
        refusal = _refusal(response, asked, tiling.end_s)
        if refusal is None:
            wishes.append(_wish(response, tiling, asked[response.qid]))
        else:
            refused.append(refusal)
    wishes.sort(key=lambda wish: wish.order)
    refused.sort(key=lambda refusal: refusal.rid)
    dialogues = []
    for layer, together in enumerate(_layers(wishes, collision)):
        questions = annotation.questions
        if layer:
            mine = {wish.response.qid for wish in together}
            questions = [question for question in questions if question.qid in mine]
        turns = _settle(together, tiling, collision)
        given = _given(together, turns, split=layer > 0)
        dialogues.append(Compiled(_turns(tiling, questions, asked, given), given))
    return Compilation(tuple(dialogues), tuple(refused))


def evidence_s(response: Response) -> tuple[float, float]:
    """When the evidence of a response begins to show, and when it is complete, in seconds."""
    spans = [Span(start_s=response.start_s, end_s=response.end_s), *response.evidence]
    return min(span.start_s for span in spans), max(span.end_s for span in spans)


def _check(annotation: Annotation, tiling: Tiling) -> None:
    if annotation.video_id != tiling.video_id:
        detail = f"{tiling.video_id!r} is not {annotation.video_id!r}"
        raise DialogueError("other_video", detail)
    qids = [question.qid for question in annotation.questions]
    for ids in (qids, [response.rid for response in annotation.responses]):
        if len(set(ids)) < len(ids):
            raise DialogueError("duplicate_id", f"in {sorted(ids)}")
    for question in annotation.questions:
        if not question.text.strip():
            raise DialogueError("empty_text", f"question {question.qid!r}")


def _refusal(response: Response, qids: Iterable[str], end_s: float) -> Refusal | None:
    event = response.kind == "event"
    over_s = response.end_s if event else response.start_s
    spans = [(response.start_s, response.end_s), *((s.start_s, s.end_s) for s in response.evidence)]
    complete_s = max([over_s, *(span.end_s for span in response.evidence)])
    begins_s = min(start_s for start_s, _ in spans)
    shown = f"{response.start_s} to {response.end_s}"
    reason, detail = "", ""
    if response.qid not in qids:
        reason, detail = "unknown_qid", f"it answers {response.qid!r}"
    elif not response.text.strip():
        reason = "empty_text"
    elif any(start_s > stop_s for start_s, stop_s in spans):
        reason, detail = "reversed_span", shown
    elif event and response.start_s == response.end_s:
        reason, detail = "zero_length_span", shown
    elif begins_s > end_s or (event and begins_s >= end_s):
        reason, detail = "past_the_end", f"{shown} of {end_s}"
    elif response.respond_s < complete_s - EPSILON_S:
        detail = f"at {response.respond_s}, evidence until {complete_s}"
        reason = "early_response"
    return Refusal(response.rid, reason, detail) if reason else None


def _wish(response: Response, tiling: Tiling, asked: int) -> _Wish:
    # A span is over when its last frame gives way; what begins needs a frame from then on.
    event = response.kind == "event"
    due = (tiling.first_start if event else tiling.first_frame)(response.respond_s)
    turn = max(min(due, len(tiling) - 1), asked)
    standby_from = len(tiling)
    if event:
        standby_from = max(tiling.first_frame(evidence_s(response)[0]), asked)
    return _Wish(response, turn, standby_from, clamped=due == len(tiling))


def _layers(wishes: Sequence[_Wish], collision: Collision) -> list[list[_Wish]]:
    """The wishes of each dialogue; there is always a first one, even without any response."""
    layers: list[list[_Wish]] = [[]]
    rank = 0
    for number, wish in enumerate(wishes):
        same = number > 0 and wishes[number - 1].turn == wish.turn
        rank = rank + 1 if same and collision == "split" else 0
        if rank == len(layers):
            layers.append([])
        layers[rank].append(wish)
    return layers


def _settle(wishes: Sequence[_Wish], tiling: Tiling, collision: Collision) -> list[int]:
    """The turn of every wish; ``wishes`` are in order."""
    if collision != "shift":
        return [wish.turn for wish in wishes]
    # free[k]: a turn at or after k that no response holds, found by following the hints.
    free = list(range(len(tiling) + 1))
    for wish in wishes:
        free[wish.turn] = wish.turn + 1

    def next_free(turn: int) -> int:
        while free[turn] != turn:
            free[turn] = free[free[turn]]
            turn = free[turn]
        return turn

    turns: list[int] = []
    for number, wish in enumerate(wishes):
        turn = wish.turn
        if number > 0 and wishes[number - 1].turn == turn:
            until_s = wish.response.valid_until_s
            end = len(tiling) if until_s is None else tiling.first_start(until_s)
            found = next_free(turn)
            if found < end:
                turn = found
                free[turn] = turn + 1
        turns.append(turn)
    return turns


def _given(
    wishes: Sequence[_Wish], turns: Sequence[int], *, split: bool
) -> tuple[GivenResponse, ...]:
    said = [0] * (max(turns, default=0) + 1)
    for turn in turns:
        said[turn] += 1
    placed = sorted(zip(wishes, turns, strict=True), key=lambda pair: pair[1])
    given = []
    for wish, turn in placed:
        flags: list[Flag] = []
        if wish.clamped:
            flags.append("clamped")
        if said[turn] > 1:
            flags.append("merged")
        if turn != wish.turn:
            flags.append("shifted")
        if split:
            flags.append("split")
        fields = {name: getattr(wish.response, name) for name in Response.model_fields}
        standby_from = min(wish.standby_from, turn)
        given.append(
            GivenResponse.model_construct(
                **fields, turn=turn, standby_from=standby_from, flags=list(flags)
            )
        )
    return tuple(given)


def _turns(
    tiling: Tiling,
    questions: Sequence[Question],
    asked: dict[str, int],
    given: Sequence[GivenResponse],
) -> tuple[Turn, ...]:
    said: dict[int, list[GivenResponse]] = {}
    waiting: set[int] = set()
    for response in given:
        said.setdefault(response.turn, []).append(response)
        waiting.update(range(response.standby_from, response.turn))
    heard: dict[int, list[Question]] = {}
    for question in sorted(questions, key=lambda question: (question.asked_s, question.qid)):
        heard.setdefault(asked[question.qid], []).append(question)

    turns: list[Turn] = []
    before: State | None = None
    for index, frame_s in enumerate(tiling.frames):
        speaking = said.get(index, ())
        here = heard.get(index, ())
        state: State = "response" if speaking else "standby" if index in waiting else "silence"
        flags = {flag for response in speaking for flag in response.flags}
        if any(question.asked_s > tiling.end_s for question in here):
            flags.add("late_question")
        # Values of this module's own making: to validate each turn again costs most of the time.
        turns.append(
            Turn.model_construct(
                index=index,
                start_s=tiling.starts[index],
                end_s=tiling.starts[index + 1],
                frame_s=frame_s,
                state=state,
                transition=state != before,
                question="\n".join(question.text for question in here),
                text="\n".join(response.text for response in speaking),
                qids=[question.qid for question in here],
                rids=[response.rid for response in speaking],
                answers=[response.qid for response in speaking],
                flags=sorted(flags),
                loss=None,
                loss_scale=None,
            )
        )
        before = state
    return tuple(turns)
