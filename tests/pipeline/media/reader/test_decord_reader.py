from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.media.base import MediaError
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.packet_index import Image
from tests.pipeline.media.barcode_clips import ffmpeg


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("h264_open.mp4", "across a keyframe"),
        ("h264_180.mp4", "rotated"),
        ("h264_270_mirrored.mp4", "mirrored"),
        ("mpeg4_packed.avi", "several frames each"),
        ("h264_cut.mp4", "not shown"),
        ("h264_late.mp4", "timestamps"),
        ("av1.mp4", "is untested"),
    ],
)
def test_the_error_names_the_cause(name: str, why: str, clip_file: Callable[[str], Path]) -> None:
    pytest.importorskip("decord")
    path = clip_file(name)
    index = pyav_reader.read_packet_index(path)
    with pytest.raises(MediaError, match=why) as raised:
        decord_reader.read(path, index, [int(index.shown_pts[0])], index.size, lambda _: None)
    assert raised.value.reason == "unsupported"


def test_a_picture_of_one_column_is_refused(tmp_path: Path) -> None:
    """decord gives a picture of another shape; found by mutated videos."""
    pytest.importorskip("decord")
    path = tmp_path / "tall.mp4"
    source = "testsrc2=size=16x512:rate=10:duration=1"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-bf", "0", str(path))
    index = pyav_reader.read_packet_index(path)
    wanted, size = [int(index.shown_pts[0])], (1, 64)
    seen: list[Image] = []
    pyav_reader.read(path, index, wanted, size, seen.append)
    assert [image.shape for image in seen] == [(64, 1, 3)]
    with pytest.raises(MediaError, match="a picture of") as raised:
        decord_reader.read(path, index, wanted, size, seen.append)
    assert raised.value.reason == "unsupported"


def test_what_decord_cannot_open_is_refused(
    clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    pytest.importorskip("decord")
    index = pyav_reader.read_packet_index(clip_file("h264.mp4"))
    for content in (b"", b"no video at all"):
        (tmp_path / "other.mp4").write_bytes(content)
        with pytest.raises(MediaError) as raised:
            decord_reader.read(tmp_path / "other.mp4", index, [0], index.size, lambda _: None)
        assert raised.value.reason == "unsupported"


def test_a_platform_without_decord_is_refused(
    clip_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "decord", None)
    path = clip_file("h264.mp4")
    index = pyav_reader.read_packet_index(path)
    with pytest.raises(MediaError, match="not installed"):
        decord_reader.read(path, index, [0], index.size, lambda _: None)
