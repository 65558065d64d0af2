"""The laws of windows with memory, over dialogues of arbitrary annotations."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.dialogue.cut import Windowed
from pipeline.dialogue.memory import PRESETS, Place, Reach, held, recalled, remembering, span_of
from pipeline.dialogue.placement import evidence_s
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.records import Dialogue, Remembered
from tests.pipeline.dialogue.samples import dialogues

WITHIN_S = 1e-6


def summaries_of(reach: Reach, end_s: float) -> list[Remembered]:
    """Of every stretch up to a time, and of all that could be merged of them."""
    count = int(end_s / reach.raw_s) + 1
    places = [Place("middle", number) for number in range(count)]
    places += [Place("long", number) for number in range(count // reach.middle)]
    spans = [span_of(place, reach) for place in places]
    return [
        Remembered(level=level, start_s=start_s, end_s=end_s, text=f"{level} {number}")
        for (level, number), (start_s, end_s) in zip(places, spans, strict=True)
    ]


@dataclass(frozen=True)
class Case:
    """A dialogue of several stretches, and its windows."""

    dialogue: Dialogue = field(repr=False)
    reach: Reach
    windowed: Windowed = field(repr=False)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    dialogue = draw(dialogues(longest=25, responses=10))
    length = draw(st.integers(1, 6))
    assume(len(dialogue.turns) > length)
    reach = Reach(
        raw_s=dialogue.turns.starts[length] if length < len(dialogue.turns) else 1,
        middle=draw(st.integers(1, 3)),
        long=draw(st.integers(0, 3)),
        context_stretches=draw(st.integers(0, 3)),
    )
    remembered = draw(st.sets(st.sampled_from([r.rid for r in dialogue.responses] or [""])))
    responses = [
        response.model_copy(update={"from_memory": response.rid in remembered})
        for response in dialogue.responses
    ]
    dialogue = dialogue.model_copy(update={"responses": responses})
    summaries = summaries_of(reach, dialogue.turns.ends[-1])
    order = draw(st.permutations(summaries))
    try:
        return Case(dialogue, reach, remembering(dialogue, order, reach))
    except DialogueError as error:
        assert error.reason == "bad_stretch"
        assume(False)
        raise


@given(cases())
def test_what_a_window_remembers_was_before_it_side_by_side(case: Case) -> None:
    for window in case.windowed.dialogues:
        start_s, memory = window.turns[0].start_s, window.memory
        assert all(each.end_s <= start_s + WITHIN_S for each in memory)
        for one, other in pairwise(memory):
            assert one.end_s == pytest.approx(other.start_s)
        if memory:
            assert memory[-1].end_s == pytest.approx(start_s)
        stretches = round(start_s / case.reach.raw_s)
        assert [each.text for each in memory] == [
            f"{level} {number}" for level, number in held(stretches, case.reach)
        ]


@given(cases())
def test_every_response_is_said_once_with_its_evidence_or_refused(case: Case) -> None:
    refused = [refusal.rid for refusal in case.windowed.refused]
    own = [window.turns[window.context_turns :] for window in case.windowed.dialogues]
    said = [rid for turns in own for turn in turns for rid in turn.rids]
    assert sorted([*said, *refused]) == sorted(r.rid for r in case.dialogue.responses)
    for window in case.windowed.dialogues:
        start = window.turns.first
        since_s = window.memory[0].start_s if window.memory else window.turns[0].start_s
        for response in window.responses:
            begins_s = evidence_s(response)[0]
            first = bisect_left(case.dialogue.turns.frames, begins_s - EPSILON_S)
            shown = min(first, response.turn) >= start
            assert shown or (response.from_memory and begins_s >= since_s - EPSILON_S)


@given(cases())
def test_what_is_asked_stands_in_a_window_and_stays_open(case: Case) -> None:
    for window in case.windowed.dialogues:
        asked = [qid for turn in window.turns for qid in turn.qids]
        assert len(set(asked)) == len(asked)
        assert {response.qid for response in window.responses} <= set(asked)
    if not case.windowed.refused:
        everywhere = {q.qid for window in case.windowed.dialogues for q in window.questions}
        assert everywhere == {question.qid for question in case.dialogue.questions}


@given(st.integers(1, 400), st.integers(1, 7), st.integers(0, 45))
def test_all_that_is_within_reach_is_held_once(stretches: int, middle: int, long: int) -> None:
    reach = Reach(raw_s=10, middle=middle, long=long)
    spans = [span_of(place, reach) for place in held(stretches, reach)]
    assert spans[-1][1] == 10 * stretches
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    remembered_s = 10 * stretches - spans[0][0]
    assert remembered_s <= reach.reach_s - reach.raw_s
    if spans[0][0] > 0:
        assert remembered_s > reach.reach_s - reach.raw_s * (1 + middle)


def test_the_reach_is_the_papers() -> None:
    assert Reach().reach_s == Reach.model_validate("harness").reach_s == 43_200
    assert [
        len([p for p in held(k, Reach()) if p[0] == "middle"]) for k in (0, 1, 5, 6, 10, 11)
    ] == [*(0, 1, 5, 1, 5, 1)]
    assert len(held(215, Reach())) == 47
    assert set(PRESETS) == {"harness", "onestreamer"}


def missing(summaries: Sequence[Remembered], level: str, number: int) -> list[Remembered]:
    return [each for each in summaries if each.text != f"{level} {number}"]


def test_a_memory_with_a_hole_is_refused() -> None:
    reach = Reach(raw_s=10, middle=2, long=4)
    whole = summaries_of(reach, 100)
    assert [each.text for each in recalled(whole, 5, reach)] == ["long 0", "long 1", "middle 4"]
    for level, number in (("long", 0), ("middle", 4)):
        with pytest.raises(DialogueError, match="no_memory"):
            recalled(missing(whole, level, number), 5, reach)
    wrong = [each.model_copy(update={"end_s": each.end_s + 1}) for each in whole]
    with pytest.raises(DialogueError, match="no_memory"):
        recalled(wrong, 5, reach)
    assert recalled(missing(whole, "middle", 0), 5, reach) == recalled(whole, 5, reach)


@given(cases())
def test_without_summaries_nothing_but_the_first_stretch_is_left(case: Case) -> None:
    cut = remembering(case.dialogue, (), replace_context(case.reach))
    assert all(window.turns.first == 0 for window in cut.dialogues)
    own = [window.turns[window.context_turns :] for window in cut.dialogues]
    said = [rid for turns in own for turn in turns for rid in turn.rids]
    refused = {refusal.rid: refusal.reason for refusal in cut.refused}
    assert sorted([*said, *refused]) == sorted(r.rid for r in case.dialogue.responses)
    assert set(refused.values()) <= {"no_memory", "evidence_over_reach"}


def replace_context(reach: Reach) -> Reach:
    return reach.model_copy(update={"context_stretches": 0})
