"""Media that survives its files: decoding happens in a child process that may be lost."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

from pipeline.location import Location
from pipeline.media.base import Clip, MediaError, Probe, Still, StillsRequest
from pipeline.media.files import on_this_machine, video_file
from pipeline.media.messages import LENGTH, body_length, packed, unpacked
from pipeline.media.reasons import DECODE_CRASH, DECODE_TIMEOUT

_START_S = 120.0

_CHECKOUT = Path(__file__).resolve().parents[2]


class DecodeProcess:
    """The ``Media`` of files. Safe to use from several threads, which take turns.

    A relative ``uri`` is resolved against ``root``. What lies in an object store is copied to this
    machine for as long as it is read. The child starts with the first request, serves
    one video after the other, and is replaced after a crash or a timeout. It ends with its parent.
    """

    def __init__(self, root: Path | Location, *, probe_timeout_s: float = 600.0) -> None:
        """Starts nothing yet; ``probe_timeout_s`` is wall clock for one probe."""
        self._root = Location.of(root) if isinstance(root, Path) else root
        self._probe_timeout_s = probe_timeout_s
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def probe(self, clip: Clip) -> Probe:
        """What the clip holds.

        Raises:
            MediaError: the clip holds no readable video, or reading took too long.
            FileNotFoundError: ffprobe is not installed, which is no fault of the video.
        """
        if shutil.which("ffprobe") is None:
            raise FileNotFoundError("ffprobe is not on PATH; it comes with ffmpeg")
        probed: Probe = self._ask(clip, None, self._probe_timeout_s)
        return probed

    def stills(self, clip: Clip, request: StillsRequest) -> Sequence[Still]:
        """One still a turn, in order of time.

        Raises:
            MediaError: the clip holds no readable video, or took longer than it may.
        """
        read: list[Still] = self._ask(clip, request, request.timeout_s)
        return read

    def close(self) -> None:
        """Ends the child. A later request starts another."""
        with self._lock:
            self._stop()

    def __enter__(self) -> DecodeProcess:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes."""
        self.close()

    def _ask(self, clip: Clip, request: StillsRequest | None, timeout_s: float) -> Any:
        file = video_file(clip.uri, self._root)
        with on_this_machine(file) as path, self._lock:
            local = replace(clip, uri=str(path))
            child = self._running()
            answered = False
            try:
                reply = _exchange(child, packed((local, request)), timeout_s)
                answered = True
            except TimeoutError:
                raise MediaError(DECODE_TIMEOUT, f"not read within {timeout_s} s") from None
            except (EOFError, BrokenPipeError):
                raise MediaError(DECODE_CRASH, _ending(child)) from None
            finally:
                if not answered:
                    self._stop()
        if isinstance(reply, MediaError):
            raise reply
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        """Raises ChildProcessError: it does not start, which is no fault of any video."""
        if self._child is None or self._child.poll() is not None:
            self._stop()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "pipeline.media.decode_worker"],
                cwd=_CHECKOUT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
            )
            try:
                _receive(self._child, _START_S)
            except (EOFError, TimeoutError):
                ending = _ending(self._child)
                self._stop()
                raise ChildProcessError(f"the decoder does not start: {ending}") from None
        return self._child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _exchange(child: subprocess.Popen[bytes], request: bytes, timeout_s: float) -> Any:
    assert child.stdin is not None
    child.stdin.write(request)
    return _receive(child, timeout_s)


def _receive(child: subprocess.Popen[bytes], timeout_s: float) -> Any:
    assert child.stdout is not None
    deadline_s = monotonic() + timeout_s
    source = child.stdout.fileno()
    length = body_length(_read_exactly(source, LENGTH.size, deadline_s))
    return unpacked(_read_exactly(source, length, deadline_s))


def _read_exactly(source: int, n_bytes: int, deadline_s: float) -> bytes:
    """Raises TimeoutError when the deadline passes first, EOFError when the other side ends."""
    received = bytearray()
    waiting = select.poll()
    waiting.register(source, select.POLLIN)
    while len(received) < n_bytes:
        left_s = deadline_s - monotonic()
        if left_s <= 0 or not waiting.poll(left_s * 1000):
            raise TimeoutError
        chunk = os.read(source, min(n_bytes - len(received), 1 << 20))
        if not chunk:
            raise EOFError
        received += chunk
    return bytes(received)


def _ending(child: subprocess.Popen[bytes]) -> str:
    """How the child ended: it has closed its pipe, so it is ending if it has not."""
    try:
        code = child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        return "the decoder closed its pipe"
    if code < 0:
        return f"the decoder was ended by {signal.Signals(-code).name}"
    return f"the decoder ended with status {code}"
