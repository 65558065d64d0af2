"""HDR clips of a known scene: light in cd/m2, coded by the formulas of BT.2100 as written there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.media.base import MediaError
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.packet_index import Image
from pipeline.media.reader.tone_mapping import tone_mapped
from tests.pipeline.media.barcode_clips import encoders, ffmpeg

Light = npt.NDArray[np.float64]
"""Linear R, G, B of BT.2020 in cd/m2, [patches, 3]."""

GREYS_CD_M2 = (0, 1, 5, 10, 26, 50, 80, 150, 203, 300, 500, 700, 1000)
SIDE = 32
TRANSFERS = {"pq": "smpte2084", "hlg": "arib-std-b67"}


def greys() -> Light:
    return np.repeat(np.array(GREYS_CD_M2, dtype=np.float64)[:, np.newaxis], 3, axis=1)


def coded(light: Light, hdr: str) -> Light:
    """R'G'B' from 0 to 1 of light."""
    if hdr == "pq":
        y = (light / 10000) ** 0.1593017578125
        pq: Light = ((0.8359375 + 18.8515625 * y) / (1 + 18.6875 * y)) ** 78.84375
        return pq
    luminance = (light @ [0.2627, 0.6780, 0.0593])[:, np.newaxis] / 1000
    scene = light / 1000 * np.maximum(luminance, 1e-12) ** (1 / 1.2 - 1)
    low = np.sqrt(3 * np.minimum(scene, 1 / 12))
    high = 0.17883277 * np.log(12 * np.maximum(scene, 1 / 12) - 0.28466892) + 0.55991073
    return np.where(scene <= 1 / 12, low, high)


