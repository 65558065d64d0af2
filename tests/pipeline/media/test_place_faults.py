"""Faults of the place of a video are no verdicts on the video."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.media.base import Clip, FileFactsRequest, MediaError, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.media.kept_media import KeptMedia
from pipeline.store import object_store
from pipeline.store.location import Location
from tests.object_store import ObjectStore, clear_clients, serving
from tests.pipeline.media.faulty_disk import FaultyDisk

NO_RETRIES = {"retries": {"total_max_attempts": 1}}
Reading = Callable[[DecodeProcess, str], object]

READINGS: dict[str, Reading] = {
    "probe": lambda media, uri: media.probe(Clip(uri)),
    "header": lambda media, uri: media.header(Clip(uri)),
    "pyav": lambda media, uri: media.stills(Clip(uri), StillsRequest()),
    "decord": lambda media, uri: media.stills(Clip(uri), StillsRequest(reader="decord")),
    "facts": lambda media, uri: media.file_facts(uri, FileFactsRequest(content=True)),
}


@pytest.fixture
def media(tmp_path: Path) -> Iterator[DecodeProcess]:
    with DecodeProcess(tmp_path) as process:
        yield process


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> FaultyDisk:
    return FaultyDisk(tmp_path_factory.mktemp("disk"))


def error_of(media: DecodeProcess, uri: str, reading: Reading = READINGS["probe"]) -> MediaError:
    with pytest.raises(MediaError) as raised:
        reading(media, uri)
    return raised.value


def test_a_read_that_fails_is_a_fault_of_the_place(
    tmp_path: Path,
    clip_file: Callable[[str], Path],
    disk: FaultyDisk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(clip_file("h264.mp4").read_bytes())
    for name, value in disk.environment.items():
        monkeypatch.setenv(name, value)
    with DecodeProcess(tmp_path) as media:
        probed = media.probe(Clip("a.mp4"))
        os.utime(file)  # as it is, the last file would not be read again
        for number, from_byte in ((errno.ESTALE, 0), (errno.EIO, file.stat().st_size // 2)):
            disk.fail(file, number, from_byte)
            for name, reading in READINGS.items():
                error = error_of(media, "a.mp4", reading)
                assert error.reason == "unreadable", f"{name}: {error.reason}: {error}"
                assert error.detail == f"{file}: {os.strerror(number)}"
        disk.heal()
        assert media.probe(Clip("a.mp4")) == probed


def test_a_name_that_no_file_has_is_refused(media: DecodeProcess, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    (tmp_path / "gone.mp4").symlink_to("not downloaded")
    for name in ("file/a.mp4", "no/such.mp4", f"{'long' * 100}.mp4", "gone.mp4", "."):
        assert error_of(media, name).reason == "missing_file", name


def test_a_pipe_that_nobody_writes_to_is_no_video(media: DecodeProcess, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError) as raised:
        media.probe(Clip("pipe.mp4"))
    assert raised.value.reason == "missing_file"


def test_a_place_that_goes_in_circles_is_at_fault(media: DecodeProcess, tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    for name in ("round", "round/a.mp4"):
        error = error_of(media, name)
        assert error.reason == "unreadable"
        assert error.detail == f"{tmp_path}/{name}: {os.strerror(errno.ELOOP)}"


def test_bytes_that_can_be_read_and_are_no_video_are_a_verdict(
    media: DecodeProcess, tmp_path: Path
) -> None:
    (tmp_path / "a.mp4").write_bytes(bytes(10_000))
    assert error_of(media, "a.mp4").reason == "not_a_video"
    assert error_of(media, "a.mp4", READINGS["pyav"]).reason == "not_a_video"


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with serving() as running:
        yield running


def test_what_a_store_refuses_or_cannot_be_asked_is_no_verdict(
    media: DecodeProcess,
    store: ObjectStore,
    clip_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_store, "_OPTIONS", {"s3": {"config_kwargs": NO_RETRIES}})
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    clear_clients()
    uri = store.url("a.mp4")
    Location(uri).write_bytes(clip_file("h264.mp4").read_bytes())
    probed = media.probe(Clip(uri))
    assert error_of(media, store.url("b.mp4")).reason == "missing_file"
    assert error_of(media, "s3://no-such-bucket-here/b.mp4").reason == "missing_file"

    for status, reason in (("403 Forbidden", "AccessDenied"), ("500 Oops", "InternalError")):
        store.refusal = (status, reason)
        error = error_of(media, uri)
        assert error.reason == "unreadable" and error.detail.startswith(f"{uri}: "), error
    store.refusal = None
    assert media.probe(Clip(uri)) == probed

    for names in (
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"},
        {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"},
    ):
        with monkeypatch.context() as patch:
            for name, value in names.items():
                patch.setenv(name, value)
            clear_clients()
            error = error_of(media, uri)
            assert error.reason == "unreadable" and error.detail.startswith(f"{uri}: "), error
        clear_clients()


def test_a_video_of_an_unfinished_shard_is_read_once(
    tmp_path: Path, clip_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.mp4").symlink_to(clip_file("h264.mp4"))
    (tmp_path / "b.mp4").write_bytes(b"no video")
    kept, request = Location.of(tmp_path / "reads-1.bin"), StillsRequest()
    with DecodeProcess(tmp_path) as media:
        first = KeptMedia(media, kept)
        stills = first.stills(Clip("a.mp4"), request)
        for name, reason in (("b.mp4", "not_a_video"), ("away.mp4", "missing_file")):
            with pytest.raises(MediaError) as raised:
                first.probe(Clip(name))
            assert raised.value.reason == reason
        first.keep()
        (tmp_path / "a.mp4").unlink()
        (tmp_path / "b.mp4").unlink()

        second = KeptMedia(media, kept)
        assert second.stills(Clip("a.mp4"), request) == stills
        with pytest.raises(MediaError) as raised:
            second.probe(Clip("b.mp4"))
        assert raised.value.reason == "not_a_video"
        (tmp_path / "away.mp4").symlink_to(clip_file("h264.mp4"))
        assert second.probe(Clip("away.mp4")).codec == "h264"
        with pytest.raises(MediaError):
            second.stills(Clip("a.mp4"), StillsRequest(turns_per_s=2))
        second.forget()
        assert not kept.exists()
        Path(kept).write_bytes(b"\0" * 7)
        assert KeptMedia(media, kept).probe(Clip("away.mp4")).codec == "h264", "it was torn"
