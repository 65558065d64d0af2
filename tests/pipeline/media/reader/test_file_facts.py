from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.base import Clip, FileFactsRequest, MediaError
from pipeline.media.decode import DecodeProcess
from pipeline.media.reader.file_facts import difference_hash
from pipeline.media.reader.packet_index import Image

Make = Callable[..., str]


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """``made(name, source, *options)``: a file that ffmpeg makes of a source of its own."""

    def make(name: str, source: str, *options: str) -> str:
        path = tmp_path / name
        command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *options, str(path)]
        subprocess.run(command, check=True)
        return str(path)

    return make


@pytest.fixture(scope="module")
def media() -> Iterator[DecodeProcess]:
    with DecodeProcess(Path("/")) as process:
        yield process


def test_a_length_is_that_of_the_packets(made: Make, media: DecodeProcess) -> None:
    path = made("a.mp4", "testsrc2=d=2.4:r=25:s=64x48")
    seen = media.file_facts(path, FileFactsRequest(length=True))
    assert seen.duration_s == media.probe(Clip(path)).duration_s == pytest.approx(2.4)
    assert (seen.sha256, seen.hashes) == ("", ())
    # Matroska states a length of the whole file, which is that of the sound here.
    sound = ["-f", "lavfi", "-i", "sine=d=5", "-map", "0:v", "-map", "1:a", "-c:a", "flac"]
    long = made("b.mkv", "testsrc2=d=2.4:r=25:s=64x48", *sound)
    seen = media.file_facts(long, FileFactsRequest(length=True))
    assert seen.duration_s == pytest.approx(2.4, abs=0.01)


def test_content_is_that_of_any_file(tmp_path: Path, media: DecodeProcess) -> None:
    path = tmp_path / "text.mp4"
    path.write_bytes(b"no video")
    seen = media.file_facts(str(path), FileFactsRequest(content=True))
    assert seen.sha256 == sha256(b"no video").hexdigest() and seen.duration_s is None
    for request in (FileFactsRequest(length=True), FileFactsRequest(frames=8)):
        with pytest.raises(MediaError) as caught:
            media.file_facts(str(path), request)
        assert caught.value.reason == "not_a_video"
    path.write_bytes(b"")
    with pytest.raises(MediaError) as caught:
        media.file_facts(str(path), FileFactsRequest(content=True))
    assert caught.value.reason == "empty_file"


def test_frames_of_a_copy_are_alike_and_black_ones_are_none(
    made: Make, media: DecodeProcess
) -> None:
    request = FileFactsRequest(frames=8)
    scene = "mandelbrot=s=320x240:r=25,trim=duration=4"
    original = media.file_facts(made("a.mp4", scene), request).hashes
    smaller = ["-vf", "scale=160:120", "-r", "12", "-c:v", "libvpx", "-b:v", "150k"]
    copy = media.file_facts(made("b.webm", scene, *smaller), request).hashes
    other = media.file_facts(made("c.mp4", "testsrc=d=4:s=320x240"), request).hashes
    assert len(original) == len(copy) == len(other) == 8
    assert None not in (*original, *copy, *other)
    pairs = list(zip(original, copy, other, strict=True))
    assert all(((a or 0) ^ (b or 0)).bit_count() <= 5 for a, b, _ in pairs)
    assert all(((a or 0) ^ (c or 0)).bit_count() > 10 for a, _, c in pairs)
    black = media.file_facts(made("d.mp4", "color=black:d=2:s=64x48"), request)
    assert black.hashes == (None,) * 8 and black.duration_s == pytest.approx(2)


def image(grey: np.ndarray) -> Image:
    return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)


def test_bits_are_set_where_a_picture_gets_brighter() -> None:
    ramp = np.tile(np.arange(0, 252, 28), (8, 1))
    assert difference_hash(image(ramp)) == 2**64 - 1
    assert difference_hash(image(ramp[:, ::-1])) == 0
    half = np.concatenate([ramp[:4], ramp[4:, ::-1]])
    assert difference_hash(image(half)) == (2**32 - 1) << 32


def test_noise_and_a_title_on_black_are_flat() -> None:
    random = np.random.default_rng(1)
    assert difference_hash(image(random.integers(100, 103, (120, 160)))) is None
    title = np.zeros((120, 160))
    title[50:60, 70:90] = 255
    assert difference_hash(image(title)) is None