def from_709(linear: list[tuple[float, float, float]], cd_m2: float) -> Light:
    """Patches of BT.709's R, G, B, 1 being so bright, in BT.2020's (BT.2087)."""
    matrix = [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    light: Light = cd_m2 * np.array(linear) @ np.array(matrix).T
    return light


def clip_of(light: Light, hdr: str, path: Path, *tags: str) -> Path:
    """A lossless clip of one row of patches, in the matrix of BT.2020 and limited range."""
    values = coded(light, hdr)
    luma = values @ [0.2627, 0.6780, 0.0593]
    planes = [
        *(64 + 876 * luma, 512 + 896 * (values[:, 2] - luma) / 1.8814),
        512 + 896 * (values[:, 0] - luma) / 1.4746,
    ]
    patches = np.rint(np.repeat(np.stack(planes), SIDE, axis=1)).astype("<u2")
    frame = np.repeat(patches[:, np.newaxis], SIDE, axis=1).tobytes()
    size = f"{SIDE * len(light)}x{SIDE}"
    ffmpeg(
        *("-f", "rawvideo", "-pix_fmt", "yuv444p10le", "-s", size, "-r", "10", "-i", "-"),
        *("-c:v", "ffv1", "-color_trc", TRANSFERS[hdr], "-color_range", "tv"),
        *(tags or ("-color_primaries", "bt2020", "-colorspace", "bt2020nc")),
        str(path),
        raw=frame * 2,
    )
    return path


def first_frame(path: Path) -> Image:
    index = pyav_reader.read_packet_index(path)
    first = int(index.shown_pts[0])
    return pyav_reader.read(path, index, [first], index.size, np.copy)[first]


def shown(light: Light, hdr: str, path: Path, *tags: str) -> npt.NDArray[np.int64]:
    """The RGB values of the patches, [patches, 3]."""
    image = first_frame(clip_of(light, hdr, path, *tags))
    return image[SIDE // 2, SIDE // 2 :: SIDE].astype(np.int64)


def srgb(linear: npt.ArrayLike) -> Light:
    """Values of 255 of light, 1 being white."""
    light = np.asarray(linear, dtype=np.float64)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("hdr", TRANSFERS)
def test_greys_are_grey_get_brighter_and_stand_at_their_levels(hdr: str, tmp_path: Path) -> None:
    seen = shown(greys(), hdr, tmp_path / "greys.mkv")
    assert np.ptp(seen, axis=1).max() <= 1
    levels = dict(zip(GREYS_CD_M2, seen[:, 1].tolist(), strict=True))
    assert (np.diff(seen[:-1, 1]) > 0).all()
    assert levels[0] == 0 and levels[700] >= 254 and levels[1000] == 255
    assert levels[203] == pytest.approx(228, abs=1)
    for cd_m2 in (1, 5, 10, 26, 50, 80):
        assert levels[cd_m2] == pytest.approx(srgb(cd_m2 / 203), abs=2), cd_m2


@pytest.mark.parametrize("hdr", TRANSFERS)
@pytest.mark.parametrize(
    "tags", [(), ("-color_primaries", "unknown", "-colorspace", "unknown")], ids=["stated", "not"]
)
def test_colours_of_bt709_are_those_that_were_filmed(
    hdr: str, tags: tuple[str, ...], tmp_path: Path
) -> None:
    scene = [
        *((1.0, 0.2, 0.1), (0.1, 0.8, 0.2), (0.05, 0.1, 0.9), (0.9, 0.8, 0.1)),
        *((0.5, 0.33, 0.25), (0.3, 0.3, 0.3)),
    ]
    seen = shown(from_709(scene, 90), hdr, tmp_path / "colours.mkv", *tags)
    assert np.abs(seen - srgb(np.array(scene) * 90 / 203)).max() <= 3


def test_a_highlight_keeps_its_hue_and_what_no_display_shows_is_clipped(tmp_path: Path) -> None:
    scene = [(1.0, 0.5, 0.25)]
    dim, bright, too_bright = (
        shown(from_709(scene, cd_m2), "pq", tmp_path / f"{cd_m2}.mkv")[0]
        for cd_m2 in (100, 400, 4000)
    )
    linear = [((value / 255 + 0.055) / 1.055) ** 2.4 for value in (dim, bright, too_bright)]
    for light in linear:
        assert light / light[0] == pytest.approx([1, 0.5, 0.25], abs=0.02)
    assert dim[0] < bright[0] < 255 == too_bright[0]
    outside = shown(np.array([[0.0, 150.0, 0.0]]), "pq", tmp_path / "outside.mkv")[0]
    assert outside[0] == 0 and outside[1] > 200


def test_the_curve_is_smooth_and_rises_over_all_values() -> None:
    values = np.repeat(np.arange(1 << 16, dtype=np.uint16)[np.newaxis, :, np.newaxis], 3, axis=2)
    for hdr in ("pq", "hlg"):
        steps = np.diff(tone_mapped(values, hdr)[0].astype(int), axis=0)
        assert steps.min() == 0 and steps.max() == 1


def test_other_primaries_than_those_of_bt2020_are_unsupported(tmp_path: Path) -> None:
    tags = ("-color_primaries", "smpte432", "-colorspace", "bt2020nc")
    path = clip_of(greys(), "pq", tmp_path / "p3.mkv", *tags)
    with pytest.raises(MediaError, match="primaries 12") as raised:
        pyav_reader.read_packet_index(path)
    assert raised.value.reason == "unsupported"


@pytest.mark.parametrize("name", ["hdr.mp4", "container_only.mp4"])
def test_an_hevc_video_is_tone_mapped_whoever_says_that_it_is_hdr(
    name: str, tmp_path: Path
) -> None:
    """The stream, or only the container, as in ``container_only.mp4``."""
    if "libx265" not in encoders():
        pytest.skip("this ffmpeg has no encoder libx265")
    lossless, path = clip_of(greys(), "pq", tmp_path / "greys.mkv"), tmp_path / name
    tags = ["-color_trc", "smpte2084", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
    encoded = tmp_path / "untagged.mp4" if name == "container_only.mp4" else path
    none = [word if word.startswith("-") else "unknown" for word in tags]
    ffmpeg(
        *("-i", str(lossless), "-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"),
        *("-preset", "ultrafast", "-x265-params", "log-level=error:crf=8"),
        *(tags if encoded == path else none),
        str(encoded),
    )
    if encoded != path:
        ffmpeg("-i", str(encoded), "-c", "copy", *tags, "-movflags", "+write_colr", str(path))
    seen, exact = first_frame(path).astype(int), first_frame(lossless).astype(int)
    assert np.abs(seen - exact)[SIDE // 2, SIDE // 2 :: SIDE].max() <= 6
    index = pyav_reader.read_packet_index(path)
    wanted = [int(index.shown_pts[0])]
    with pytest.raises(MediaError, match="tone-map"):
        decord_reader.read(path, index, wanted, index.size, lambda _: None)
