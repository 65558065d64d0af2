from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.records import GroundedEvent, VerifiedEvent
from pipeline.records.spans import iou
from pipeline.workflow.stage import Context
from stages import agree
from tests.conftest import examples

TIMES = st.floats(0, 600, allow_nan=False)
SPANS = st.tuples(TIMES, TIMES).map(lambda s: (min(s), max(s)))
quick = settings(
    max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(SPANS, SPANS)
def test_iou_is_symmetric_and_within_bounds(a: tuple[float, float], b: tuple[float, float]) -> None:
    assert iou(a, b) == iou(b, a)
    assert 0 <= iou(a, b) <= 1
    assert iou(a, a) == (1 if a[0] < a[1] else 0)


def test_iou_of_known_spans() -> None:
    assert iou((0, 4), (2, 6)) == 2 / 6
    assert iou((0, 2), (2, 4)) == 0
    assert iou((0, 10), (4, 5)) == 0.1


@quick
@given(
    st.lists(st.tuples(SPANS, st.none() | SPANS, st.sampled_from(["event", "action"])), max_size=6),
    st.floats(0, 1),
    st.sampled_from(["video", "event"]),
)
def test_every_candidate_stays_with_its_reason(
    event: Callable[..., VerifiedEvent],
    video_rows: Callable[..., Any],
    candidates: list[tuple[tuple[float, float], tuple[float, float] | None, str]],
    min_iou: float,
    policy: Literal["video", "event"],
) -> None:
    fields = set(GroundedEvent.model_fields)
    grounded = [
        GroundedEvent.model_validate(
            event(
                *span,
                event_id=f"e{i}",
                family=family,
                grounded_start_s=again[0] if again else None,
                grounded_end_s=again[1] if again else None,
            ).model_dump(include=fields)
        )
        for i, (span, again, family) in enumerate(candidates)
    ]
    config = agree.Config(min_iou=min_iou, policy=policy)
    rows = video_rows({GroundedEvent: grounded})
    made = [e for e in agree.STAGE.run([rows], config, Context()) if isinstance(e, VerifiedEvent)]
    assert [GroundedEvent.model_validate(e.model_dump(include=fields)) for e in made] == grounded
    for verified, (span, again, _) in zip(made, candidates, strict=True):
        assert verified.iou == (iou(span, again) if again else 0)
        assert verified.kept == (verified.reason == "")
        failed = again is None or verified.iou < min_iou
        if failed:
            assert verified.reason == ("not_found" if again is None else "low_iou")
        else:
            assert verified.reason in ("", "other_event_failed")
    for family in ("event", "action"):
        kept = [e.kept for e in made if e.family == family]
        if policy == "video":
            assert len(set(kept)) <= 1
        else:
            assert "other_event_failed" not in {e.reason for e in made}
