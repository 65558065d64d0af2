from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.records import Annotation, CaptionedStream, Reject, Segment
from pipeline.workflow.stage import Context
from stages import interleave
from stages._turn_order import First, behind, side_of
from tests.stages.clip_streams import asked, stream, turns

MANY = 10_000


def within(found: int, share: float, of: int = MANY) -> bool:
    """Whether a count is within five standard deviations of a binomial."""
    deviation: float = (of * share * (1 - share)) ** 0.5
    return abs(found - of * share) <= 5 * max(1.0, deviation)


@pytest.mark.parametrize(
    ("first", "before", "after"),
    [("drop", 0.45 * 0.1, 0.45 * 0.9), ("shift", 0.1, 0.9 * 0.45)],
)
def test_rates_are_those_of_the_paper(first: First, before: float, after: float) -> None:
    drawn = Counter(side_of(f"s{i // 10} q{i % 10}", 0.55, 0.1, first, seed=0) for i in range(MANY))
    assert within(drawn["before"], before)
    assert within(drawn["after"], after)
    assert within(drawn["dropped"], 1 - before - after)


def test_what_is_drawn_depends_on_the_name_and_the_seed_alone() -> None:
    names = [f"s q{i}" for i in range(200)]
    once, again = ([side_of(name, 0.5, 0.5, "drop", 0) for name in names] for _ in range(2))
    assert once == again != [side_of(name, 0.5, 0.5, "drop", 1) for name in names]
    fewer = [side_of(name, 0.6, 0.5, "drop", 0) for name in names]
    assert all(b in (a, "dropped") for a, b in zip(once, fewer, strict=True))


@pytest.fixture
def made(video_rows: Callable[..., Any]) -> Callable[..., list[Annotation | Reject]]:
    """``made(streams, **config)``: the rows of a shard of streams."""

    def run(streams: Sequence[CaptionedStream], **config: Any) -> list[Any]:
        rows = [
            video_rows(
                {CaptionedStream: [each], Annotation: asked(each), Segment: turns(each)},
                each.video_id,
            )
            for each in streams
        ]
        return list(interleave.STAGE.run(rows, interleave.Config(**config), Context()))

    return run


def test_a_question_stands_behind_its_clip_and_is_answered_at_once(made: Any) -> None:
    (row,) = made([stream("s", [12.3, 10, 8])], drop=0, shift=0)
    assert [question.asked_s for question in row.questions] == [13.0, 23.0, 30.0]
    assert [response.respond_s for response in row.responses] == pytest.approx([12.3, 22.3, 30.3])
    assert [response.qid for response in row.responses] == ["q0", "q1", "q2"]
    assert row.task == "streaming_qa" and row.origins == ["human"]
    assert {question.asked_by for question in row.questions} == {"given"}


def test_a_shifted_question_stands_before_its_clip(made: Any) -> None:
    (row,) = made([stream("s", [12.3, 10, 8])], drop=0, shift=1)
    assert [question.asked_s for question in row.questions] == pytest.approx([0, 12.3, 22.3])
    assert [response.respond_s for response in row.responses] == pytest.approx([12.3, 22.3, 30.3])


def test_a_stream_whose_questions_all_go_is_absent(made: Any) -> None:
    (row,) = made([stream("s", [12, 10])], drop=1)
    assert (row.reason, row.video_id) == ("none_stays", "s")


def test_an_irrelevant_question_is_of_another_stream_and_its_answer_says_so(made: Any) -> None:
    first, other = made(
        [stream("s", [12, 10]), stream("t", [9, 9])], drop=1, irrelevant=1, irrelevant_answer="No."
    )
    assert [q.kind for q in first.questions] == ["irrelevant"] * 2
    assert all("of t" in q.text for q in first.questions)
    assert all("of s" in q.text for q in other.questions)
    assert [(r.text, r.kind, r.respond_s) for r in first.responses] == [
        ("No.", "instant", 12.0),
        ("No.", "instant", 21.0),
    ]
    assert set(first.parent_ids) <= {"t a0", "t a1"}


def test_nothing_is_irrelevant_that_the_stream_asks_or_shows(made: Any) -> None:
    alone = stream("s", [12, 10])
    twin = stream("s", [12, 10]).model_copy(update={"video_id": "copy"})
    rows = made([alone, twin.model_copy(update={"split": "test"})], drop=1, irrelevant=1)
    assert [row.reason for row in rows] == ["none_stays"] * 2, "of another split"


def test_irrelevant_questions_are_as_rare_as_in_the_paper(made: Any) -> None:
    streams = [stream(f"s{i}", [2.0] * 10) for i in range(100)]
    rows = made(streams, drop=1, irrelevant=0.01)
    count = sum(len(row.questions) for row in rows if isinstance(row, Annotation))
    assert within(count, 0.01, 1000)


def test_the_last_turn_is_where_nothing_comes_behind() -> None:
    here = turns(stream("s", [2.5]))
    assert [behind(here, end_s) for end_s in (0.5, 1, 2.5)] == [1, 1, 2]
