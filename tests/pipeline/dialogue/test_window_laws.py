"""The laws of windows, over dialogues of arbitrary annotations."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.dialogue.budget import Budget, TurnCosts, turn_costs
from pipeline.dialogue.build import n_tail
from pipeline.dialogue.cut import Windowed
from pipeline.dialogue.placement import evidence_s
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.dialogue.window import windows
from pipeline.records import Dialogue, PlacedResponse, Turns
from tests.pipeline.dialogue.samples import dialogues


def budget_of(max_tokens: int, overlap_turns: int = 0) -> Budget:
    """A turn without texts costs about twenty tokens."""
    return Budget(
        max_tokens=max_tokens, overlap_turns=overlap_turns, frame_tokens=1, system_tokens=10
    )


@dataclass(frozen=True)
class Case:
    """A dialogue that is too long, and its windows."""

    dialogue: Dialogue
    budget: Budget
    windowed: Windowed

    @cached_property
    def costs(self) -> TurnCosts:
        return turn_costs(self.dialogue, self.budget)

    @cached_property
    def refused(self) -> set[str]:
        return {refusal.rid for refusal in self.windowed.refused}

    @cached_property
    def responses(self) -> dict[str, PlacedResponse]:
        return {response.rid: response for response in self.dialogue.responses}

    @cached_property
    def asked(self) -> dict[str, int]:
        return {qid: turn.index for turn in self.dialogue.turns for qid in turn.qids}

    def shown(self, rid: str) -> int:
        """The first turn that shows the evidence of a response."""
        response = self.responses[rid]
        begins_s = evidence_s(response)[0] - EPSILON_S
        shows = [turn.index for turn in self.dialogue.turns if turn.frame_s >= begins_s]
        return min([*shows, response.turn])

    def open_at(self, start: int) -> list[str]:
        """The questions asked before a turn and still open there, in order."""
        questions = sorted(self.dialogue.questions, key=lambda q: (q.asked_s, q.qid))
        found = []
        for question in questions:
            turns = [r.turn for r in self.dialogue.responses if r.qid == question.qid]
            closed = len(turns) == 1 and turns[0] < start
            if self.asked[question.qid] < start and not closed:
                found.append(question.qid)
        return found

    def cost(self, start: int, end: int, also: str = "") -> int:
        """Of a window that says all that it shows."""
        turns = self.costs.before[end] - self.costs.before[start]
        carried = sum(self.costs.questions[qid] for qid in self.open_at(start))
        said = [
            rid
            for rid, response in self.responses.items()
            if (rid == also or rid not in self.refused)
            and response.turn < end
            and self.shown(rid) >= start
        ]
        return self.costs.base + turns + carried + sum(self.costs.responses[rid] for rid in said)

    def range_of(self, window: Dialogue) -> tuple[int, int, int]:
        """The first turn, the first of its own, and the one behind the last."""
        start = window.turns[0].index
        return start, start + window.context_turns, start + len(window.turns)


def own(window: Dialogue) -> Turns:
    return window.turns[window.context_turns :]


@st.composite
def windowed(draw: st.DrawFn) -> Case:
    dialogue = draw(dialogues(longest=25, responses=10))
    total = turn_costs(dialogue, budget_of(99)).total
    assume(total > 90)
    max_tokens = max(60, total * draw(st.integers(1, 39)) // 40)
    budget = budget_of(max_tokens, draw(st.sampled_from([0, 0, 1, 2, 5, 40])))
    try:
        return Case(dialogue, budget, windows(dialogue, budget))
    except DialogueError as error:
        assert error.reason == "budget_too_small"
        assume(False)
        raise


@given(dialogues(), st.integers(0, 500))
@settings(deadline=None)
def test_a_dialogue_within_the_budget_stays_as_it_is(dialogue: Dialogue, spare: int) -> None:
    total = turn_costs(dialogue, budget_of(99)).total
    assert windows(dialogue, budget_of(total + spare, 3)) == Windowed((dialogue,), ())


@given(windowed())
def test_windows_own_the_turns_side_by_side_within_the_budget(case: Case) -> None:
    owned = [turn.index for window in case.windowed.dialogues for turn in own(window)]
    assert owned == [turn.index for turn in case.dialogue.turns]
    for window in case.windowed.dialogues:
        start, begin, end = case.range_of(window)
        assert 0 <= start <= begin < end
        assert [turn.index for turn in window.turns] == list(range(start, end))
        assert turn_costs(window, case.budget).total == case.cost(start, end)
        assert case.cost(start, end) <= case.budget.max_tokens


@given(windowed())
def test_every_response_is_said_once_outside_the_context_or_refused(case: Case) -> None:
    said = [rid for w in case.windowed.dialogues for turn in own(w) for rid in turn.rids]
    assert sorted([*said, *case.refused]) == sorted(case.responses)
    assert len(case.refused) == len(case.windowed.refused)
    for window in case.windowed.dialogues:
        for turn in own(window):
            kept = case.dialogue.turns[turn.index].rids
            assert turn.rids == [rid for rid in kept if rid not in case.refused]


@given(windowed())
def test_a_response_is_refused_only_where_its_evidence_does_not_fit(case: Case) -> None:
    for refusal in case.windowed.refused:
        assert refusal.reason == "evidence_over_budget"
        turn = case.responses[refusal.rid].turn
        first = case.shown(refusal.rid)
        assert case.cost(first, turn + 1, also=refusal.rid) > case.budget.max_tokens
        (state,) = (t.state for w in case.windowed.dialogues for t in own(w) if t.index == turn)
        assert refusal.detail.startswith(f"turns {first} to {turn} ")
        assert refusal.detail.endswith(f"turn {turn} is {state} now")


@given(windowed())
def test_what_is_said_is_shown(case: Case) -> None:
    for window in case.windowed.dialogues:
        start, begin, _ = case.range_of(window)
        for turn in window.turns:
            kept = [rid for rid in case.dialogue.turns[turn.index].rids if rid not in case.refused]
            assert turn.rids == [rid for rid in kept if case.shown(rid) >= start]
            if turn.index >= begin:
                assert turn.rids == kept
            assert turn.text == "\n".join(case.responses[rid].text for rid in turn.rids)
            assert turn.answers == [case.responses[rid].qid for rid in turn.rids]
            assert (turn.state == "response") == bool(turn.rids)


@given(windowed())
def test_standby_waits_for_what_this_window_or_a_later_one_says(case: Case) -> None:
    for window in case.windowed.dialogues:
        start, begin, _ = case.range_of(window)
        shown_qids: set[str] = set()
        for turn in window.turns:
            shown_qids.update(turn.qids)
            awaited = [
                response
                for rid, response in case.responses.items()
                if rid not in case.refused
                and response.standby_from <= turn.index < response.turn
                and (case.shown(rid) >= start or response.turn >= begin)
            ]
            assert turn.rids or (turn.state == "standby") == bool(awaited)
            assert {response.qid for response in awaited} <= shown_qids, "its question stands here"


@given(windowed())
def test_open_questions_are_carried(case: Case) -> None:
    texts = {question.qid: question.text for question in case.dialogue.questions}
    for window in case.windowed.dialogues:
        start, _, _ = case.range_of(window)
        for number, turn in enumerate(window.turns):
            carried = [] if number else case.open_at(start)
            assert turn.qids == [*carried, *case.dialogue.turns[turn.index].qids]
            assert ("carried" in turn.flags) == bool(carried)
            assert turn.question == "\n".join(texts[qid] for qid in turn.qids)
        stand = [qid for turn in window.turns for qid in turn.qids]
        assert len(set(stand)) == len(stand)
        assert [question.qid for question in window.questions] == stand
        assert {qid for turn in window.turns for qid in turn.answers} <= set(stand)


@given(windowed())
def test_a_window_begins_with_its_overlap_or_its_evidence_or_where_it_fits(case: Case) -> None:
    for window in case.windowed.dialogues:
        start, begin, end = case.range_of(window)
        needed = [case.shown(rid) for turn in own(window) for rid in turn.rids]
        wish = min([max(0, begin - case.budget.overlap_turns), *needed])
        assert wish <= start <= min([begin, *needed])
        if start > wish:
            assert case.cost(start - 1, end) > case.budget.max_tokens


@given(windowed())
def test_a_window_without_overlap_ends_in_the_latter_half_of_what_it_could_own(case: Case) -> None:
    assume(not case.budget.overlap_turns)
    count = len(case.dialogue.turns)
    for window in case.windowed.dialogues:
        _, begin, end = case.range_of(window)
        longest = begin
        while longest < count:
            said = case.dialogue.turns[begin : longest + 1]
            kept = [rid for turn in said for rid in turn.rids if rid not in case.refused]
            start = min([begin, *map(case.shown, kept)])
            if case.cost(start, longest + 1) > case.budget.max_tokens:
                break
            longest += 1
        assert begin + (longest - begin) / 2 <= end <= longest
        assert longest < count or end == count


@given(windowed())
def test_what_a_window_says_of_itself(case: Case) -> None:
    for number, window in enumerate(case.windowed.dialogues):
        assert window.sample_id == f"{case.dialogue.sample_id}-w{number}"
        assert window.whole_id == case.dialogue.sample_id
        states = Counter(turn.state for turn in own(window))
        assert window.n_silence == states["silence"]
        assert window.n_standby == states["standby"]
        assert window.n_response == states["response"]
        assert window.n_tail == n_tail(own(window))
        before = None
        for turn in window.turns:
            whole = case.dialogue.turns[turn.index]
            assert turn.transition == (turn.state != before)
            assert (turn.start_s, turn.end_s, turn.frame_s) == (
                whole.start_s, whole.end_s, whole.frame_s,
            )  # fmt: skip
            before = turn.state
        said = [rid for turn in window.turns for rid in turn.rids]
        assert [response.rid for response in window.responses] == said
        for response in window.responses:
            shared = window.turns[response.turn - window.turns[0].index]
            whole_flags = case.responses[response.rid].flags
            assert ("merged" in response.flags) == (len(shared.rids) > 1)
            assert set(whole_flags) - {"merged"} <= set(response.flags) <= set(shared.flags)
        assert Dialogue.model_validate(window.model_dump()) == window, "made without validation"


@given(windowed())
def test_windows_are_the_same_again(case: Case) -> None:
    again = Dialogue.model_validate(case.dialogue.model_dump())
    assert windows(again, case.budget) == case.windowed
