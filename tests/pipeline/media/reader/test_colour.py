"""The matrix and the range that a file states are those that its colours are made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.base import MediaError
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.colour import Colour, colour_of
from pipeline.media.reader.packet_index import FrameReader
from tests.pipeline.media.barcode_clips import ffmpeg

SIDE = 64
COLOURS = np.array(
    [(200, 30, 30), (30, 200, 30), (30, 30, 200), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
)
WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "smpte170m": (0.299, 0.114),
    "bt470bg": (0.299, 0.114),
    "bt2020nc": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
    "unknown": (0.299, 0.114),
}
"""Share of red and blue in luma, by ffmpeg's name of the matrix, from ITU-T H.273."""


def clip_of(matrix: str, is_full: bool, path: Path, tag: str = "") -> Path:
    """A lossless clip of the colours, side by side."""
    red, blue = WEIGHTS[matrix]
    rgb = COLOURS / 255
    luma = rgb @ [red, 1 - red - blue, blue]
    planes = np.stack(
        [luma, (rgb[:, 2] - luma) / (2 - 2 * blue), (rgb[:, 0] - luma) / (2 - 2 * red)]
    )
    steps, zero = ([255, 255, 255], 0) if is_full else ([219, 224, 224], 16)
    values = planes * np.array(steps)[:, np.newaxis] + np.array([[zero], [128], [128]])
    row = np.repeat(np.rint(values).clip(0, 255).astype(np.uint8), SIDE, axis=1)
    frame = np.repeat(row[:, np.newaxis], SIDE, axis=1).tobytes()
    stated = ("-colorspace", tag or matrix, "-color_range", "pc" if is_full else "tv")
    size = f"{SIDE * len(COLOURS)}x{SIDE}"
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", size, "-r", "10", *stated, "-i", "-"),
        *("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p", *stated, str(path)),
        raw=frame * 10,
    )
    return path


@pytest.mark.parametrize("is_full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", WEIGHTS)
@pytest.mark.parametrize("reader", [pyav_reader.read, decord_reader.read], ids=["pyav", "decord"])
def test_colours_are_those_that_were_encoded(
    reader: FrameReader, matrix: str, is_full: bool, tmp_path: Path
) -> None:
    path = clip_of(matrix, is_full, tmp_path / "colours.mp4")
    index = pyav_reader.read_packet_index(path)
    first = int(index.shown_pts[0])
    try:
        image = reader(path, index, [first], index.size, np.copy)[first]
    except MediaError as error:
        assert "not installed" in error.detail
        pytest.skip(error.detail)
    assert np.abs(image[SIDE // 2, SIDE // 2 :: SIDE].astype(int) - COLOURS).max() <= 1


def test_frames_come_before_the_container_and_that_before_bt2100() -> None:
    bt709, pq = Colour(1, 1, 1), Colour(9, 16, 9)
    assert colour_of(bt709, pq) == bt709
    assert colour_of(Colour(), Colour()) == Colour()
    assert colour_of(Colour(), bt709) == replace(bt709, is_added=True)
    assert colour_of(Colour(transfer=16), Colour()) == replace(pq, is_added=True)


def test_decord_refuses_colours_that_the_frames_do_not_state(
    clip_file: Callable[[str], Path],
) -> None:
    path = clip_file("h264.mp4")
    index = pyav_reader.read_packet_index(path)
    index = replace(index, colour=colour_of(Colour(), Colour(1, 1, 1)))
    with pytest.raises(MediaError, match="container does") as raised:
        decord_reader.read(path, index, [0], index.size, lambda _: None)
    assert raised.value.reason == "unsupported"


def test_a_matrix_that_cannot_be_converted_is_unsupported(tmp_path: Path) -> None:
    path = clip_of("bt709", False, tmp_path / "ictcp.mp4", tag="ictcp")
    with pytest.raises(MediaError, match="matrix 14") as raised:
        pyav_reader.read_packet_index(path)
    assert raised.value.reason == "unsupported"
