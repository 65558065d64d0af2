from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

import pytest

from pipeline.media import decode
from pipeline.media.base import Clip, Limits, Media, MediaError, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.media.files import video_file
from pipeline.media.protocol import (
    LENGTH,
    STARTED,
    Request,
    body_length,
    packed_request,
    unpacked_reply,
)
from pipeline.media.reader import frames
from pipeline.media.reader import probe as probing
from pipeline.store.location import Location
from tests.pipeline.media.barcode_clips import ffmpeg
from tests.pipeline.media.child_processes import HANG_S, wait_for_end

CHECKOUT = Path(__file__).resolve().parents[3]
REQUEST = StillsRequest(turns_per_s=2.0)


@pytest.fixture
def media(tmp_path: Path) -> Iterator[DecodeProcess]:
    with DecodeProcess(tmp_path) as process:
        yield process


def child_of(media: DecodeProcess) -> int:
    assert media._child is not None
    return media._child.pid


def test_the_child_gives_what_the_functions_give(
    media: Media, clip_file: Callable[[str], Path]
) -> None:
    clip = Clip(str(clip_file("h264.mp4")), 0.5, 2.6)
    assert media.probe(clip) == probing.probe(clip)
    assert list(media.stills(clip, REQUEST)) == frames.stills(clip, REQUEST)


def test_one_child_serves_one_video_after_the_other(
    media: DecodeProcess, clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    clip = Clip(str(clip_file("h264.mp4")))
    media.probe(clip)
    first = child_of(media)
    with pytest.raises(MediaError) as raised:
        media.stills(Clip("absent.mp4"), REQUEST)
    assert raised.value.reason == "missing_file"
    media.stills(clip, REQUEST)
    assert child_of(media) == first
    media.close()
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    media.stills(clip, REQUEST)
    assert child_of(media) != first


def test_paths_are_found_from_the_root(tmp_path: Path) -> None:
    root, store = Location.of(tmp_path), Location("s3://bucket/videos")
    assert video_file("a/b c.mp4", root).path == tmp_path / "a/b c.mp4"
    assert video_file("~a.mp4", root).path == tmp_path / "~a.mp4"
    assert video_file("a/b.mp4", store) == Location("s3://bucket/videos/a/b.mp4")
    for each in (root, store):
        assert video_file("/a/b.mp4", each).path == Path("/a/b.mp4")
        assert video_file("file:///a/b%20c.mp4", each).path == Path("/a/b c.mp4")
        assert video_file("gs://other/b.mp4", each) == Location("gs://other/b.mp4")
    with pytest.raises(MediaError) as raised:
        video_file("https://example.org/a.mp4", root)
    assert raised.value.reason == "unsupported"


def test_relative_paths_are_read(
    media: DecodeProcess, clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "one.mp4").symlink_to(clip_file("h264.mp4"))
    assert media.probe(Clip("one.mp4")).codec == "h264"


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_crash_is_lost_with_its_video_alone_and_tried_once_more(
    media: DecodeProcess,
    clip_file: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    deaths: int,
) -> None:
    clip = Clip(str(clip_file("h264.mp4")))
    before = media.stills(clip, REQUEST)
    stopped: SimpleQueue[int] = SimpleQueue()
    running, to_stop = media._running, iter(range(deaths))

    def stop() -> subprocess.Popen[bytes]:
        child = running()
        if next(to_stop, None) is not None:
            os.kill(child.pid, signal.SIGSTOP)
            stopped.put(child.pid)
        return child

    monkeypatch.setattr(media, "_running", stop)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(media.stills, clip, REQUEST)
        for _ in range(deaths):
            child = stopped.get(timeout=HANG_S)
            os.kill(child, signal.SIGABRT)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGCONT)
        if deaths == 1:
            assert reading.result(timeout=HANG_S) == before
        else:
            with pytest.raises(MediaError, match="SIGABRT") as raised:
                reading.result(timeout=HANG_S)
            assert raised.value.reason == "decode_crash"
    assert media.stills(clip, REQUEST) == before


def test_a_child_that_died_between_videos_is_replaced(
    media: DecodeProcess, clip_file: Callable[[str], Path]
) -> None:
    clip = Clip(str(clip_file("h264.mp4")))
    media.probe(clip)
    assert media._child is not None
    os.kill(child_of(media), signal.SIGKILL)
    media._child.wait()
    assert media.stills(clip, REQUEST)


def test_a_stopped_decoder_is_killed_and_another_reads_the_video(
    media: DecodeProcess, clip_file: Callable[[str], Path]
) -> None:
    clip = Clip(str(clip_file("h264.mp4")))
    before = media.stills(clip, REQUEST)
    stopped = child_of(media)
    os.kill(stopped, signal.SIGSTOP)
    assert media.stills(clip, REQUEST, Limits(timeout_s=5)) == before
    assert child_of(media) != stopped
    with pytest.raises(ProcessLookupError):
        os.kill(stopped, 0)


