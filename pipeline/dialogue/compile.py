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
from typing import Any, TypeVar

from pydantic import TypeAdapter

from pipeline.dialogue.placement import (
    Collision,
    Flag,
    Refusal,
    due_response,
    layers,
    place_responses,
    refusal_of,
    settle,
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
"""A turn in which nothing is asked and nothing said."""

T = TypeVar("T")


@dataclass(frozen=True)
class Compiled:
    """The turns, in order, and the responses in the order in which they are said."""

    turns: tuple[Turn, ...]
    responses: tuple[PlacedResponse, ...]

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
        refusal = refusal_of(response, asked, tiling.end_s)
        if refusal is None:
            wishes.append(due_response(response, tiling, asked[response.qid]))
        else:
            refused.append(refusal)
    wishes.sort(key=lambda wish: wish.order)
    refused.sort(key=lambda refusal: refusal.rid)
    dialogues = []
    for layer, together in enumerate(layers(wishes, collision)):
        questions = annotation.questions
        if layer:
            mine = {wish.response.qid for wish in together}
            questions = [question for question in questions if question.qid in mine]
        turns = settle(together, tiling, collision)
        given = place_responses(together, turns, split=layer > 0)
        dialogues.append(Compiled(_turns(tiling, questions, asked, given), given))
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
    given: Sequence[PlacedResponse],
) -> tuple[Turn, ...]:
    states: list[State] = ["silence"] * len(tiling)
    for response in given:
        for index in range(response.standby_from, response.turn):
            states[index] = "standby"
    for response in given:
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
    for index, together in _by_turn((response.turn, response) for response in given).items():
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
    # All at once: to make them one by one costs most of the time.
    return _TURNS.validate_python(fields)


def _by_turn(pairs: Iterable[tuple[int, T]]) -> dict[int, list[T]]:
    found: dict[int, list[T]] = {}
    for index, value in pairs:
        found.setdefault(index, []).append(value)
    return found
