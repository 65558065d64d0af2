"""Compiles an annotation to the turns of its video, under the laws of a dialogue.

1. Every response is in exactly one turn. One that is not alone in the turn at which it is due is
   merged, shifted, split off, postponed or clamped, and flagged so. What several say of the same is
   said once. The order of the input does not matter. A response without text, or without evidence
   in the video, is refused with a reason.
2. No response stands before the evidence that it names is on screen, nor before its question. An
   event is reported at the first turn that starts at or after the end of its evidence, when all
   its frames have been on screen; an instant at the first turn whose frame was presented then or
   later. One that is due before that (``pipeline.dialogue.due``) stands at a frame up to which it
   was confirmed. Turn ``i`` shows the frame on screen at its start.
3. Standby only while an event is under way or due, and its question was asked. Response has
   precedence over standby, and standby over silence.
4. A question is in one turn: that which contains the time it is asked.
5. Turns tile the video, one a segment.
6. ``read_events`` recovers the events from the states, to the precision of a turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from pipeline.dialogue.placement import (
    Collision,
    Flag,
    Refusal,
    by_response_time,
    judge,
    place_responses,
    settle,
    split_groups,
)
from pipeline.dialogue.tiling import DialogueError, Tiling
from pipeline.records import Annotation, PlacedResponse, Question, Turns
from pipeline.records.turns import RESPONSE, STANDBY, Asked, Said

_STANDBY = bytes([STANDBY])


class Compiled(NamedTuple):
    """The turns of a dialogue in order, and its responses sorted by turn."""

    turns: Turns
    responses: tuple[PlacedResponse, ...]

    def flagged(self, flag: Flag) -> int:
        """How many responses carry ``flag``."""
        return sum(flag in response.flags for response in self.responses)


class Compilation(NamedTuple):
    """The dialogue of an annotation, or several where responses were split off.

    ``responses in = responses of all dialogues + refused``.
    """

    dialogues: tuple[Compiled, ...]
    refused: tuple[Refusal, ...]


def compile_turns(
    annotation: Annotation,
    tiling: Tiling,
    *,
    collision: Collision = "merge",
    standby: bool = True,
) -> Compilation:
    """One turn for each of ``tiling``, in order, with states, questions and texts.

    A response whose evidence ends after the start of the last turn is put there, ``clamped``; one
    whose evidence is complete before its question is asked is in the turn of that, ``postponed``.
    One that has words, span and question of another is said with it, ``repeated``. Of several
    others due in one turn, ``collision="merge"`` joins the texts by line breaks in order of
    ``(respond_s, start_s, text)`` and flags them ``merged``; ``"shift"`` keeps the first, moves
    each other one, ``shifted``, to the next turn in which no response is or is due and which starts
    before its ``valid_until_s`` (no limit where that is null), and merges those that find none;
    ``"split"`` puts each other one, flagged so, into a further dialogue with no question but
    theirs. Several questions in one turn are joined by line breaks in order of
    ``(asked_s, text)``; one asked after the end is in the last turn, flagged ``late_question``.

    A response is refused for ``unknown_qid``, ``empty_text``, ``reversed_span``,
    ``zero_length_span`` (an event), ``past_the_end`` (nothing of it is in the video) or
    ``early_response`` (due before the evidence that it names is complete, or was confirmed).

    An annotation that is a negative has no response: all its turns are silent. Without ``standby``,
    all turns are silent in which no response stands.

    Raises:
        DialogueError: ``other_video``, ``duplicate_id``, ``empty_text`` of a question, or
            ``answered_negative``.
    """
    _check(annotation, tiling)
    asked = {q.qid: tiling.turn_of(q.asked_s) for q in annotation.questions}
    due, refused = [], []
    for response in annotation.responses:
        judged = judge(response, tiling, asked)
        if isinstance(judged, Refusal):
            refused.append(judged)
        else:
            due.append(judged)
    refused.sort(key=attrgetter("rid"))
    dialogues = []
    for group, together in enumerate(split_groups(by_response_time(due), collision)):
        questions = annotation.questions
        if group:
            mine = {each.response.qid for each in together}
            questions = [question for question in questions if question.qid in mine]
        turns = settle(together, tiling, collision)
        placed = place_responses(together, turns, split=group > 0)
        if not standby:
            placed = tuple(p.model_copy(update={"standby_from": p.turn}) for p in placed)
        dialogues.append(Compiled(_turns(tiling, questions, asked, placed), placed))
    return Compilation(tuple(dialogues), tuple(refused))


def _check(annotation: Annotation, tiling: Tiling) -> None:
    if annotation.video_id != tiling.video_id:
        detail = f"{tiling.video_id!r} is not {annotation.video_id!r}"
        raise DialogueError("other_video", detail)
    if annotation.is_negative and annotation.responses:
        raise DialogueError("answered_negative", f"{len(annotation.responses)} responses")
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
    asked: Mapping[str, int],
    placed: Sequence[PlacedResponse],
) -> Turns:
    """``placed`` is sorted by turn."""
    states = bytearray(len(tiling))
    together: dict[int, list[PlacedResponse]] = {}
    for response in placed:
        turn, begins = response.turn, response.standby_from
        if begins < turn:
            states[begins:turn] = _STANDBY * (turn - begins)
        together.setdefault(turn, []).append(response)
    said, flags = {}, {}
    for turn, responses in together.items():
        states[turn] = RESPONSE
        said[turn], its = said_in(responses)
        if its:
            flags[turn] = its
    by_turn: dict[int, list[Question]] = {}
    for question in sorted(questions, key=attrgetter("asked_s", "text", "qid")):
        by_turn.setdefault(asked[question.qid], []).append(question)
    for turn, here in by_turn.items():
        if here[-1].asked_s > tiling.end_s:
            flags[turn] = tuple(sorted((*flags.get(turn, ()), "late_question")))
    return Turns(
        first=0,
        starts=tiling.starts[:-1],
        ends=tiling.starts[1:],
        frames=tiling.frames,
        states=bytes(states),
        asked={
            turn: Asked("\n".join([q.text for q in here]), tuple([q.qid for q in here]))
            for turn, here in by_turn.items()
        },
        said=said,
        flags=flags,
    )


def said_in(together: Sequence[PlacedResponse]) -> tuple[Said, tuple[str, ...]]:
    """What is said in the turn of some responses, in their order, and the flags of that turn."""
    if len(together) == 1:
        (one,) = together
        flags = tuple(sorted(one.flags)) if one.flags else ()
        return Said(one.text, (one.rid,), (one.qid,)), flags
    text = "\n".join(each.text for each in together if "repeated" not in each.flags)
    rids = tuple(response.rid for response in together)
    flags = tuple(sorted({flag for response in together for flag in response.flags}))
    return Said(text, rids, tuple(response.qid for response in together)), flags
