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
from collections.abc import Sequence
from itertools import accumulate

from pipeline.dialogue.budget import Budget, TurnCosts, turn_costs
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
from pipeline.dialogue.placement import Refusal
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Dialogue
from pipeline.records.turns import STATES


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
    check_whole(dialogue)
    asked = asked_in(dialogue)
    window_costs = _WindowCosts(costs, asked, budget.max_tokens)
    refused = window_costs.keep(answers_of(dialogue, costs.responses))
    cuts = window_costs.cuts(budget.overlap_turns)
    made = tuple(cut_out(dialogue, asked, window_costs.kept, cut, k) for k, cut in enumerate(cuts))
    return Windowed(made, tuple(_refusal(answer, cuts, made, budget) for answer in refused))


class _WindowCosts:
    """What the windows of a dialogue would cost.

    More turns at either end never cost less: the questions and responses of the shorter window are
    all in the longer one. Therefore limits are found by bisection.
    """

    def __init__(self, costs: TurnCosts, asked: Sequence[OpenQuestion], max_tokens: int) -> None:
        self.count = len(costs.before) - 1
        self.before = costs.before
        self.space = max_tokens - costs.base
        steps = [0] * (self.count + 2)
        for one in asked:
            steps[one.turn + 1] += costs.questions[one.question.qid]
            steps[one.until + 1] -= costs.questions[one.question.qid]
        self.carried = list(accumulate(steps))
        """Tokens of the questions that a window carries into its first turn, by that turn."""
        self.kept: list[Answer] = []
        self.kept_turns: list[int] = []

    def keep(self, answers: Sequence[Answer]) -> list[Answer]:
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

    def within(self, begin: int, end: int, start: int) -> list[Answer]:
        """The answers in turns ``[begin, end)`` whose evidence begins at ``start`` or later."""
        those = self.kept[bisect_left(self.kept_turns, begin) : bisect_left(self.kept_turns, end)]
        return [answer for answer in those if answer.first >= start]

    def needed(self, own: int, end: int) -> int:
        """The first turn of the evidence of the answers in ``[own, end)``, at most ``own``."""
        return min([own, *(answer.first for answer in self.within(own, end, 0))])

    def cuts(self, overlap: int) -> list[Cut]:
        """The windows, one after another."""
        cuts: list[Cut] = []
        own = 0
        while own < self.count:
            alone = self._longest(own, own) - own
            earliest = self._start(max(0, own - min(overlap, alone // 2)), own, own + 1)
            end = self._end(own, self._longest(earliest, own))
            cuts.append(Cut(self._start(max(0, own - overlap), own, end), own, end))
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


def _refusal(
    answer: Answer, cuts: Sequence[Cut], made: Sequence[Dialogue], budget: Budget
) -> Refusal:
    number = bisect_right(cuts, answer.turn, key=lambda cut: cut.own) - 1
    state = STATES[made[number].turns.states[answer.turn - cuts[number].start]]
    span = f"turns {answer.first} to {answer.turn} do not fit into {budget.max_tokens} tokens"
    detail = f"{span}; turn {answer.turn} is {state} now"
    return Refusal(answer.response.rid, "evidence_over_budget", detail)
