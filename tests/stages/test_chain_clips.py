from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

import numpy as np
import pytest

from pipeline.records import CaptionedStream, Reject, Video, VideoCaption, VideoVector
from pipeline.workflow.stage import Context
from stages import chain_clips
from stages._pool import over_the_share, spans, threshold
from tests.stages.clip_streams import known

Angles = Mapping[str, tuple[float, float]]
"""By video: of its frame and of its caption, in degrees."""


@pytest.fixture
def made(video_rows: Callable[..., Any], provenance: Any) -> Callable[..., list[Any]]:
    """``made(angles, fields, **config)``: the rows that a pool leads to."""

    def vector(name: str, of: Any, degrees: float) -> VideoVector:
        turn = np.radians(degrees)
        values = [float(np.cos(turn)), float(np.sin(turn))]
        return VideoVector(video_id=name, of=of, vector=values, provenance=provenance)

    def run(angles: Angles, fields: Mapping[str, Any] | None = None, **config: Any) -> list[Any]:
        rows = []
        for name, (frame, caption) in angles.items():
            kinds = {
                Video: [known(name, **(fields or {}).get(name, {}))],
                VideoCaption: [
                    VideoCaption(video_id=name, caption=f"It is {name}.", provenance=provenance)
                ],
                VideoVector: [vector(name, "frame", frame), vector(name, "caption", caption)],
            }
            rows.append(video_rows(kinds, name))
        settings = {"least_quantile": 0.0, "clips": 2, "least_s": 0} | config
        return list(chain_clips.STAGE.run(rows, chain_clips.Config(**settings), Context()))

    return run


def members(rows: list[Any]) -> list[list[str]]:
    return [[c.video_id for c in row.clips] for row in rows if isinstance(row, CaptionedStream)]


def reasons(rows: list[Any]) -> dict[str, str]:
    return {row.video_id: row.reason for row in rows if isinstance(row, Reject)}


CIRCLE = {f"v{i}": (float(10 * i), float(10 * i)) for i in range(6)}


def test_streams_are_of_similar_clips_with_their_captions(made: Any) -> None:
    rows = made(CIRCLE)
    (first, *_) = rows
    assert sorted(chain.from_iterable(members(rows))) == sorted(CIRCLE)
    assert [c.caption for c in first.captions] == [f"It is {v}." for v in members(rows)[0]]
    assert first.captions[0].link is None
    assert first.captions[1].link == pytest.approx(np.cos(np.radians(10)), abs=1e-3)
    assert first.captions[0].similarity == pytest.approx(1)
    assert first.duration_s == 24.0


def test_the_order_of_the_input_does_not_matter(made: Any) -> None:
    again = dict(reversed(CIRCLE.items()))
    assert made(again) == made(CIRCLE)
    seeds = {str(members(made(CIRCLE, seed=seed))) for seed in range(8)}
    assert len(seeds) > 1, "the first clip is drawn"


def test_a_caption_that_fits_its_clip_too_little_is_left_out(made: Any) -> None:
    rows = made(CIRCLE | {"v2": (20.0, 170.0)}, least_similarity=0.5)
    assert reasons(rows)["v2"] == "low_similarity"
    assert "v2" not in chain.from_iterable(members(rows))
    quantile = made({f"v{i}": (0.0, 9.0 * i) for i in range(10)}, least_quantile=0.2)
    assert {name for name, why in reasons(quantile).items() if why == "low_similarity"} == {
        "v8",
        "v9",
    }


def test_what_is_too_little_at_the_end_is_in_no_stream(made: Any) -> None:
    rows = made(CIRCLE, clips=4)
    assert [len(each) for each in members(rows)] == [4]
    assert [*reasons(rows).values()] == ["left_over"] * 2


def test_no_stream_is_of_two_splits(made: Any) -> None:
    rows = made(CIRCLE, {"v1": {"split": "test"}, "v2": {"split": "test"}})
    assert {row.split for row in rows if isinstance(row, CaptionedStream)} == {"test", "train"}
    assert ["v1", "v2"] in [sorted(each) for each in members(rows)]


def test_a_source_gives_no_more_than_its_share(made: Any) -> None:
    sources = {f"v{i}": {"source": "many" if i < 4 else f"few{i}"} for i in range(6)}
    rows = made(CIRCLE, sources, source_share=0.5)
    gone = [name for name, why in reasons(rows).items() if why == "source_share"]
    assert len(gone) == 2 and set(gone) < {"v0", "v1", "v2", "v3"}


def test_a_clip_without_a_caption_or_vector_is_absent(made: Any, video_rows: Any) -> None:
    rows = [video_rows({Video: [known("v")], VideoCaption: [], VideoVector: []}, "v")]
    (reject,) = chain_clips.STAGE.run(rows, chain_clips.Config(), Context())
    assert isinstance(reject, Reject) and reject.reason == "no_vector"


def test_a_share_of_what_is_left() -> None:
    sources = {f"a{i}": "a" for i in range(90)} | {f"{s}{i}": s for s in "bc" for i in range(10)}
    gone = over_the_share(sources, 0.4, seed=0)
    left = Counter(source for name, source in sources.items() if name not in gone)
    assert left == {"a": 13, "b": 10, "c": 10}
    assert left["a"] <= 0.4 * sum(left.values())
    assert over_the_share(sources, 1.0, 0) == set()
    assert over_the_share({"a": "a", "b": "b"}, 0.4, 0) == {"a", "b"}, "it cannot be kept"
    assert over_the_share({}, 0.4, 0) == set()


def test_spans_have_so_many_clips_and_so_many_seconds() -> None:
    assert [*spans([10] * 7, clips=2, least_s=0)] == [range(0, 2), range(2, 4), range(4, 6)]
    assert [*spans([10] * 7, clips=2, least_s=30)] == [range(0, 3), range(3, 6)]
    assert [*spans([10, 10], clips=3, least_s=0)] == []


def test_the_stricter_bound_holds() -> None:
    similar = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert threshold(similar, 0.5, None) == 0.3
    assert threshold(similar, 0.5, 0.35) == 0.35
    assert threshold(similar, 0.5, 0.1) == 0.3
    assert threshold([], 0.5, None) == -1
