from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.engines.embedding import Embedding
from pipeline.records import FramedSegment, Reject, VideoCaption
from stages import embed

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
