from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.media.base import Clip, MediaError, StillsRequest
from pipeline.media.reader import last_file, pyav_reader
from pipeline.media.reader.frames import stills
from pipeline.media.reader.last_file import file_sha256
from pipeline.media.reader.probe import probe
from tests.pipeline.media.barcode_clips import HEIGHT, RECIPES, WIDTH, ffmpeg
from tests.pipeline.media.ffprobe import stream_facts


@pytest.mark.parametrize(
    "name",
    [
        *("h264.mp4", "h264_90.mp4", "h264_180.mp4", "h264_270_mirrored.mp4"),
        *("h264.ts", "vp9.webm", "mpeg4_b.avi", "mpeg4_packed.avi"),
    ],
)
def test_probe_agrees_with_ffprobe(name: str, clip_file: Callable[[str], Path]) -> None:
    path = clip_file(name)
    found, index = probe(Clip(str(path))), pyav_reader.read_packet_index(path)
    codec, stored, rotation_deg = stream_facts(path)
    assert (codec, stored) == (found.codec, (WIDTH, HEIGHT))
    # Of a mirrored picture ffprobe gives the angle alone, and not how it is mirrored.
    assert rotation_deg == found.rotation_deg or index.orientation.is_mirrored
    assert (found.width, found.height) == index.size
    assert (found.rotation_deg, found.codec) == (index.orientation.rotation_deg, index.codec)
    assert found.rotation_deg == RECIPES[name].rotation_deg
    assert found.duration_s == pytest.approx(3.0, abs=0.001)
    assert found.frame_rate == pytest.approx(30, abs=0.02)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_duration_is_that_of_the_frames(
    clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    """Neither a longer sound track, an offset, an edit list nor a missing duration changes it."""
    for name, duration_s in {"h264_late.mp4": 3, "h264_offset.mkv": 3, "h264_cut.mp4": 1.6}.items():
        assert probe(Clip(str(clip_file(name)))).duration_s == pytest.approx(duration_s, abs=0.001)
    live = tmp_path / "live.mkv"
    ffmpeg("-i", str(clip_file("h264.mp4")), "-c", "copy", "-live", "1", str(live))
    assert probe(Clip(str(live))).duration_s == pytest.approx(3, abs=0.001)


def test_the_frame_rate_of_a_clip_is_that_of_its_file(clip_file: Callable[[str], Path]) -> None:
    path = str(clip_file("h264.mp4"))
    assert probe(Clip(path, 1.0, 1.01)).frame_rate == pytest.approx(30)


def test_pixels_that_are_not_square_are_shown_square(tmp_path: Path) -> None:
    path = tmp_path / "anamorphic.mp4"
    source = "testsrc=size=320x180:rate=10:duration=0.5,setsar=4/3"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mpeg4", str(path))
    found = probe(Clip(str(path)))
    assert (found.width, found.height) == (427, 180) == pyav_reader.read_packet_index(path).size


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path, cover = tmp_path / "song.mp3", tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "color=size=32x32", "-frames:v", "1", str(cover))
    sound = ("-f", "lavfi", "-i", "sine=duration=0.5", "-i", str(cover), "-map", "0", "-map", "1")
    ffmpeg(*sound, "-c:a", "libmp3lame", "-disposition:v", "attached_pic", str(path))
    with pytest.raises(MediaError) as raised:
        probe(Clip(str(path)))
    assert raised.value.reason == "no_video_stream"


def test_the_reason_of_a_file_that_is_no_video(
    tmp_path: Path, clip_file: Callable[[str], Path]
) -> None:
    empty, text, sound = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "sound.wav"
    empty.touch()
    text.write_text("not a video\n" * 50)
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", str(sound))
    expected = {
        Clip(str(tmp_path / "absent.mp4")): "missing_file",
        Clip(str(tmp_path)): "missing_file",
        Clip(str(tmp_path / f"{'x' * 300}.mp4")): "missing_file",
        Clip(str(empty)): "empty_file",
        Clip(str(text)): "not_a_video",
        Clip(str(sound)): "no_video_stream",
        Clip(str(clip_file("h264.mp4")), clip_start_s=3.0): "clip_outside",
    }
    for clip, reason in expected.items():
        with pytest.raises(MediaError) as raised:
            probe(clip)
        assert raised.value.reason == reason, clip


def test_the_digest_reads_files_of_any_size(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    for n_bytes in (0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1):
        path.write_bytes(bytes(n_bytes))
        assert file_sha256(path) == hashlib.sha256(bytes(n_bytes)).hexdigest()


def test_clips_of_a_file_share_one_scan_and_one_digest(
    clip_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(module: ModuleType, name: str) -> None:
        real = getattr(module, name)

        def call(*arguments: Any) -> Any:
            read.append(name)
            return real(*arguments)

        monkeypatch.setattr(module, name, call)

    noted(pyav_reader, "read_packet_index")
    noted(last_file, "chunks")
    path = tmp_path / "film.mp4"
    path.write_bytes(clip_file("h264.mp4").read_bytes())
    clips = [probe(Clip(str(path), start_s, start_s + 1)) for start_s in (0.0, 1.0, 2.0)]
    stills(Clip(str(path), 1.0, 2.0), StillsRequest())
    assert read == ["read_packet_index", "chunks"]
    assert {clip.sha256 for clip in clips} == {hashlib.sha256(path.read_bytes()).hexdigest()}
    path.write_bytes(clip_file("vp9.mp4").read_bytes())
    assert probe(Clip(str(path))).codec == "vp9"
    assert read == ["read_packet_index", "chunks"] * 2
