from __future__ import annotations

import subprocess
from collections.abc import Callable
from math import cos, radians, sin
from pathlib import Path
from shutil import copyfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.base import Clip, MediaError
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.orientation import Orientation, orientation_of
from pipeline.media.reader.packet_index import Image
from pipeline.media.reader.probe import probe
from tests.pipeline.media.display_matrices import AXES, matrix_of, set_display_matrix

LENGTHS = st.floats(0.01, 100)


def as_ffmpeg_shows(path: Path) -> Image:
    """The first frame as the command line of ffmpeg turns it."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1", "-c:v", "ppm"]
    ppm = subprocess.run([*command, "-f", "image2pipe", "-"], capture_output=True, check=True)
    kind, size, most, pixels = ppm.stdout.split(b"\n", 3)
    assert (kind, most) == (b"P6", b"255")
    width, height = map(int, size.split())
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


def first_frame(path: Path) -> Image:
    index = pyav_reader.read_packet_index(path)
    first = int(index.shown_pts[0])
    return pyav_reader.read(path, index, [first], index.size, np.copy)[first]


@pytest.mark.parametrize(("rotation_deg", "is_mirrored"), AXES)
def test_a_picture_is_shown_as_ffmpeg_shows_it(
    rotation_deg: int, is_mirrored: bool, clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "oriented.mp4"
    copyfile(clip_file("h264.mp4"), path)
    set_display_matrix(path, matrix_of(AXES[rotation_deg, is_mirrored]))
    ours, ffmpegs = first_frame(path), as_ffmpeg_shows(path)
    assert ours.shape == ffmpegs.shape
    assert np.abs(ours.astype(int) - ffmpegs).mean() < 4
    found = probe(Clip(str(path)))
    assert (found.height, found.width) == ours.shape[:2]
    assert found.rotation_deg == rotation_deg


@given(st.sampled_from(sorted(AXES)), LENGTHS, LENGTHS, st.floats(-0.9, 0.9))
def test_neither_a_stretch_nor_a_rounded_angle_changes_which_way_is_up(
    wanted: tuple[int, bool], across: float, down: float, off_deg: float
) -> None:
    a, b, c, d = AXES[wanted]
    cosine, sine = cos(radians(off_deg)), sin(radians(off_deg))
    axes = (
        *(across * (a * cosine - b * sine), across * (a * sine + b * cosine)),
        *(down * (c * cosine - d * sine), down * (c * sine + d * cosine)),
    )
    assert orientation_of(matrix_of(axes)) == Orientation(*wanted)


@pytest.mark.parametrize("axes", [(0, 0, 0, 0), (1, 0, 0, 0), (0, 0, -1, 0)])
def test_an_axis_without_length_turns_nothing(axes: tuple[int, ...]) -> None:
    assert orientation_of(matrix_of(axes)) == Orientation()


@pytest.mark.parametrize(
    "axes",
    [(0.7, 0.7, -0.7, 0.7), (0.999, 0.02, -0.02, 0.999), (1, 0, 0.3, 1), (1, 0.1, 0, 1)],
    ids=["half a quarter", "1.1 degrees", "slanted", "slanted otherwise"],
)
def test_what_is_no_quarter_turn_is_unsupported(
    axes: tuple[float, ...], clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "slanted.mp4"
    copyfile(clip_file("h264.mp4"), path)
    set_display_matrix(path, matrix_of(axes))
    with pytest.raises(MediaError, match="quarter turns") as raised:
        probe(Clip(str(path)))
    assert raised.value.reason == "unsupported"
