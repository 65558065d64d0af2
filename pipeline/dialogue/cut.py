"""A part of a dialogue, cut out of it: the questions that are open, and what its turns may say."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.dialogue.build import n_tail
from pipeline.dialogue.compile import said_in
from pipeline.dialogue.placement import Refusal, evidence_s
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.records import AskedQuestion, Dialogue, PlacedResponse, Turns
from pipeline.records.turns import RESPONSE, SILENCE, STANDBY, Asked


@dataclass(frozen=True)
class Windowed:
    """The windows in order, or the dialogue itself, and the responses that fit into none.

    ``responses in = responses outside the context + refused``.
    """

    dialogues: tuple[Dialogue, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class Answer:
    """A response, the first turn that shows its evidence, and its tokens."""

    response: PlacedResponse
    first: int
    tokens: int

    @property
    def turn(self) -> int:
        """Where it stands."""
        return self.response.turn


@dataclass(frozen=True)
class OpenQuestion:
    """A question, the turn where it is asked, and the last at which a window carries it."""

    question: AskedQuestion
    turn: int
    until: int


@dataclass(frozen=True)
class Cut:
    """A window: it shows ``[start, end)`` and owns ``[own, end)``."""

    start: int
    own: int
    end: int


def check_whole(dialogue: Dialogue) -> None:
    """Raises DialogueError for a dialogue that is a window (``not_whole``) or has weights, which
    would be those of the whole (``weighted``)."""
    if dialogue.whole_id or dialogue.turns.first:
        raise DialogueError("not_whole", f"{dialogue.sample_id!r} is a window")
    if dialogue.turns.losses is not None or dialogue.turns.loss_scales is not None:
        raise DialogueError("weighted", f"{dialogue.sample_id!r}: cut it before weights are given")


def asked_in(dialogue: Dialogue) -> list[OpenQuestion]:
    """All questions, by turn, and in the order within a turn."""
    questions = {question.qid: question for question in dialogue.questions}
    answered: dict[str, list[int]] = {}
    for response in dialogue.responses:
        answered.setdefault(response.qid, []).append(response.turn)
    asked = []
    for here, qid in ((at, qid) for at, asks in dialogue.turns.asked.items() for qid in asks.qids):
        turns = answered.get(qid, ())
        until = max(here, turns[0]) if len(turns) == 1 else len(dialogue.turns)
        asked.append(OpenQuestion(questions[qid], here, until))
    return asked


def answers_of(dialogue: Dialogue, tokens: Mapping[str, int]) -> list[Answer]:
    """All responses, sorted by turn; ``tokens`` by ``rid``.

    Part of the evidence of a response to a question that depends on an earlier one is that one,
    with its answers.
    """
    frames = dialogue.turns.frames
    stands = {qid: at for at, asks in dialogue.turns.asked.items() for qid in asks.qids}
    needed = {q.qid: stands[q.depends_on] for q in dialogue.questions if q.depends_on in stands}
    answers = []
    for response in sorted(dialogue.responses, key=lambda response: response.turn):
        first = bisect_left(frames, evidence_s(response)[0] - EPSILON_S)
        first = min(first, response.turn, needed.get(response.qid, response.turn))
        answers.append(Answer(response, first, tokens[response.rid]))
    return answers


def cut_out(
    dialogue: Dialogue, asked: Sequence[OpenQuestion], kept: Sequence[Answer], cut: Cut, number: int
) -> Dialogue:
    """The window ``number`` of a dialogue. Questions open before it stand in its first turn.

    It says those of ``kept`` that it owns, and in turns of context those whose evidence it shows.
    """
    mine = [a for a in kept if a.turn >= cut.start and (a.first >= cut.start or a.turn >= cut.own)]
    by_turn: dict[int, list[PlacedResponse]] = {}
    waiting: set[int] = set()
    for answer in mine:
        if answer.turn < cut.end:
            by_turn.setdefault(answer.turn, []).append(answer.response)
        begin = max(answer.response.standby_from, cut.start)
        waiting.update(range(begin, min(answer.turn, cut.end)))
    for together in by_turn.values():
        if len(together) == 1:
            together[0] = _alone(together[0])
    carried = [a.question for a in asked if a.turn < cut.start <= a.until]

    turns = _turns(dialogue.turns[cut.start : cut.end], by_turn, waiting, carried)
    questions = {question.qid: question for question in dialogue.questions}
    rids = turns.rids()
    owned = turns[cut.own - cut.start :]
    return dialogue.model_copy(
        update={
            "sample_id": f"{dialogue.sample_id}-w{number}",
            "whole_id": dialogue.sample_id,
            "context_turns": cut.own - cut.start,
            **{f"n_{state}": count for state, count in owned.counts().items()},
            "n_tail": n_tail(owned),
            "checks": [check for check in dialogue.checks if not check.rid or check.rid in rids],
            "questions": [questions[qid] for asks in turns.asked.values() for qid in asks.qids],
            "responses": [response for _, said in sorted(by_turn.items()) for response in said],
            "turns": turns,
        }
    )


def _alone(response: PlacedResponse) -> PlacedResponse:
    """The response without the flag ``merged``: in this window it is alone in its turn."""
    return response.model_copy(update={"flags": [f for f in response.flags if f != "merged"]})


def _turns(
    turns: Turns,
    by_turn: Mapping[int, Sequence[PlacedResponse]],
    waiting: Collection[int],
    carried: Sequence[AskedQuestion],
) -> Turns:
    """The turns of a window, of those of the whole; the others are told by index."""
    states = bytearray(STANDBY if index in waiting else SILENCE for index in turns.indices)
    flags = {at: {"late_question"}.intersection(names) for at, names in turns.flags.items()}
    said = {}
    for index, together in sorted(by_turn.items()):
        at = index - turns.first
        states[at] = RESPONSE
        said[at], of_responses = said_in(together)
        flags[at] = flags.get(at, set()).union(of_responses)
    asked = dict(turns.asked)
    if carried:
        old = asked.pop(0, Asked("", ()))
        text = "\n".join(filter(None, [*(each.text for each in carried), old.text]))
        asked = {0: Asked(text, (*(each.qid for each in carried), *old.qids)), **asked}
        flags[0] = {"carried"}.union(flags.get(0, ()))
    return replace(
        turns,
        states=bytes(states),
        asked=asked,
        said=said,
        flags={at: tuple(sorted(names)) for at, names in sorted(flags.items()) if names},
    )
