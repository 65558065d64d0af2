from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.engines.embedding import Embedding
from pipeline.records import FramedSegment, Reject, SourceAnnotation, Video, VideoCaption
from stages import describe_clip, embed

CAPTION = VideoCaption(video_id="v", caption="A ball.", provenance=None, origin="human")


def vector(ask: Ask) -> str:
    return Embedding.of([1.0, float(len(ask.text)), len(ask.frames)]).model_dump_json()


@pytest.fixture
def made(
    asking: Callable[..., Any], video_rows: Callable[..., Any], framed: Callable[..., Any]
) -> Callable[..., Any]:
    def run(turns: int = 5, reply: Any = vector, **config: Any) -> Any:
        settings = embed.Config(**config)
        context, engine = asking(settings.prompt, reply)
        rows = video_rows({VideoCaption: [CAPTION], FramedSegment: framed(turns)})
        return list(embed.STAGE.run([rows], settings, context)), engine

    return run


@pytest.mark.parametrize(("turns", "middle_s"), [(1, 0.0), (2, 1.0), (5, 2.0), (12, 6.0)])
def test_the_frame_is_that_of_the_middle(made: Any, turns: int, middle_s: float) -> None:
    (row,), engine = made(turns)
    assert (row.of, row.frame_s, row.video_id) == ("frame", middle_s, "v")
    (ask,) = engine.asks
    assert [frame.time_s for frame in ask.frames] == [middle_s]
    assert ask.text == "", "no words beside a picture, unless a prompt has some"
    assert row.vector == pytest.approx([2**-0.5, 0, 2**-0.5])
    assert row.provenance.stage == "embed" and row.provenance.model == "m"


def test_a_caption_is_embedded_without_frames(made: Any) -> None:
    (row,), engine = made(of="caption", prompt="embed_caption")
    assert (row.of, row.frame_s) == ("caption", None)
    assert [(ask.text, ask.frames) for ask in engine.asks] == [("A ball.", ())]


def test_what_is_no_vector_is_refused(made: Any) -> None:
    (row,), _ = made(reply=lambda _: {"vector": "AAAA"})
    assert isinstance(row, Reject) and row.reason == "no_valid_answer"


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
