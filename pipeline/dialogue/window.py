"""Windows of a dialogue that is too long to train on; none has a response without its evidence.

1. Each turn is owned by one window. A window may begin with turns of those before it, as context;
   its cost never exceeds the budget.
2. Every response is in the window that owns its turn, which shows its evidence from the first frame
   on. Where not even the turns from there to the response fit, the response is refused.
3. A context turn repeats only the responses of which the window shows the evidence.
4. A question that is still open is repeated in the first turn of a window. A question closes with
   its only response; with several, or none, it never does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from pipeline.dialogue.budget import Budget, TurnCosts, turn_costs
from pipeline.dialogue.build import n_tail
from pipeline.dialogue.compile import said_in
from pipeline.dialogue.placement import Refusal, evidence_s
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.records import AskedQuestion, Dialogue, PlacedResponse, Turns
from pipeline.records.turns import RESPONSE, SILENCE, STANDBY, STATES, Asked


@dataclass(frozen=True)
class Windowed:
    """The windows in order, or the dialogue itself, and the responses that fit into none.

    ``responses in = responses outside the context + refused``.
    """

    dialogues: tuple[Dialogue, ...]
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class _Answer:
    """A response, the first turn that shows its evidence, and its tokens."""

    response: PlacedResponse
    first: int
    tokens: int

    @property
    def turn(self) -> int:
        return self.response.turn


@dataclass(frozen=True)
class _Asked:
    """A question, the turn where it is asked, and the last at which a window carries it."""

    question: AskedQuestion
    turn: int
    until: int


@dataclass(frozen=True)
class _Cut:
    """A window: it shows ``[start, end)`` and owns ``[own, end)``."""

    start: int
    own: int
    end: int


def windows(dialogue: Dialogue, budget: Budget) -> Windowed:
    """The dialogue itself where it is within the budget; otherwise its windows, named
    ``<sample_id>-w0``, ``-w1`` and so on.

    A window begins ``overlap_turns`` before the turns it owns, or earlier, where the evidence of
    its responses begins. The overlap gives way first: it takes at most half of the turns that the
    window could own without it, and less where the budget asks for that. A window ends at that turn
    in the latter half of those it could own from which the next one must reach back least, or the
    latest of such turns. Questions closed by a response that is refused close at its turn.

    A response is refused for ``evidence_over_budget``.

    Raises:
        DialogueError: ``budget_too_small`` (a single turn, with the questions open in it, does not
            fit), ``not_whole`` (a window is not cut again), ``weighted`` (the weights of its turns
            would be those of the whole); also see ``turn_costs``.
    """
    costs = turn_costs(dialogue, budget)
    if costs.total <= budget.max_tokens:
        return Windowed((dialogue,), ())
    _check(dialogue)
    asked = _asked(dialogue)
    window_costs = _WindowCosts(costs, asked, budget.max_tokens)
    refused = window_costs.keep(_answers(dialogue, costs))
    cuts = window_costs.cuts(budget.overlap_turns)
    made = tuple(_window(dialogue, asked, window_costs.kept, cut, k) for k, cut in enumerate(cuts))
    return Windowed(made, tuple(_refusal(answer, cuts, made, budget) for answer in refused))


def _check(dialogue: Dialogue) -> None:
    if dialogue.whole_id or dialogue.turns.first:
        raise DialogueError("not_whole", f"{dialogue.sample_id!r} is a window")
    if dialogue.turns.losses is not None or dialogue.turns.loss_scales is not None:
        raise DialogueError("weighted", f"{dialogue.sample_id!r}: cut it before weights are given")


def _asked(dialogue: Dialogue) -> list[_Asked]:
    """By turn, and in the order within a turn."""
    questions = {question.qid: question for question in dialogue.questions}
    answered: dict[str, list[int]] = {}
    for response in dialogue.responses:
        answered.setdefault(response.qid, []).append(response.turn)
    asked = []
    for here, qid in ((at, qid) for at, asks in dialogue.turns.asked.items() for qid in asks.qids):
        turns = answered.get(qid, ())
        until = max(here, turns[0]) if len(turns) == 1 else len(dialogue.turns)
        asked.append(_Asked(questions[qid], here, until))
    return asked


def _answers(dialogue: Dialogue, costs: TurnCosts) -> list[_Answer]:
    """Sorted by turn."""
    frames = dialogue.turns.frames
    answers = []
    for response in sorted(dialogue.responses, key=lambda response: response.turn):
        first = min(bisect_left(frames, evidence_s(response)[0] - EPSILON_S), response.turn)
        answers.append(_Answer(response, first, costs.responses[response.rid]))
    return answers


class _WindowCosts:
    """What the windows of a dialogue would cost.

    More turns at either end never cost less: the questions and responses of the shorter window are
    all in the longer one. Therefore limits are found by bisection.
    """

    def __init__(self, costs: TurnCosts, asked: Sequence[_Asked], max_tokens: int) -> None:
        self.count = len(costs.before) - 1
        self.before = costs.before
        self.space = max_tokens - costs.base
        steps = [0] * (self.count + 2)
        for one in asked:
            steps[one.turn + 1] += costs.questions[one.question.qid]
            steps[one.until + 1] -= costs.questions[one.question.qid]
        self.carried = list(accumulate(steps))
        """Tokens of the questions that a window carries into its first turn, by that turn."""
        self.kept: list[_Answer] = []
        self.kept_turns: list[int] = []

    def keep(self, answers: Sequence[_Answer]) -> list[_Answer]:
        """Fills ``kept`` with the answers whose evidence fits; the others are returned."""
        for turn in range(self.count):
            if not self.fits(turn, turn + 1):
                raise DialogueError("budget_too_small", f"turn {turn} with its open questions")
        refused = []
        # Of those in one turn, the evidence of each contains that of the ones looked at before it.
        for answer in sorted(answers, key=lambda answer: (answer.turn, -answer.first)):
            if self.fits(answer.first, answer.turn + 1, more=answer.tokens):
                self.kept.append(answer)
                self.kept_turns.append(answer.turn)
            else:
                refused.append(answer)
        order = {answer.response.rid: number for number, answer in enumerate(answers)}
        self.kept.sort(key=lambda answer: order[answer.response.rid])
        return sorted(refused, key=lambda answer: answer.response.rid)

    def fits(self, start: int, end: int, more: int = 0) -> bool:
        """Whether a window ``[start, end)`` with all the responses it can hold is within budget."""
        left = self.space - more - (self.before[end] - self.before[start]) - self.carried[start]
        return left >= 0 and left >= sum(a.tokens for a in self.within(start, end, start))

    def within(self, begin: int, end: int, start: int) -> list[_Answer]:
        """The answers in turns ``[begin, end)`` whose evidence begins at ``start`` or later."""
        those = self.kept[bisect_left(self.kept_turns, begin) : bisect_left(self.kept_turns, end)]
        return [answer for answer in those if answer.first >= start]

    def needed(self, own: int, end: int) -> int:
        """The first turn of the evidence of the answers in ``[own, end)``, at most ``own``."""
        return min([own, *(answer.first for answer in self.within(own, end, 0))])

    def cuts(self, overlap: int) -> list[_Cut]:
        """The windows, one after another."""
        cuts: list[_Cut] = []
        own = 0
        while own < self.count:
            alone = self._longest(own, own) - own
            earliest = self._start(max(0, own - min(overlap, alone // 2)), own, own + 1)
            end = self._end(own, self._longest(earliest, own))
            cuts.append(_Cut(self._start(max(0, own - overlap), own, end), own, end))
            own = end
        return cuts

    def _start(self, wish: int, own: int, end: int) -> int:
        """The first turn from ``wish`` on, or from the evidence on, from which the window fits."""
        needed = self.needed(own, end)
        starts = range(min(wish, needed), needed + 1)
        return starts[bisect_left(starts, True, key=lambda start: self.fits(start, end))]

    def _longest(self, earliest: int, own: int) -> int:
        """The last turn at which a window can end that begins at ``earliest`` or before."""
        most = bisect_right(self.before, self.space + self.before[own]) - 1
        ends = range(own + 1, most + 1)
        over = bisect_left(
            ends, True, key=lambda end: not self.fits(min(earliest, self.needed(own, end)), end)
        )
        return own + over

    def _end(self, own: int, longest: int) -> int:
        """Of the turns at which a window can end, the best one for the next window."""
        if longest == self.count:
            return longest
        length = longest - own
        # Answers later than one more such window will hardly be in the next one.
        first = self.needed(longest, longest + length)
        ends = range(longest, own + (length - 1) // 2, -1)
        firsts = accumulate((self.needed(end, end + 1) for end in ends[1:]), min, initial=first)
        # Of equals the first, which is the latest turn.
        return min(zip(ends, firsts, strict=True), key=lambda pair: pair[0] - pair[1])[0]


def _window(
    dialogue: Dialogue, asked: Sequence[_Asked], kept: Sequence[_Answer], cut: _Cut, number: int
) -> Dialogue:
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


def _refusal(
    answer: _Answer, cuts: Sequence[_Cut], made: Sequence[Dialogue], budget: Budget
) -> Refusal:
    number = bisect_right(cuts, answer.turn, key=lambda cut: cut.own) - 1
    state = STATES[made[number].turns.states[answer.turn - cuts[number].start]]
    span = f"turns {answer.first} to {answer.turn} do not fit into {budget.max_tokens} tokens"
    detail = f"{span}; turn {answer.turn} is {state} now"
    return Refusal(answer.response.rid, "evidence_over_budget", detail)
