"""The laws of a dialogue, over arbitrary annotations: ``make laws`` tries many more of them."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.dialogue.compile import Compilation, compile_turns
from pipeline.dialogue.placement import Collision
from pipeline.dialogue.read_events import read_events
from pipeline.dialogue.tiling import EPSILON_S, even_tiling
from pipeline.records import PlacedResponse, Question, Response
from tests.conftest import examples
from tests.pipeline.dialogue.annotations import Case, cases, made_of

COLLISIONS: tuple[Collision, ...] = ("merge", "shift", "split")
LONG = settings(
    max_examples=examples(500),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def placed(made: Compilation) -> list[PlacedResponse]:
    return [response for each in made.dialogues for response in each.responses]


def every_response_stands_once_or_is_refused(case: Case, made: Compilation) -> None:
    assert {r.rid: r.reason for r in made.refused} == case.refused
    stands = [rid for each in made.dialogues for turn in each.turns for rid in turn.rids]
    assert sorted([*stands, *case.refused]) == sorted(case.responses)
    assert sorted(response.rid for response in placed(made)) == sorted(stands)
    for each in made.dialogues:
        for turn in each.turns:
            mine = [response for response in each.responses if response.turn == turn.index]
            assert [response.rid for response in mine] == turn.rids
            assert [response.qid for response in mine] == turn.answers
            assert turn.text == "\n".join(response.text for response in mine)
            assert (turn.state == "response") == bool(mine) == bool(turn.text)
            order = [(response.respond_s, response.start_s, response.rid) for response in mine]
            assert order == sorted(order)
            late = {flag for response in mine for flag in response.flags}
            assert set(turn.flags) - {"late_question"} == late
        for response in each.responses:
            asked = case.responses[response.rid].model_dump()
            assert {name: response.model_dump()[name] for name in asked} == asked


def a_response_is_causal_and_says_when_it_stands_elsewhere(case: Case, made: Compilation) -> None:
    for number, each in enumerate(made.dialogues):
        together = Counter(response.turn for response in each.responses)
        for response in each.responses:
            due = case.due(case.responses[response.rid])
            assert ("clamped" in response.flags) == (due == len(case.tiling))
            assert ("merged" in response.flags) == (together[response.turn] > 1)
            assert ("shifted" in response.flags) == (response.turn != case.wanted(response.rid))
            assert ("split" in response.flags) == (number > 0)
            last = len(case.tiling) - 1
            assert ("postponed" in response.flags) == (min(due, last) < case.asked(response.qid))
            assert "repeated" not in response.flags
            assert response.turn >= case.asked(response.qid)
            if due < len(case.tiling):
                starts, frames = case.tiling.starts, case.tiling.frames
                due_s, respond_s = response.due_s, response.respond_s
                soon = due_s is not None and due_s < respond_s - EPSILON_S
                times = starts if response.kind == "event" and not soon else frames
                named_s = [span.end_s for span in response.evidence]
                rests_s = [response.respond_s] if response.due_s is None else named_s
                assert all(times[response.turn] >= time_s - EPSILON_S for time_s in rests_s)
                if not soon:
                    assert times[response.turn] >= response.respond_s - EPSILON_S


def standby_only_while_an_event_is_still_to_come(case: Case, made: Compilation) -> None:
    for each in made.dialogues:
        before = None
        for turn in each.turns:
            waits = False
            for response in each.responses:
                begins_s = min([response.start_s, *(s.start_s for s in response.evidence)])
                waits |= (
                    response.kind == "event"
                    and turn.frame_s >= begins_s - EPSILON_S
                    and case.asked(response.qid) <= turn.index < response.turn
                )
            expected = "response" if turn.rids else "standby" if waits else "silence"
            assert turn.state == expected
            assert turn.transition == (turn.state != before)
            before = turn.state


def a_question_stands_once_where_it_is_asked(case: Case, made: Compilation) -> None:
    questions = {question.qid: question for question in case.annotation.questions}
    for number, each in enumerate(made.dialogues):
        stands = [qid for turn in each.turns for qid in turn.qids]
        answered = {response.qid for response in each.responses}
        assert sorted(stands) == sorted(questions if number == 0 else answered)
        for turn in each.turns:
            order = [(questions[qid].asked_s, qid) for qid in turn.qids]
            assert order == sorted(order)
            assert turn.question == "\n".join(questions[qid].text for qid in turn.qids)
            assert all(case.asked(qid) == turn.index for qid in turn.qids)
            late = any(questions[qid].asked_s > case.tiling.end_s for qid in turn.qids)
            assert ("late_question" in turn.flags) == late


def turns_tile_the_video(case: Case, made: Compilation) -> None:
    for each in made.dialogues:
        assert [turn.index for turn in each.turns] == list(range(len(case.tiling)))
        assert tuple(turn.frame_s for turn in each.turns) == case.tiling.frames
        assert each.turns[0].start_s == 0 and each.turns[-1].end_s == case.tiling.end_s
        assert all(before.end_s == after.start_s for before, after in pairwise(each.turns))


def what_was_said_comes_back_and_when(case: Case, made: Compilation) -> None:
    for each in made.dialogues:
        events = read_events(each.turns)
        assert [rid for event in events for rid in event.rids] == [r.rid for r in each.responses]
        for event in events:
            texts = [case.responses[rid].text for rid in event.rids]
            assert event.text == "\n".join(texts)
            assert event.start_s <= event.end_s == case.tiling.starts[event.turn]


LAWS = (
    every_response_stands_once_or_is_refused,
    a_response_is_causal_and_says_when_it_stands_elsewhere,
    standby_only_while_an_event_is_still_to_come,
    a_question_stands_once_where_it_is_asked,
    turns_tile_the_video,
    what_was_said_comes_back_and_when,
)


@pytest.mark.parametrize("collision", COLLISIONS)
@given(case=cases())
@LONG
def test_all_laws_hold(collision: Collision, case: Case) -> None:
    made = compile_turns(case.annotation, case.tiling, collision=collision)
    for law in LAWS:
        law(case, made)


@given(cases(longest=400, responses=40), st.sampled_from(COLLISIONS))
@settings(LONG, max_examples=examples(5))
def test_they_hold_over_thousands_of_turns(case: Case, collision: Collision) -> None:
    made = compile_turns(case.annotation, case.tiling, collision=collision)
    for law in LAWS:
        law(case, made)


@given(cases())
def test_splitting_leaves_one_response_a_turn(case: Case) -> None:
    made = compile_turns(case.annotation, case.tiling, collision="split")
    assert all(len(turn.rids) <= 1 for each in made.dialogues for turn in each.turns)
    merged = compile_turns(case.annotation, case.tiling).dialogues[0]
    assert len(made.dialogues) == max([1, *(len(turn.rids) for turn in merged.turns)])
    assert [r.turn for r in sorted(placed(made), key=lambda r: r.rid)] == [
        r.turn for r in sorted(merged.responses, key=lambda r: r.rid)
    ]


@given(cases())
def test_shifting_moves_only_the_later_ones_and_only_while_they_are_valid(case: Case) -> None:
    merged = compile_turns(case.annotation, case.tiling, collision="merge").dialogues[0]
    shifted = compile_turns(case.annotation, case.tiling, collision="shift").dialogues[0]
    assert merged.flagged("shifted") == 0
    assert shifted.flagged("merged") <= merged.flagged("merged")
    stands = {response.rid: response.turn for response in shifted.responses}
    first = {turn.index: turn.rids[0] for turn in merged.turns if turn.rids}
    for response in shifted.responses:
        until_s = response.valid_until_s
        end = len(case.tiling) if until_s is None else case.first_at(until_s, "event")
        if "shifted" in response.flags:
            assert response.turn < end
            assert list(stands.values()).count(response.turn) == 1
            assert response.rid not in first.values()
            assert set(range(case.wanted(response.rid), response.turn)) <= set(stands.values())
        elif "merged" in response.flags and response.rid not in first.values():
            assert set(range(response.turn, end)) <= set(stands.values())


@given(cases(), st.sampled_from(COLLISIONS), st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    case: Case, collision: Collision, chance: random.Random
) -> None:
    said = case.annotation
    mixed = made_of(
        chance.sample(said.questions, len(said.questions)),
        chance.sample(said.responses, len(said.responses)),
    )
    expected = compile_turns(said, case.tiling, collision=collision)
    assert compile_turns(mixed, case.tiling, collision=collision) == expected


@st.composite
def separate_events(draw: st.DrawFn) -> Case:
    """Events that share no turn, the next one starting after the last one was reported."""
    turns_per_s = draw(st.floats(0.5, 10))
    count = draw(st.integers(4, 40))
    responses: list[Response] = []
    turn = 0
    while turn < count - 2 and len(responses) < 6:
        first = draw(st.integers(turn, count - 2))
        last = draw(st.integers(first, count - 2))
        lead, tail = draw(st.floats(0, 0.9)), draw(st.floats(0.1, 0.9))
        end_s = (last + tail) / turns_per_s
        responses.append(
            Response(
                rid=f"r{len(responses)}",
                qid="q",
                kind="event",
                text=f"event {len(responses)}",
                start_s=max(0.0, (first - lead) / turns_per_s),
                end_s=end_s,
                respond_s=end_s,
            )
        )
        turn = last + 3
    asked = Question(qid="q", text="What happens?", asked_s=0.0)
    return Case(made_of([asked], responses), even_tiling("v", count / turns_per_s, turns_per_s))


@given(separate_events(), st.sampled_from(COLLISIONS))
def test_events_come_back_to_turn_precision(case: Case, collision: Collision) -> None:
    (compiled,) = compile_turns(case.annotation, case.tiling, collision=collision).dialogues
    events = read_events(compiled.turns)
    assert len(events) == len(case.annotation.responses)
    turn_s = case.tiling.starts[1]
    for event, response in zip(events, case.annotation.responses, strict=True):
        assert event.rids == (response.rid,)
        assert event.text == response.text
        assert -EPSILON_S <= event.start_s - response.start_s < turn_s + EPSILON_S
        assert -EPSILON_S <= event.end_s - response.end_s < turn_s + EPSILON_S
