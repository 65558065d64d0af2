"""Compiles an annotation to the turns of its video, under the laws of a dialogue.

1. Every response is in exactly one turn. One that is not in the turn at which it is due is merged,
   shifted, split off or clamped, and flagged so. The order of the input does not matter. A response
   without text, or without evidence in the video, is refused with a reason.
2. An event is reported at the first turn that starts at or after the end of its evidence, when all
   its frames have been on screen; an instant at the first turn whose frame was presented then or
   later. Turn ``i`` shows the frame on screen at its start. Neither comes before its question.
3. Standby only while an event is under way or due, and its question was asked. Response has
   precedence over standby, and standby over silence.
4. A question is in one turn: that which contains the time it is asked.
5. Turns tile the video, one a segment.
6. ``read_events`` recovers the events from the states, to the precision of a turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter

from pipeline.dialogue.placement import (
    Collision,
    Flag,
    Refusal,
    due_response,
    place_responses,
    refusal_of,
    settle,
    split_groups,
)
from pipeline.dialogue.tiling import DialogueError, Tiling
from pipeline.records import Annotation, PlacedResponse, Question, State, Turn

_TURNS = TypeAdapter(tuple[Turn, ...])
_IDLE: dict[str, Any] = {
    "question": "",
    "text": "",
    "qids": [],
    "rids": [],
    "answers": [],
    "flags": [],
    "loss": None,
    "loss_scale": None,
}
"""The fields of a turn without question and response."""

T = TypeVar("T")


@dataclass(frozen=True)
class Compiled:
    """The turns of a dialogue in order, and its responses sorted by turn."""

    turns: tuple[Turn, ...]
    responses: tuple[PlacedResponse, ...]

    def flagged(self, flag: Flag) -> int:
        """How many responses carry ``flag``."""
        return sum(flag in response.flags for response in self.responses)


@dataclass(frozen=True)
class Compilation:
    """The dialogue of an annotation, or several where responses were split off.

    ``responses in = responses of all dialogues + refused``.
    """

    dialogues: tuple[Compiled, ...]
    refused: tuple[Refusal, ...]


def compile_turns(
    annotation: Annotation, tiling: Tiling, *, collision: Collision = "merge"
) -> Compilation:
    """One turn for each of ``tiling``, in order, with states, questions and texts.

    A response whose evidence ends after the start of the last turn is put there, ``clamped``. Of
    several due in one turn, ``collision="merge"`` joins the texts by line breaks in order of
    ``(respond_s, start_s, rid)`` and flags them ``merged``; ``"shift"`` keeps the first, moves each
    other one, ``shifted``, to the next turn in which no response is or is due and which starts
    before its ``valid_until_s`` (no limit where that is null), and merges those that find none;
    ``"split"`` puts each other one, flagged so, into a further dialogue with no question but
    theirs. Several questions in one turn are joined by line breaks in order of
    ``(asked_s, qid)``; one asked after the end is in the last turn, flagged ``late_question``.

    A response is refused for ``unknown_qid``, ``empty_text``, ``reversed_span``,
    ``zero_length_span`` (an event), ``past_the_end`` (nothing of it is in the video) or
    ``early_response`` (due before its own evidence is complete).

    Raises:
        DialogueError: ``other_video``, ``duplicate_id``, or ``empty_text`` of a question.
    """
    _check(annotation, tiling)
    asked = {q.qid: tiling.turn_of(q.asked_s) for q in annotation.questions}
    due, refused = [], []
    for response in annotation.responses:
        refusal = refusal_of(response, asked, tiling.end_s)
        if refusal is None:
            due.append(due_response(response, tiling, asked[response.qid]))
        else:
            refused.append(refusal)
    due.sort(key=lambda each: each.order)
    refused.sort(key=lambda refusal: refusal.rid)
    dialogues = []
    for group, together in enumerate(split_groups(due, collision)):
        questions = annotation.questions
        if group:
            mine = {each.response.qid for each in together}
            questions = [question for question in questions if question.qid in mine]
        turns = settle(together, tiling, collision)
        placed = place_responses(together, turns, split=group > 0)
        dialogues.append(Compiled(_turns(tiling, questions, asked, placed), placed))
    return Compilation(tuple(dialogues), tuple(refused))


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


def _turns(
    tiling: Tiling,
    questions: Sequence[Question],
    asked: dict[str, int],
    placed: Sequence[PlacedResponse],
) -> tuple[Turn, ...]:
    states: list[State] = ["silence"] * len(tiling)
    for response in placed:
        for index in range(response.standby_from, response.turn):
            states[index] = "standby"
    for response in placed:
        states[response.turn] = "response"
    times = zip(tiling.starts, tiling.starts[1:], tiling.frames, states, strict=False)
    fields = [
        {
            "index": i,
            "start_s": start_s,
            "end_s": end_s,
            "frame_s": frame_s,
            "state": state,
            **_IDLE,
        }
        for i, (start_s, end_s, frame_s, state) in enumerate(times)
    ]
    for index, together in _by_turn((response.turn, response) for response in placed).items():
        fields[index]["text"] = "\n".join(response.text for response in together)
        fields[index]["rids"] = [response.rid for response in together]
        fields[index]["answers"] = [response.qid for response in together]
        fields[index]["flags"] = sorted({flag for each in together for flag in each.flags})
    ordered = sorted(questions, key=lambda question: (question.asked_s, question.qid))
    for index, here in _by_turn((asked[question.qid], question) for question in ordered).items():
        fields[index]["question"] = "\n".join(question.text for question in here)
        fields[index]["qids"] = [question.qid for question in here]
        if any(question.asked_s > tiling.end_s for question in here):
            fields[index]["flags"] = sorted([*fields[index]["flags"], "late_question"])
    for index, state in enumerate(states):
        fields[index]["transition"] = index == 0 or state != states[index - 1]
    # One call for all: validating turn by turn takes most of the time.
    return _TURNS.validate_python(fields)


def _by_turn(pairs: Iterable[tuple[int, T]]) -> dict[int, list[T]]:
    found: dict[int, list[T]] = {}
    for index, value in pairs:
        found.setdefault(index, []).append(value)
    return found
