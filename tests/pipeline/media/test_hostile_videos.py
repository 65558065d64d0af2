"""Each kind of hostile video: a named reject or a right answer, and its neighbour is read."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.media.base import DEFAULT_LIMITS, Clip, Limits, Media, MediaError, StillsRequest
from pipeline.media.decode import DecodeProcess
from tests.pipeline.media import hostile_videos
from tests.pipeline.media.barcode_clips import ffmpeg
from tests.pipeline.media.child_processes import HANG_S
from tests.pipeline.media.hostile_videos import PLAYLISTS, copied, grey_png, pictures, plain

REQUEST = StillsRequest(turns_per_s=1.0)
LIMITS = replace(DEFAULT_LIMITS, timeout_s=HANG_S)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    plain(folder / "plain.mp4")
    return folder


@pytest.fixture(scope="module")
def media(folder: Path) -> Iterator[DecodeProcess]:
    with DecodeProcess(folder) as process:
        yield process


@pytest.fixture(autouse=True)
def neighbour(media: Media) -> Iterator[None]:
    """Whatever a test does to the decoder, the next video is read."""
    yield
    assert media.probe(Clip("plain.mp4"), LIMITS).duration_s == pytest.approx(3.0)


def reasons(media: Media, path: Path, limits: Limits = LIMITS) -> tuple[str, str]:
    """Why a probe and stills of a file are refused; ``read`` where they are not."""
    found = []
    for read in (
        lambda: media.probe(Clip(path.name), limits),
        lambda: media.stills(Clip(path.name), REQUEST, limits),
    ):
        try:
            read()
            found.append("read")
        except MediaError as error:
            found.append(error.reason)
    return found[0], found[1]


def times_s(media: Media, path: Path) -> list[float]:
    return [still.frame_s for still in media.stills(Clip(path.name), REQUEST, LIMITS)]


@pytest.mark.parametrize("name", ["no_bytes.mp4", "no_bytes.webm"])
def test_empty(media: Media, folder: Path, name: str) -> None:
    (folder / name).touch()
    assert reasons(media, folder / name) == ("empty_file", "empty_file")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated(media: Media, folder: Path, share: float) -> None:
    for made in (folder / "plain.mp4", copied(folder / "plain.mp4", folder / "plain.mkv")):
        content = made.read_bytes()
        cut = folder / f"cut{made.suffix}"
        cut.write_bytes(content[: int(len(content) * share)])
        known = {"not_a_video", "damaged", "no_frames"}
        assert set(reasons(media, cut)) <= known | ({"read"} if made.suffix == ".mkv" else set())


def test_encrypted(media: Media, folder: Path) -> None:
    path = hostile_videos.encrypted(folder / "plain.mp4", folder / "cenc.mp4")
    assert reasons(media, path) == ("encrypted", "encrypted")


def test_absurdly_long_by_its_header(media: Media, folder: Path) -> None:
    """The duration is that of the frames, not of a header."""
    path = folder / "long.mp4"
    hostile_videos.with_durations(folder / "plain.mp4", path, hostile_videos.LONGEST)
    assert media.header(Clip(path.name), LIMITS).frames > 0
    assert media.probe(Clip(path.name), LIMITS).duration_s == pytest.approx(3.0)
    assert times_s(media, path) == [0.0, 1.0, 2.0]


def test_a_frame_a_million_years_late(media: Media, folder: Path) -> None:
    late = ("-bsf:v", "setts=ts='if(gte(N,29),PTS+90000*1e9,PTS)'")
    path = copied(folder / "plain.mp4", folder / "late.mkv", *late)
    assert reasons(media, path) == ("unsupported", "unsupported")


def test_no_video_track(media: Media, folder: Path) -> None:
    path = folder / "sound.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", str(path))
    assert reasons(media, path) == ("no_video_stream", "no_video_stream")


def test_of_two_video_tracks_the_first_is_read(media: Media, folder: Path) -> None:
    other = plain(folder / "other.mp4", size="64x48")
    path, mapped = folder / "two.mp4", ("-map", "0", "-map", "1")
    ffmpeg("-i", str(folder / "plain.mp4"), "-i", str(other), *mapped, "-c", "copy", str(path))
    probe = media.probe(Clip(path.name), LIMITS)
    assert (probe.width, probe.height) == (160, 120)
    assert times_s(media, path) == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("suffix", ["mkv", "mov"])
def test_frames_of_one_pixel(media: Media, folder: Path, suffix: str) -> None:
    path = pictures(grey_png(1, 1), folder / f"pixel.{suffix}")
    probe = media.probe(Clip(path.name), LIMITS)
    assert (probe.width, probe.height) == (1, 1)
    assert times_s(media, path) == [0.0, 1.0, 2.0]


def test_frames_of_16k_and_a_bomb_of_them(media: Media, folder: Path) -> None:
    """A few bytes a row of 16,000 pixels: 3 MB that decode to 768 million."""
    path = pictures(grey_png(16_000, 16_000), folder / "bomb.mov")
    assert path.stat().st_size < 4 << 20
    assert reasons(media, path) == ("too_many_pixels", "too_many_pixels")


def test_frames_of_8k_are_film(media: Media, folder: Path) -> None:
    path = pictures(grey_png(7680, 4320), folder / "film.mov", count=1)
    probe = media.probe(Clip(path.name), LIMITS)
    assert (probe.width, probe.height) == (7680, 4320)
    (still,) = media.stills(Clip(path.name), REQUEST, LIMITS)
    assert still.frame_s == 0


@pytest.mark.parametrize("memory_mib", [8, 40, 80])
def test_what_needs_more_memory_than_it_may(media: Media, folder: Path, memory_mib: int) -> None:
    """Whichever runs out first: the decoder, the threads that scale, or Python."""
    path = folder / "memory.mov"
    if not path.exists():
        pictures(grey_png(7680, 4320), path, count=2)
        assert reasons(media, path) == ("read", "read")
    little = replace(LIMITS, memory_bytes=memory_mib << 20)
    assert reasons(media, path, little)[1] == "out_of_memory"


def test_thousands_of_frames_a_second(media: Media, folder: Path) -> None:
    path = plain(folder / "fast.mp4", rate=2000, size="64x48")
    probe = media.probe(Clip(path.name), LIMITS)
    assert [probe.frame_rate, probe.duration_s] == pytest.approx([2000, 3])
    assert times_s(media, path) == [0.0, 1.0, 2.0]
    fewer = replace(LIMITS, max_frames=5999)
    assert reasons(media, path, fewer) == ("too_many_frames", "too_many_frames")
    assert reasons(media, path, replace(LIMITS, max_frames=6000)) == ("read", "read")


def test_a_file_larger_than_it_may_be(media: Media, folder: Path) -> None:
    path = folder / "plain.mp4"
    n_bytes = path.stat().st_size
    less = replace(LIMITS, max_file_bytes=n_bytes - 1)
    assert reasons(media, path, less) == ("too_large", "too_large")
    assert reasons(media, path, replace(LIMITS, max_file_bytes=n_bytes)) == ("read", "read")


def test_negative_timestamps(media: Media, folder: Path) -> None:
    """Time zero is the first frame that is shown; what MP4 has before zero, it does not show."""
    options = ("-avoid_negative_ts", "disabled", "-output_ts_offset", "-1.5", "-muxdelay", "0")
    for suffix, duration_s, shown in (("ts", 3.0, [0.0, 1.0, 2.0]), ("mp4", 1.5, [0.0, 1.0])):
        path = copied(folder / "plain.mp4", folder / f"negative.{suffix}", *options)
        assert media.probe(Clip(path.name), LIMITS).duration_s == pytest.approx(duration_s)
        assert times_s(media, path) == shown


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """A server on this machine; ``accept`` does not wait."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0)
        yield listening


