"""The laws of a dialogue, over arbitrary annotations."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dialogue.compile import (
    EPSILON_S,
    Collision,
    compile_turns,
)
from pipeline.dialogue.read import read_events
from pipeline.records import Annotation, Question, Response, Segment, Span

COLLISIONS = st.sampled_from(["merge", "shift"])


def segments_of(duration_s: float, turns_per_s: float) -> list[Segment]:
    count = max(1, math.ceil(duration_s * turns_per_s - 1e-9))
    starts = [i / turns_per_s for i in range(count)]
    ends = [*starts[1:], max(duration_s, starts[-1])]
    return [
        Segment(video_id="v", index=i, start_s=start, end_s=end, frame_s=start)
        for i, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def annotation(questions: list[Question], responses: list[Response]) -> Annotation:
    return Annotation(
        video_id="v", annotation_id="a", task="tsqa", questions=questions, responses=responses
    )


@dataclass(frozen=True)
class Case:
    annotation: Annotation
    segments: list[Segment]

    @property
    def starts(self) -> list[float]:
        return [segment.start_s for segment in self.segments]

    @property
    def frames(self) -> list[float]:
        return [segment.frame_s for segment in self.segments]

    def first_at(self, time_s: float, kind: str = "event") -> int:
        """By its definition, turn by turn."""
        times = self.starts if kind == "event" else self.frames
        found = [i for i, start in enumerate(times) if start >= time_s - EPSILON_S]
        return found[0] if found else len(times)

    def asked(self, qid: str) -> int:
        time_s = next(q.asked_s for q in self.annotation.questions if q.qid == qid)
        holds = [s.index for s in self.segments if s.start_s <= time_s < s.end_s]
        return holds[0] if holds else len(self.segments) - 1

    def wanted(self, response: Response) -> int:
        due = min(self.first_at(response.respond_s, response.kind), len(self.starts) - 1)
        return max(due, self.asked(response.qid))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    turns_per_s = draw(st.one_of(st.floats(0.5, 10), st.sampled_from([0.5, 1, 2, 3, 10])))
    duration_s = draw(st.one_of(st.floats(0.05, 12), st.integers(1, 12).map(float)))
    # The frame on screen at a time is up to a frame older; it may even be that of the turn before.
    ages = draw(st.sampled_from([0.0, 0.033, 0.2, 1.5]))
    segments = [
        segment.model_copy(update={"frame_s": max(0.0, segment.start_s - ages / turns_per_s)})
        for segment in segments_of(duration_s, turns_per_s)
    ]
    times = st.one_of(
        st.floats(0, 1.5 * duration_s),
        st.integers(0, len(segments) + 3).map(lambda i: i / turns_per_s),
        st.sampled_from([0.0, duration_s, segments[-1].start_s]),
    )
    questions = [
        Question(qid=f"q{i}", text=f"question {i}", asked_s=draw(times))
        for i in range(draw(st.integers(1, 3)))
    ]
    responses = []
    for i in range(draw(st.integers(0, 7))):
        start_s, end_s = sorted([draw(times), draw(times)])
        kind = draw(st.sampled_from(["event", "instant"]))
        parts = sorted([draw(times), draw(times)])
        evidence = [Span(start_s=parts[0], end_s=parts[1])] if draw(st.booleans()) else []
        over_s = end_s if kind == "event" else start_s
        complete = [over_s, *(span.end_s for span in evidence)]
        responses.append(
            Response(
                rid=f"r{i}",
                qid=draw(st.sampled_from(questions)).qid,
                kind=kind,
                text=f"said {i}",
                start_s=start_s,
                end_s=end_s,
                respond_s=max(complete),
                valid_until_s=draw(st.one_of(st.none(), times)),
                evidence=evidence,
            )
        )
    return Case(annotation(questions, responses), segments)


def by_rid(case: Case) -> dict[str, Response]:
    return {response.rid: response for response in case.annotation.responses}


@given(cases(), COLLISIONS)
@settings(deadline=None)
def test_every_response_stands_in_exactly_one_turn(case: Case, collision: Collision) -> None:
    compiled = compile_turns(case.annotation, case.segments, collision=collision)
    responses = by_rid(case)
    assert sorted(rid for turn in compiled.turns for rid in turn.rids) == sorted(responses)
    assert sorted(p.rid for p in compiled.placements) == sorted(responses)
    for turn in compiled.turns:
        order = [(responses[r].respond_s, responses[r].start_s, r) for r in turn.rids]
        assert order == sorted(order)
        assert turn.text == "\n".join(responses[rid].text for rid in turn.rids)
        assert (turn.state == "response") == bool(turn.rids) == bool(turn.text)
        mine = [p for p in compiled.placements if p.turn == turn.index]
        assert [p.rid for p in mine] == turn.rids
        assert turn.flags == sorted({flag for p in mine for flag in p.flags})


@given(cases(), COLLISIONS)
@settings(deadline=None)
def test_a_response_is_causal_and_says_when_it_stands_elsewhere(
    case: Case, collision: Collision
) -> None:
    compiled = compile_turns(case.annotation, case.segments, collision=collision)
    shared = [p.turn for p in compiled.placements]
    for place in compiled.placements:
        response = by_rid(case)[place.rid]
        late = case.first_at(response.respond_s, response.kind) == len(case.segments)
        assert ("clamped" in place.flags) == late
        assert ("merged" in place.flags) == (shared.count(place.turn) > 1)
        assert ("shifted" in place.flags) == (place.turn != case.wanted(response))
        assert place.turn >= case.asked(response.qid)
        if not late:
            times = case.starts if response.kind == "event" else case.frames
            assert times[place.turn] >= response.respond_s - EPSILON_S


@given(cases())
@settings(deadline=None)
def test_shifting_moves_only_the_later_ones_and_only_while_they_are_valid(case: Case) -> None:
    merged = compile_turns(case.annotation, case.segments, collision="merge")
    shifted = compile_turns(case.annotation, case.segments, collision="shift")
    assert merged.flagged("shifted") == 0
    assert shifted.flagged("merged") <= merged.flagged("merged")
    stands = {p.rid: p.turn for p in shifted.placements}
    first = {turn.index: turn.rids[0] for turn in merged.turns if turn.rids}
    for place in shifted.placements:
        response = by_rid(case)[place.rid]
        until_s = response.valid_until_s
        if "shifted" in place.flags:
            assert until_s is None or case.starts[place.turn] < until_s
            assert list(stands.values()).count(place.turn) == 1
            assert place.rid not in first.values()
            assert set(range(case.wanted(response), place.turn)) <= set(stands.values())
        elif "merged" in place.flags and place.rid not in first.values():
            end = len(case.starts) if until_s is None else case.first_at(until_s)
            assert set(range(place.turn, end)) <= set(stands.values())


@given(cases(), COLLISIONS)
@settings(deadline=None)
def test_standby_only_while_an_event_is_still_to_come(case: Case, collision: Collision) -> None:
    compiled = compile_turns(case.annotation, case.segments, collision=collision)
    responses = by_rid(case)
    for turn in compiled.turns:
        waits = False
        for place in compiled.placements:
            response = responses[place.rid]
            begins_s = min([response.start_s, *(span.start_s for span in response.evidence)])
            waits |= (
                response.kind == "event"
                and turn.frame_s >= begins_s - EPSILON_S
                and case.asked(response.qid) <= turn.index < place.turn
            )
        expected = "response" if turn.rids else "standby" if waits else "silence"
        assert turn.state == expected


@given(cases())
@settings(deadline=None)
def test_a_question_stands_once_where_it_is_asked(case: Case) -> None:
    turns = compile_turns(case.annotation, case.segments).turns
    questions = {question.qid: question for question in case.annotation.questions}
    assert sorted(qid for turn in turns for qid in turn.qids) == sorted(questions)
    for turn in turns:
        order = [(questions[qid].asked_s, qid) for qid in turn.qids]
        assert order == sorted(order)
        assert turn.question == "\n".join(questions[qid].text for qid in turn.qids)
        assert all(case.asked(qid) == turn.index for qid in turn.qids)


@given(cases())
@settings(deadline=None)
def test_turns_are_the_segments(case: Case) -> None:
    turns = compile_turns(case.annotation, case.segments).turns
    assert [(t.index, t.start_s, t.end_s, t.frame_s) for t in turns] == [
        (s.index, s.start_s, s.end_s, s.frame_s) for s in case.segments
    ]


@given(cases(), COLLISIONS, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_input_does_not_matter(
    case: Case, collision: Collision, chance: random.Random
) -> None:
    said = case.annotation
    mixed = annotation(
        chance.sample(said.questions, len(said.questions)),
        chance.sample(said.responses, len(said.responses)),
    )
    segments = chance.sample(case.segments, len(case.segments))
    expected = compile_turns(said, case.segments, collision=collision)
    assert compile_turns(mixed, segments, collision=collision) == expected


@given(cases(), COLLISIONS)
@settings(deadline=None)
def test_what_was_said_comes_back_and_when(case: Case, collision: Collision) -> None:
    compiled = compile_turns(case.annotation, case.segments, collision=collision)
    events = read_events(compiled.turns)
    assert [rid for event in events for rid in event.rids] == [p.rid for p in compiled.placements]
    for event in events:
        responses = [by_rid(case)[rid] for rid in event.rids]
        assert event.text == "\n".join(response.text for response in responses)
        assert event.start_s <= event.end_s == case.starts[event.turn]


@st.composite
def apart(draw: st.DrawFn) -> Case:
    """Events that share no turn, the next one starting after the last one was reported."""
    turns_per_s = draw(st.floats(0.5, 10))
    count = draw(st.integers(4, 40))
    responses: list[Response] = []
    turn = 0
    while turn < count - 2 and len(responses) < 6:
        first = draw(st.integers(turn, count - 2))
        last = draw(st.integers(first, count - 2))
        lead, tail = draw(st.floats(0, 0.9)), draw(st.floats(0.1, 0.9))
        start_s = max(0.0, (first - lead) / turns_per_s)
        responses.append(
            Response(
                rid=f"r{len(responses)}",
                qid="q",
                kind="event",
                text=f"event {len(responses)}",
                start_s=start_s,
                end_s=(last + tail) / turns_per_s,
                respond_s=(last + tail) / turns_per_s,
            )
        )
        turn = last + 3
    segments = segments_of(count / turns_per_s, turns_per_s)
    asked = Question(qid="q", text="What happens?", asked_s=0.0)
    return Case(annotation([asked], responses), segments)


@given(apart(), COLLISIONS)
@settings(deadline=None)
def test_events_come_back_to_turn_precision(case: Case, collision: Collision) -> None:
    compiled = compile_turns(case.annotation, case.segments, collision=collision)
    events = read_events(compiled.turns)
    assert len(events) == len(case.annotation.responses)
    turn_s = case.segments[0].end_s
    for event, response in zip(events, case.annotation.responses, strict=True):
        assert event.rids == (response.rid,)
        assert event.text == response.text
        assert -EPSILON_S <= event.start_s - response.start_s < turn_s + EPSILON_S
        assert -EPSILON_S <= event.end_s - response.end_s < turn_s + EPSILON_S
