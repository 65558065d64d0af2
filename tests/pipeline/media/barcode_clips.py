"""Clips whose every frame carries its own number, so that no decoder is needed to know the truth.

The number stands as eight black or white fields along the upper edge. Each clip lists which numbers
it shows and when, in seconds from the first shown frame, from how it was made.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.pipeline.media.display_matrices import AXES, matrix_of, set_display_matrix
from tests.pipeline.media.packed_avi import pack

WIDTH, HEIGHT = 320, 180
BITS = 8
FRAMES = 90
Picture = npt.NDArray[np.uint8]
Times = Callable[[int], Fraction]


def picture(number: int) -> Picture:
    """Grey [HEIGHT, WIDTH]: a drifting pattern, a moving block, and the number above them."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    grey = ((x + 3 * number) // 4 + y // 3) % 160 + 40
    left, top = number * 7 % (WIDTH - 40), 60 + number * 5 % (HEIGHT - 100)
    grey[top : top + 30, left : left + 40] = 230 if number // 15 % 2 else 25
    field = WIDTH // BITS
    for bit in range(BITS):
        grey[:28, bit * field : (bit + 1) * field] = 235 if number >> bit & 1 else 16
    drawn: Picture = grey.astype(np.uint8)
    return drawn


def number_of(image: Picture) -> int:
    """The number that an RGB image [h, w, 3] carries; -1 where a field is neither dark nor lit."""
    height, width = image.shape[:2]
    field = width / BITS
    band = image[round(height * 6 / 180) : round(height * 20 / 180)]
    number = 0
    for bit in range(BITS):
        light = float(band[:, round(field * (bit + 0.3)) : round(field * (bit + 0.7))].mean())
        if 80 < light < 175:
            return -1
        number |= (light > 128) << bit
    return number