@pytest.mark.parametrize("kind", sorted(PLAYLISTS))
@pytest.mark.parametrize("where", ["beside", "absolute", "address"])
def test_a_file_opens_no_other(
    media: Media, folder: Path, server: socket.socket, kind: str, where: str
) -> None:
    port = server.getsockname()[1]
    target = {
        "beside": "plain.mp4",
        "absolute": str(folder / "plain.mp4"),
        "address": f"http://127.0.0.1:{port}/plain.mp4",
    }[where]
    for suffix in ("mp4", "m3u8", "ffconcat"):
        path = folder / f"{kind}_{where}.{suffix}"
        path.write_text(PLAYLISTS[kind].format(target=target, port=port))
        probe, stills = reasons(media, path)
        # Which of them an FFmpeg knows, and by which suffix, depends on its build.
        assert probe == "unsupported_container" or (kind != "concat" and probe == "not_a_video")
        assert stills == probe
        with pytest.raises(MediaError):
            media.header(Clip(path.name), LIMITS)
    with pytest.raises(BlockingIOError):
        server.accept()


def test_the_playlist_would_have_been_read(folder: Path) -> None:
    """Without the list of containers FFmpeg follows it: the tests above test something."""
    path = folder / "followed.mp4"
    path.write_text(PLAYLISTS["concat"].format(target="plain.mp4"))
    ffmpeg("-i", str(path), "-f", "null", "-")


def test_a_name_is_no_pattern(media: Media, folder: Path) -> None:
    (folder / "still01.png").write_bytes(grey_png(64, 48))
    path = folder / "still%02d.png"
    path.write_bytes(b"\0" * 64)
    assert set(reasons(media, path)) <= {"unsupported_container", "not_a_video"}
