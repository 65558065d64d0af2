from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Event, FramedSegment, GroundedEvent, Reject, SourceAnnotation, Video
from pipeline.records.schema import from_table, to_table
from pipeline.workflow.stage import Context
from stages import ground, source_events


@pytest.fixture
def taken(video: Callable[..., Video], video_rows: Callable[..., Any]) -> Callable[..., list[Any]]:
    """What becomes of these entries on a video of ten seconds."""

    def run(*entries: SourceAnnotation, **config: Any) -> list[Any]:
        rows = video_rows({Video: [video(annotations=list(entries))]})
        return list(source_events.STAGE.run([rows], source_events.Config(**config), Context()))

    return run


def entry(**fields: Any) -> SourceAnnotation:
    known = {"kind": "event", "text": "A ball rolls.", "start_s": 2, "end_s": 4, "origin": "human"}
    return SourceAnnotation.model_validate(known | fields)


QUESTION = entry(kind="qa", text="Red.", question="Which colour?")


def test_each_described_span_is_an_event_that_no_model_found(
    taken: Callable[..., list[Any]],
) -> None:
    event, step = taken(entry(), entry(kind="step", text="Kick it.", start_s=0, end_s=10.8))
    assert (event.family, event.caption, event.start_s, event.end_s) == (
        "event",
        "A ball rolls.",
        2,
        4,
    )
    assert (step.family, step.caption, step.start_s, step.end_s) == ("action", "Kick it.", 0, 10)
    for row in (event, step):
        assert (row.provenance, row.origin) == (None, "human")
    assert event.event_id != step.event_id
    assert from_table(Event, to_table(Event, [event, step])) == [event, step]


@pytest.mark.parametrize(
    ("entries", "reasons"),
    [
        ([], ["no_source_events"]),
        ([QUESTION], ["no_source_events"]),
        ([entry(origin="model")], ["origin_not_wanted"]),
        ([entry(origin="")], ["origin_not_wanted"]),
        ([entry(text=" ")], ["empty_text"]),
        ([entry(start_s=None, end_s=None)], ["no_span"]),
        ([entry(end_s=None)], ["bad_span"]),
        ([entry(start_s=4)], ["bad_span"]),
        ([entry(start_s=5)], ["bad_span"]),
        ([entry(end_s=11.1)], ["bad_span"]),
        ([entry(), entry(text="a ball rolls", annotator="another")], ["duplicate_event"]),
        ([entry(), entry(start_s=6, end_s=8), entry(text="It stops.")], []),
    ],
)
def test_what_is_not_taken_is_refused_by_name(
    taken: Callable[..., list[Any]], entries: list[SourceAnnotation], reasons: list[str]
) -> None:
    rows = taken(*entries)
    rejects = [row for row in rows if isinstance(row, Reject)]
    assert [reject.reason for reject in rejects] == reasons
    assert len(rows) == max(1, sum(each.kind != "qa" for each in entries))
    for reject in rejects:
        if reject.reason != "no_source_events":
            assert SourceAnnotation.model_validate_json(reject.row) in entries


def test_whose_spans_are_taken_is_a_setting(taken: Callable[..., list[Any]]) -> None:
    written, said, transcribed = (entry(origin=origin) for origin in ("human", "model", "asr"))
    rows = taken(written, said, transcribed, origins=["asr", "model"], tolerance_s=0)
    assert [getattr(row, "origin", None) for row in rows] == [None, "model", "asr"]
    (out,) = taken(entry(end_s=10.5), tolerance_s=0)
    assert out.reason == "bad_span"


def test_a_model_is_asked_for_the_span_with_the_caption_alone(
    taken: Callable[..., list[Any]],
    asking: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
) -> None:
    (event,) = taken(entry())
    context, engine = asking(
        "ground", lambda ask: {"seen": "A ball.", "found": True, "start_s": 2.5, "end_s": 5}
    )
    rows = video_rows({Event: [event], FramedSegment: framed(10)})
    (found,) = ground.STAGE.run([rows], ground.Config(), context)
    assert engine.asks[0].variables["caption"] == "A ball rolls."
    assert set(engine.asks[0].variables) == {"caption", "duration_s", "frame_times"}
    assert isinstance(found, GroundedEvent)
    assert (found.start_s, found.grounded_start_s, found.grounded_end_s) == (2, 2.5, 5)
    assert (found.provenance, found.origin, found.grounding.model) == (None, "human", "m")