def test_decoders_that_are_stopped_again_and_again_are_no_verdict_on_the_video(
    media: DecodeProcess, clip_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(str(clip_file("h264.mp4")))
    running = media._running

    def stop() -> subprocess.Popen[bytes]:
        child = running()
        os.kill(child.pid, signal.SIGSTOP)
        return child

    with monkeypatch.context() as patch:
        patch.setattr(media, "_running", stop)
        with pytest.raises(MediaError, match=r"h264.mp4: .* waited, or was stopped") as raised:
            media.stills(clip, REQUEST, Limits(timeout_s=0.3))
    assert raised.value.reason == "unreadable" and raised.value.passing
    assert media.stills(clip, REQUEST)


def test_a_decoder_that_works_until_its_time_is_over_is_a_verdict(
    media: DecodeProcess, clip_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "from pipeline.media.reader import decode_worker\n"
        "def answer(request):\n"
        "    while True: pass\n"
        "decode_worker.answer = answer\n"
        "decode_worker.main()\n"
    )
    monkeypatch.setattr(decode, "_PROGRAM", ["-c", program])
    with pytest.raises(MediaError) as raised:
        media.stills(Clip(str(clip_file("h264.mp4"))), REQUEST, Limits(timeout_s=0.5))
    assert raised.value.reason == "decode_timeout"


def test_threads_take_turns(media: DecodeProcess, clip_file: Callable[[str], Path]) -> None:
    clips = [Clip(str(clip_file("h264.mp4")), start / 10) for start in range(12)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda clip: media.stills(clip, REQUEST), clips))
    assert together == [frames.stills(clip, REQUEST) for clip in clips]


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
def test_the_child_ends_when_its_parent_is_killed(clip_file: Callable[[str], Path]) -> None:
    program = (
        "import sys, os, signal, pathlib\n"
        "from pipeline.media.base import Clip\n"
        "from pipeline.media.decode import DecodeProcess\n"
        "media = DecodeProcess(pathlib.Path('.'))\n"
        "media.probe(Clip(sys.argv[1]))\n"
        "print(media._child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, str(clip_file("h264.mp4"))]
    done = subprocess.run(command, cwd=CHECKOUT, stdout=subprocess.PIPE, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_for_end(int(done.stdout))


def test_what_libraries_print_does_not_reach_the_pipe() -> None:
    program = (
        "import os\n"
        "from pipeline.media.reader import decode_worker\n"
        "from pipeline.media.base import MediaError\n"
        "def answer(request):\n"
        "    print('noise', flush=True)\n"
        "    os.system('echo noise; cat')\n"
        "    return MediaError('not_a_video', request.clip.uri)\n"
        "decode_worker.answer = answer\n"
        "decode_worker.main()\n"
    )
    requests = [Request(Clip(name), "probe", Limits()) for name in ("one", "two")]
    sent = b"".join(map(packed_request, requests))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, input=sent, capture_output=True, check=True
    )
    assert done.stdout[: len(STARTED)] == STARTED
    replies, values = done.stdout[len(STARTED) :], []
    while replies:
        end = LENGTH.size + body_length(replies[: LENGTH.size])
        values.append(unpacked_reply(replies[LENGTH.size : end]))
        replies = replies[end:]
    assert [getattr(value, "detail", None) for value in values] == ["one", "two"]
    assert done.stderr.count(b"noise") == 4


def test_damage_is_reported(media: DecodeProcess, tmp_path: Path) -> None:
    whole = tmp_path / "whole.avi"
    source = "testsrc2=size=160x120:rate=10:duration=2"
    ffmpeg("-f", "lavfi", "-i", source, "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", str(whole))
    content = bytearray(whole.read_bytes())
    start = content.index(b"movi") + 4
    for _ in range(11):
        start = content.index(b"00dc", start) + 8
    content[start : start + 1500] = bytes(1500)
    (tmp_path / "hit.avi").write_bytes(content)
    assert media.probe(Clip("hit.avi")).duration_s == pytest.approx(2.0)
    with pytest.raises(MediaError) as raised:
        media.stills(Clip("hit.avi"), StillsRequest(turns_per_s=1.0))
    assert (raised.value.reason, raised.value.detail) == ("damaged", "1 of 2 frames missing")


def test_a_decoder_that_does_not_start_is_no_fault_of_the_video(
    clip_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = Clip(str(clip_file("h264.mp4")))
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/__init__.py").touch()
    monkeypatch.setattr(decode, "_CHECKOUT", tmp_path)  # as if the rest of the sources had gone
    with DecodeProcess(tmp_path) as media:
        with pytest.raises(ChildProcessError, match=r"does not start: .* status 1"):
            media.probe(clip)
        monkeypatch.undo()
        assert media.probe(clip).duration_s > 0


def test_a_decoder_that_is_killed_while_it_starts_is_replaced(
    clip_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import os, pathlib\n"
        "from pipeline.media.reader import decode_worker\n"
        f"killed = pathlib.Path({str(tmp_path)!r}, 'killed')\n"
        "if not killed.exists():\n"
        "    killed.touch()\n"
        "    os.kill(os.getpid(), 9)\n"
        "decode_worker.main()\n"
    )
    monkeypatch.setattr(decode, "_PROGRAM", ["-c", program])
    with DecodeProcess(tmp_path) as media:
        assert media.probe(Clip(str(clip_file("h264.mp4")))).duration_s > 0
    assert (tmp_path / "killed").exists()
