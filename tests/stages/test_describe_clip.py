from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import FramedSegment, Reject, SourceAnnotation, Video
from stages import describe_clip


@pytest.fixture
def described(
    asking: Callable[..., Any],
    video_rows: Callable[..., Any],
    framed: Callable[..., Any],
    video: Callable[..., Video],
) -> Callable[..., Any]:
    def run(entry: SourceAnnotation | None, **config: Any) -> Any:
        context, engine = asking("describe_clip", lambda _: {"caption": " A dog runs. "})
        known = video(annotations=[entry] if entry else [], **config.pop("fields", {}))
        rows = video_rows({Video: [known], FramedSegment: framed(10)})
        made = list(describe_clip.STAGE.run([rows], describe_clip.Config(**config), context))
        return made, engine

    return run


def said(**fields: Any) -> SourceAnnotation:
    return SourceAnnotation.model_validate(
        {"kind": "event", "text": "A cat sits.", "origin": "human"} | fields
    )


def test_the_words_of_the_dataset_are_taken_where_there_are_any(described: Any) -> None:
    (row,), engine = described(said())
    assert (row.caption, row.origin, row.provenance) == ("A cat sits.", "human", None)
    assert row.video_id == "v" and not engine.asks


@pytest.mark.parametrize(
    "entry",
    [None, said(start_s=2.0, end_s=5.0), said(origin="asr"), said(text=" "), said(kind="qa")],
)
def test_else_a_model_is_asked(described: Any, entry: SourceAnnotation | None) -> None:
    (row,), engine = described(entry)
    assert (row.caption, row.origin, row.provenance.stage) == ("A dog runs.", "", "describe_clip")
    assert len(engine.asks) == 1


def test_what_is_too_long_for_a_clip_is_not_described(described: Any) -> None:
    (row,), engine = described(said(), fields={"duration_s": 90.0})
    assert isinstance(row, Reject) and row.reason == "no_clip"
    assert not engine.asks
