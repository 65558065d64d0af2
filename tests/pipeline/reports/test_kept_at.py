from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import THIS_CALL, GroundedEvent
from pipeline.reports.kept_at import kept_at
from stages.agree import Config, agree

SPANS = st.tuples(st.integers(0, 5), st.integers(6, 12))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b"]),
            st.sampled_from(["event", "action"]),
            SPANS,
            SPANS | st.none(),
        )
    ),
    st.sampled_from([0.0, 0.3, 0.5, 2 / 3, 1.0]),
)
@pytest.mark.parametrize("policy", ["video", "event"])
def test_a_threshold_keeps_what_the_stage_keeps(
    policy: Literal["video", "event"],
    found: list[tuple[str, Literal["event", "action"], tuple[int, int], tuple[int, int] | None]],
    min_iou: float,
) -> None:
    events = [_event(*each) for each in found]
    groups = dict.fromkeys((event.video_id, event.family) for event in events)

    def decided(threshold: float) -> list[dict[str, object]]:
        config = Config(min_iou=threshold, policy=policy)
        own = ([e for e in events if (e.video_id, e.family) == group] for group in groups)
        return [event.model_dump() for each in own for event in agree(each, config)]

    kept = sum(bool(row["kept"]) for row in decided(min_iou))
    assert kept_at(decided(0.5), policy)(min_iou) == kept


def _event(
    video: str,
    family: Literal["event", "action"],
    span: tuple[int, int],
    again: tuple[int, int] | None,
) -> GroundedEvent:
    return GroundedEvent(
        video_id=video,
        event_id="e",
        family=family,
        caption="c",
        start_s=span[0],
        end_s=span[1],
        provenance=THIS_CALL,
        grounded_start_s=again[0] if again else None,
        grounded_end_s=again[1] if again else None,
    )