def ffmpeg(*args: str, raw: bytes = b"") -> None:
    """Runs the command; fails with its error message."""
    command = ["ffmpeg", "-y", "-v", "error", "-threads", "2", *args]
    done = subprocess.run(command, input=raw, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")


@cache
def encoders() -> frozenset[str]:
    """Names of the encoders that the ffmpeg at hand has."""
    text = subprocess.run(
        ["ffmpeg", "-hide_banner", "-v", "error", "-encoders"], capture_output=True, check=True
    ).stdout.decode()
    return frozenset(words[1] for words in map(str.split, text.splitlines()) if len(words) > 1)


@cache
def _raw() -> bytes:
    return b"".join(picture(n).tobytes() for n in range(FRAMES))


@dataclass(frozen=True)
class Recipe:
    """How a clip is made. ``base`` names the clip that it is copied from; else it is encoded."""

    name: str
    encoder: str
    args: tuple[str, ...]
    times: Times
    """When the frame of that number is shown, from frame 0."""
    first: int = 0
    """The first number shown."""
    base: str = ""
    timing: str = "null"
    rotation_deg: int = 0
    """Clockwise, as the container asks of a player."""
    is_mirrored: bool = False
    """Whether left and right are exchanged before the turn."""
    is_packed: bool = False
    """Whether it is ``base`` with its B-frames packed."""
    passes: int = 1

    @property
    def truth(self) -> list[tuple[Fraction, int]]:
        """When each number is first on screen, from the first shown frame, in order."""
        zero = self.times(self.first)
        return [(self.times(n) - zero, n) for n in range(self.first, FRAMES)]

    def make(self, folder: Path) -> Path:
        """The clip's file in that folder, made when it is not there yet."""
        path = folder / self.name
        if path.exists():
            return path
        if self.base:
            source = RECIPES[self.base].make(folder)
            if self.is_packed:
                pack(source, path)
            else:
                ffmpeg(*(a.replace("BASE", str(source)) for a in self.args), str(path))
        for number in range(1, self.passes + 1) if not self.base else ():
            log = ("-pass", str(number), "-passlogfile", f"{path}.log") if self.passes > 1 else ()
            ffmpeg(
                *("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{WIDTH}x{HEIGHT}", "-r", "30"),
                *("-i", "-", "-vf", self.timing, "-fps_mode", "passthrough"),
                *("-c:v", self.encoder, *self.args, *log, str(path)),
                raw=_raw(),
            )
        orientation = (self.rotation_deg, self.is_mirrored)
        if orientation != (0, False):
            set_display_matrix(path, matrix_of(AXES[orientation]))
        return path


def _thirty(number: int) -> Fraction:
    return Fraction(number, 30)


def _ntsc(number: int) -> Fraction:
    return Fraction(number * 1001, 24000)


def _milliseconds(number: int) -> Fraction:
    return Fraction(round(number * 1000 / 30), 1000)


def _uneven(number: int) -> Fraction:
    return Fraction(40 * number + 10 * (number % 3) + 1200 * (number // 40), 1000)


def _recipes() -> Sequence[Recipe]:
    grey = ("-pix_fmt", "yuv420p")
    x264 = (*grey, "-preset", "veryfast", "-crf", "24")
    h264 = (*x264, "-bf", "3", "-g", "30")
    ntsc = "settb=1/24000,setpts=N*1001"
    uneven = "settb=1/1000,setpts=40*N+10*mod(N\\,3)+1200*floor(N/40)"
    copy = ("-i", "BASE", "-c", "copy")
    x265 = (*grey, "-preset", "veryfast", "-crf", "26", "-tag:v", "hvc1", "-x265-params")
    vpx = (*grey, "-deadline", "good", "-cpu-used", "5", "-b:v", "300k", "-g", "45")
    lag = ("-auto-alt-ref", "1", "-lag-in-frames", "25", "-arnr-maxframes", "7")
    open_x264 = "open-gop=1:repeat-headers=1:scenecut=0"
    cut = ("-i", "BASE", "-ss", "0.8", "-c", "copy")
    late = ("-f", "lavfi", "-i", "sine=duration=3", "-itsoffset", "0.7", "-i", "BASE")
    return (
        Recipe("h264.mp4", "libx264", h264, _thirty),
        Recipe("h264_one_group.mp4", "libx264", (*x264, "-bf", "3", "-g", "250"), _thirty),
        Recipe("h264_no_b.mp4", "libx264", (*x264, "-bf", "0", "-g", "25"), _thirty),
        Recipe("h264_intra.mp4", "libx264", (*x264, "-g", "1"), _thirty),
        Recipe("h264_open.mp4", "libx264", (*h264, "-x264-params", open_x264), _thirty),
        Recipe(
            "h264_ntsc.mp4", "libx264", (*h264, "-enc_time_base", "1:24000"), _ntsc, timing=ntsc
        ),
        Recipe(
            "h264_uneven.mp4",
            "libx264",
            (*h264, "-enc_time_base", "1:1000", "-video_track_timescale", "1000"),
            _uneven,
            timing=uneven,
        ),
        Recipe("h264_uneven.mkv", "libx264", copy, _uneven, base="h264_uneven.mp4"),
        Recipe(
            "h264_cut.mp4",
            "libx264",
            ("-ss", "1.37", *copy),
            _thirty,
            first=42,
            base="h264_one_group.mp4",
        ),
        Recipe(
            "h264_no_edit_list.mp4",
            "libx264",
            (*copy, "-use_editlist", "0"),
            _thirty,
            base="h264.mp4",
        ),
        Recipe(
            "h264_offset.mkv",
            "libx264",
            (*copy, "-output_ts_offset", "5"),
            _milliseconds,
            base="h264.mp4",
        ),
        Recipe(
            "h264_late.mp4",
            "libx264",
            (*late, "-map", "1:v", "-map", "0:a", "-c:v", "copy", "-c:a", "aac"),
            _thirty,
            base="h264.mp4",
        ),
        Recipe(
            "h264_fragments.mp4",
            "libx264",
            (*copy, "-movflags", "frag_keyframe+empty_moov+default_base_moof"),
            _thirty,
            base="h264.mp4",
        ),
        Recipe("h264.ts", "libx264", copy, _thirty, base="h264.mp4"),
        Recipe("h264_open.ts", "libx264", (*h264, "-x264-params", open_x264), _thirty),
        Recipe("h264_open_cut.ts", "libx264", cut, _thirty, first=30, base="h264_open.ts"),
        Recipe("h264_90.mp4", "libx264", copy, _thirty, base="h264.mp4", rotation_deg=90),
        Recipe("h264_180.mp4", "libx264", copy, _thirty, base="h264.mp4", rotation_deg=180),
        Recipe(
            *("h264_270_mirrored.mp4", "libx264", copy, _thirty),
            base="h264.mp4",
            rotation_deg=270,
            is_mirrored=True,
        ),
        Recipe("hevc.mp4", "libx265", (*x265, "log-level=error:keyint=30:open-gop=0"), _thirty),
        Recipe("hevc_open.mp4", "libx265", (*x265, "log-level=error:keyint=30"), _thirty),
        Recipe("vp8.webm", "libvpx", (*vpx, *lag), _milliseconds, passes=2),
        Recipe("vp9.webm", "libvpx-vp9", (*vpx, *lag), _milliseconds),
        Recipe("vp9.mp4", "libvpx-vp9", copy, _milliseconds, base="vp9.webm"),
        Recipe("av1.mp4", "libsvtav1", (*grey, "-preset", "10", "-crf", "40", "-g", "30"), _thirty),
        Recipe("mpeg4_b.avi", "mpeg4", (*grey, "-q:v", "4", "-bf", "2", "-g", "30"), _thirty),
        Recipe("mpeg4_packed.avi", "mpeg4", (), _thirty, base="mpeg4_b.avi", is_packed=True),
        Recipe("mpeg4_b.mp4", "mpeg4", (*grey, "-q:v", "4", "-bf", "2", "-g", "30"), _thirty),
        Recipe("mpeg2.ts", "mpeg2video", (*grey, "-q:v", "4", "-bf", "2", "-g", "15"), _thirty),
        Recipe("mpeg2_cut.ts", "mpeg2video", cut, _thirty, first=30, base="mpeg2.ts"),
        Recipe("mjpeg.avi", "mjpeg", ("-pix_fmt", "yuvj420p", "-q:v", "5"), _thirty),
    )


RECIPES = {recipe.name: recipe for recipe in _recipes()}
