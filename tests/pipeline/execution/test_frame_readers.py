"""Where a video is looked for below a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.execution.frame_readers import found_below


@pytest.mark.parametrize(
    ("uri", "found"),
    [
        ("coin/a.mp4", "coin/a.mp4"),
        ("/data/of/others/coin/a.mp4", "coin/a.mp4"),
        ("s3://bucket/coin/a.mp4", "coin/a.mp4"),
        ("/elsewhere/b.mp4", "b.mp4"),
        ("shards/000.tar#x/c.mp4", "000.tar#x/c.mp4"),
        ("https://example.org/watch?v=id-7", "id-7.webm"),
        ("../../secret.mp4", None),
        ("gone.mp4", None),
    ],
)
def test_the_longest_end_of_a_uri_then_the_id(tmp_path: Path, uri: str, found: str | None) -> None:
    for name in ("coin/a.mp4", "a.mp4", "b.mp4", "000.tar", "id-7.webm"):
        (tmp_path / "videos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "videos" / name).touch()
    (tmp_path / "secret.mp4").touch()
    video_id = "id-7" if "watch" in uri else "other"
    assert found_below(tmp_path / "videos", uri, video_id) == found
