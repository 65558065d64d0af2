from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import ChangePoint, FramedSegment, Reject
from stages import change_points

Asked = Callable[..., list[Any]]


@pytest.fixture
def asked(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> Asked:
    """What becomes of these change points of a video of ten seconds."""

    def run(*points: dict[str, Any], **settings: Any) -> list[Any]:
        context, engine = asking("change_points", lambda ask: {"points": list(points)})
        rows = video_rows({FramedSegment: framed(10)})
        made = list(change_points.STAGE.run([rows], change_points.Config(**settings), context))
        assert len(engine.asks[0].frames) == 10
        assert "10.0 s long" in engine.asks[0].text
        return made

    return run


def turns(before: str, after: str, time_s: float, **fields: Any) -> dict[str, Any]:
    known = {"seen": "It turns.", "aspect": "attribute", "subject": "ball", "before": before}
    return {**known, "after": after, "time_s": time_s, **fields}


def test_a_change_point_stands_at_the_first_frame_that_shows_it(asked: Asked) -> None:
    made = asked(
        turns("green", "blue", 6.4),
        turns("2", "3", 4, aspect="count", subject="balls"),
        turns("red", "green", 3.004),
    )
    assert all(isinstance(point, ChangePoint) and point.seen == "It turns." for point in made)
    assert [(p.aspect, p.subject, p.before, p.after, p.time_s) for p in made] == [
        ("attribute", "ball", "red", "green", 3.0),
        ("attribute", "ball", "green", "blue", 7.0),
        ("count", "balls", "2", "3", 4.0),
    ]
    assert {p.provenance.stage for p in made} == {"change_points"}


def test_what_is_not_in_view_has_no_value(asked: Asked) -> None:
    came, left = asked(turns("", "red", 2), turns("red", "", 5))
    assert [(came.before, came.after), (left.before, left.after)] == [("", "red"), ("red", "")]


@pytest.mark.parametrize(
    ("point", "reason"),
    [
        (turns("red", "blue", 9.5), "outside_video"),
        (turns("red", "blue", -1), "outside_video"),
        (turns("Unknown.", "blue", 5), "unknown_answer"),
        (turns("red", "unknown", 5), "unknown_answer"),
        (turns("Red.", "red", 5), "no_change"),
        (turns("", "", 5), "no_change"),
    ],
)
def test_what_is_no_change_of_the_video_is_refused(
    asked: Asked, point: dict[str, Any], reason: str
) -> None:
    (reject,) = asked(point)
    assert reject.reason == reason


def test_change_points_are_few_and_differ(asked: Asked) -> None:
    given = [turns("a", "b", 2), turns("a", "c", 1.5, subject="Ball"), turns("b", "d", 5)]
    made = asked(*given, turns("d", "e", 8), max_points=3)
    assert [r.reason for r in made if isinstance(r, Reject)] == [
        "duplicate_point",
        "too_many_points",
    ]
    assert [p.after for p in made if isinstance(p, ChangePoint)] == ["b", "d"]


def test_a_video_without_changes_is_refused(asked: Asked) -> None:
    (reject,) = asked()
    assert reject.reason == "no_change_points"
