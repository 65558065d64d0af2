from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.media import decord_reader, pyav_reader
from pipeline.media.base import MediaError


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("h264_open.mp4", "across a keyframe"),
        ("h264_180.mp4", "rotated"),
        ("h264_cut.mp4", "not shown"),
        ("h264_late.mp4", "timestamps"),
        ("av1.mp4", "nothing is known"),
    ],
)
def test_says_why_it_refuses(name: str, why: str, clip_file: Callable[[str], Path]) -> None:
    pytest.importorskip("decord")
    path = clip_file(name)
    scan = pyav_reader.scan(path)
    with pytest.raises(MediaError, match=why) as raised:
        decord_reader.read(path, scan, [int(scan.shown_pts[0])], scan.size, lambda _: None)
    assert raised.value.reason == "unsupported"


def test_a_platform_without_decord_is_refused(
    clip_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    path = clip_file("h264.mp4")
    scan = pyav_reader.scan(path)
    with pytest.raises(MediaError, match="not installed"):
        decord_reader.read(path, scan, [0], scan.size, lambda _: None)
