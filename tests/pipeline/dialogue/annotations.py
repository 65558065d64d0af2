"""Arbitrary annotations and the turns of their videos, for hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from hypothesis import strategies as st

from pipeline.dialogue.tiling import EPSILON_S, Tiling, even_tiling
from pipeline.records import Annotation, Question, Response, Span


@dataclass(frozen=True)
class Case:
    """An annotation and its video, with what the laws say of them, by definition."""

    annotation: Annotation
    tiling: Tiling

    @cached_property
    def responses(self) -> dict[str, Response]:
        return {response.rid: response for response in self.annotation.responses}

    @cached_property
    def refused(self) -> dict[str, str]:
        """Which responses nothing in the video bears out, and why."""
        found = {}
        for rid, response in self.responses.items():
            spans = [Span(start_s=response.start_s, end_s=response.end_s), *response.evidence]
            event = response.kind == "event"
            over_s = response.end_s if event else response.start_s
            complete_s = max([over_s, *(span.end_s for span in response.evidence)])
            begins_s = min(span.start_s for span in spans)
            if any(span.end_s < span.start_s for span in spans):
                found[rid] = "reversed_span"
            elif event and response.start_s == response.end_s:
                found[rid] = "zero_length_span"
            elif begins_s >= self.tiling.end_s and (event or begins_s > self.tiling.end_s):
                found[rid] = "past_the_end"
            elif response.respond_s < complete_s - EPSILON_S or not self.rests(response):
                found[rid] = "early_response"
        return found

    def rests(self, response: Response) -> bool:
        """Whether one that is due before all has been seen names what it rests on."""
        due_s = response.due_s
        if due_s is None or due_s >= response.respond_s - EPSILON_S:
            return True
        ends = [span.end_s for span in response.evidence]
        named = bool(ends) and all(end_s <= due_s + EPSILON_S for end_s in ends)
        return named and due_s in response.confirmed_s

    def due(self, response: Response) -> int:
        """The turn at which it is due, whatever its question; none where the video ends before."""
        if response.due_s is None:
            return self.first_at(response.respond_s, response.kind)
        soon = response.due_s < response.respond_s - EPSILON_S
        return self.first_at(response.due_s, "instant" if soon else response.kind)

    def first_at(self, time_s: float, kind: str) -> int:
        """Turn by turn, by its definition."""
        times = self.tiling.starts[:-1] if kind == "event" else self.tiling.frames
        found = [i for i, start in enumerate(times) if start >= time_s - EPSILON_S]
        return found[0] if found else len(self.tiling)

    def asked(self, qid: str) -> int:
        time_s = next(q.asked_s for q in self.annotation.questions if q.qid == qid)
        starts = self.tiling.starts
        holds = [i for i in range(len(self.tiling)) if starts[i] <= time_s < starts[i + 1]]
        return holds[0] if holds else len(self.tiling) - 1

    def wanted(self, rid: str) -> int:
        response = self.responses[rid]
        due = min(self.due(response), len(self.tiling) - 1)
        return max(due, self.asked(response.qid))


def made_of(questions: list[Question], responses: list[Response], task: str = "t") -> Annotation:
    return Annotation(
        video_id="v", annotation_id="a", task=task, questions=questions, responses=responses
    )


@st.composite
def tilings(draw: st.DrawFn, longest: int = 12) -> Tiling:
    turns_per_s = draw(st.one_of(st.floats(0.5, 10), st.sampled_from([0.5, 1, 2, 3, 10])))
    whole = st.integers(1, longest).map(float)
    duration_s = draw(st.one_of(st.floats(0.05, longest), whole))
    tiling = even_tiling("v", duration_s, turns_per_s)
    rest_s = duration_s - tiling.starts[-2]
    if len(tiling) > 2 and rest_s * turns_per_s < 0.5 and draw(st.booleans()):
        # As `segment` merges a short last turn into the one before it.
        starts = (*tiling.starts[:-2], duration_s)
        tiling = Tiling("v", starts, tiling.frames[:-1], tiling.turns_per_s)
    # The frame on screen at a time is up to a frame older; it may even be that of the turn before.
    age = draw(st.sampled_from([0.0, 0.033, 0.2, 1.5])) / turns_per_s
    return replace(tiling, frames=tuple(max(0.0, frame - age) for frame in tiling.frames))


@st.composite
def cases(draw: st.DrawFn, longest: int = 12, responses: int = 7) -> Case:
    """Questions before and after events, events that overlap, end together, or make no sense."""
    tiling = draw(tilings(longest))
    end_s = tiling.end_s
    times = st.one_of(
        st.floats(0, 1.5 * end_s),
        st.integers(0, len(tiling) + 3).map(lambda i: i / tiling.turns_per_s),
        st.sampled_from([0.0, end_s, tiling.starts[-2]]),
    )
    questions = [
        Question(qid=f"q{i}", text=f"question {i}", asked_s=draw(times))
        for i in range(draw(st.integers(1, 3)))
    ]
    made = []
    for i in range(draw(st.integers(0, responses))):
        span = draw(st.tuples(times, times))
        if draw(st.integers(0, 9)):
            span = (min(span), max(span))
        kind = draw(st.sampled_from(["event", "instant"]))
        evidence = []
        if draw(st.booleans()):
            part = sorted([draw(times), draw(times)])
            evidence = [Span(start_s=part[0], end_s=part[1])]
        over_s = span[1] if kind == "event" else span[0]
        complete_s = max([over_s, *(each.end_s for each in evidence)])
        due_s, confirmed = None, []
        if not draw(st.integers(0, 3)):
            due_s = draw(times)
            confirmed = [draw(times), due_s] if draw(st.booleans()) else []
            if draw(st.booleans()):
                evidence = [Span(start_s=min(span[0], due_s), end_s=due_s)]
        made.append(
            Response(
                rid=f"r{i}",
                qid=draw(st.sampled_from(questions)).qid,
                kind=kind,
                text=f"said {i}",
                start_s=span[0],
                end_s=span[1],
                respond_s=complete_s if draw(st.integers(0, 9)) else complete_s / 2,
                valid_until_s=draw(st.one_of(st.none(), times)),
                evidence=evidence,
                due_s=due_s,
                due_by="end" if due_s is None else "window",
                confirmed_s=confirmed,
            )
        )
    return Case(made_of(questions, made), tiling)
