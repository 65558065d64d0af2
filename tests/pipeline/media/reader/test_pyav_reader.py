from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.media.base import MediaError
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.packet_index import Image, PacketIndex
from pipeline.media.reader.packet_plan import PacketPlan, packets_in_groups
from tests.pipeline.media.barcode_clips import HEIGHT, RECIPES, WIDTH, ffmpeg, number_of


def _nothing(_: Image) -> None:
    return None


@pytest.mark.parametrize("name", RECIPES)
def test_the_packet_index_knows_when_every_frame_is_shown(
    name: str, clip_file: Callable[[str], Path]
) -> None:
    recipe = RECIPES[name]
    index = pyav_reader.read_packet_index(clip_file(name))
    times_s = (index.shown_pts - index.shown_pts[0]) * float(index.time_base)
    assert len(times_s) == len(recipe.truth)
    assert np.allclose(times_s, [float(time_s) for time_s, _ in recipe.truth], atol=0.00051)
    assert index.orientation == Orientation(recipe.rotation_deg, recipe.is_mirrored)
    assert index.size == ((HEIGHT, WIDTH) if recipe.rotation_deg % 180 else (WIDTH, HEIGHT))
    codec = re.split(r"[_.]", name)[0]
    assert index.codec == {"mpeg2": "mpeg2video"}.get(codec, codec)


@pytest.mark.parametrize("name", RECIPES)
def test_the_plan_alone_gives_every_wanted_frame(
    name: str, clip_file: Callable[[str], Path]
) -> None:
    path = clip_file(name)
    index = pyav_reader.read_packet_index(path)
    for step in (1, 7, 23, 45):
        wanted = index.shown_pts[3::step].tolist()
        plan = packets_in_groups(index, wanted)
        found = pyav_reader.read_plan(path, plan, index.size, _nothing)
        assert sorted(found) == wanted


def corrupt(source: Path, target: Path, index: PacketIndex, start: int, stop: int) -> Path:
    """A copy of an intra-coded or H.264 MP4 file whose packets [start, stop) are overwritten.

    The media data of our clips are one run of packets; their sizes come from ffprobe.
    """
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-of", "csv=p=0"]
    answer = subprocess.run(
        [*command, "-show_entries", "packet=pos,size", str(source)],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    places = sorted(
        (int(position), int(size))
        for size, position in (line.split(",")[:2] for line in answer.split())
    )
    content = bytearray(source.read_bytes())
    for position, size in places[start:stop]:
        content[position + 4 : position + size] = b"\xff" * (size - 4)
    target.write_bytes(content)
    assert len(places) == index.pts.size
    return target


def test_damage_is_counted_and_stays_in_its_group(
    clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    source = clip_file("h264_no_b.mp4")
    index = pyav_reader.read_packet_index(source)
    keys = np.flatnonzero(index.is_key)
    hit = int(keys[1]) + 5
    path = corrupt(source, tmp_path / "corrupt.mp4", index, hit, hit + 2)
    index = pyav_reader.read_packet_index(path)
    with pytest.raises(MediaError) as raised:
        pyav_reader.read(path, index, index.shown_pts.tolist(), index.size, _nothing)
    missing = int(keys[2]) - hit
    assert (raised.value.reason, raised.value.detail) == (
        "damaged",
        f"{missing} of 90 frames missing",
    )
    whole = [*range(hit), *range(int(keys[2]), 90)]
    wanted = index.shown_pts[whole].tolist()
    found = pyav_reader.read(path, index, wanted, index.size, number_of)
    assert [found[pts] for pts in wanted] == whole


def test_what_was_fed_once_is_not_decoded_again(
    clip_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = clip_file("mjpeg.avi")
    index = pyav_reader.read_packet_index(source)
    path = corrupt(source, tmp_path / "corrupt.avi", index, 5, 6)
    plans = list[PacketPlan]()

    def read_plan(
        file: Path, plan: PacketPlan, *rest: Any, read: Any = pyav_reader.read_plan
    ) -> Any:
        plans.append(plan)
        return read(file, plan, *rest)

    monkeypatch.setattr(pyav_reader, "read_plan", read_plan)
    for wanted, passes in ((index.shown_pts, 1), (index.shown_pts[5:6], 2)):
        plans.clear()
        with pytest.raises(MediaError) as raised:
            pyav_reader.read(path, index, wanted.tolist(), index.size, _nothing)
        detail = f"1 of {wanted.size} frames missing"
        assert (raised.value.reason, raised.value.detail) == ("damaged", detail)
        # Of the one frame, only its own packet was fed: with those before it, it may decode.
        assert len(plans) == passes


def test_a_file_that_ends_within_a_packet_is_damaged(
    clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = tmp_path / "cut_off.mp4"
    ffmpeg("-i", str(clip_file("h264.mp4")), "-c", "copy", "-movflags", "+faststart", str(path))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(MediaError, match="ends within packet"):
        pyav_reader.read_packet_index(path)


def test_a_stream_announced_on_the_way_ends_nothing(
    clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """Sound that starts after the part that is looked at on opening."""
    silent, loud, path = clip_file("h264.ts"), tmp_path / "loud.ts", tmp_path / "joined.ts"
    sound = ("-f", "lavfi", "-i", "sine=duration=3", "-map", "0:v", "-map", "1:a", "-c:a", "mp2")
    ffmpeg("-i", str(silent), *sound, "-c:v", "copy", str(loud))
    repeats = 6_000_000 // silent.stat().st_size + 1
    many = silent.read_bytes() * repeats
    path.write_bytes(many + loud.read_bytes() + many)
    assert pyav_reader.read_packet_index(path).pts.size == 90 * (2 * repeats + 1)
