"""The ``Media`` of files. A child process decodes, so that no file can harm the caller."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TypeVar

from pipeline.media.base import (
    DEFAULT_LIMITS,
    Clip,
    FileFacts,
    FileFactsRequest,
    Header,
    Limits,
    MediaError,
    Probe,
    Still,
    StillsRequest,
)
from pipeline.media.files import on_this_machine, video_file
from pipeline.media.protocol import (
    LENGTH,
    Reply,
    Request,
    body_length,
    packed_request,
    unpacked_reply,
)
from pipeline.store.location import Location
from pipeline.store.process import stat_fields

R = TypeVar("R")

_START_S = 120.0
_LEAST_WORK = 0.1
"""Share of its time that a decoder works which is not kept from it: much less than one does that
reads from a slow disk, or shares a CPU with many."""
_TICKS = slice(11, 13)
"""Behind the name in ``/proc/PID/stat``: time in user and system mode."""

_PROGRAM = ("-m", "pipeline.media.reader.decode_worker")
_CHECKOUT = Path(__file__).resolve().parents[2]
_RETURN_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 20)}
"""For the C library of the child: large blocks go back when they are freed. What it kept of one
video would be memory that the next could have beyond its limit."""


class DecodeProcess:
    """The ``Media`` of files. Safe to use from several threads, which take turns.

    A relative ``uri`` is resolved against ``root``. A file in an object store is copied to this
    machine while it is read. The child starts with the first request, reads one video after the
    other, and is replaced after a crash or a timeout. It ends with its parent.
    """

    def __init__(self, root: Path | Location) -> None:
        """Does not start the child yet."""
        self._root = Location.of(root) if isinstance(root, Path) else root
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def probe(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
        """As ``Media.probe``."""
        return self._call(Request(clip, "probe", limits), Probe)

    def header(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
        """As ``Media.header``."""
        return self._call(Request(clip, "header", limits), Header)

    def stills(
        self, clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[Still]:
        """As ``Media.stills``."""
        return self._call(Request(clip, request, limits), list)

    def file_facts(
        self, uri: str, request: FileFactsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> FileFacts:
        """The requested facts of a whole file.

        Raises:
            MediaError: a requested fact cannot be read, or the file exceeds a limit.
        """
        return self._call(Request(Clip(uri), request, limits), FileFacts)

    def close(self) -> None:
        """Ends the child. A later request starts another."""
        with self._lock:
            self._stop()

    def __enter__(self) -> DecodeProcess:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes."""
        self.close()

    def _call(self, request: Request, kind: type[R]) -> R:
        """The reply, of that kind. Retries a crash once, and what could not be read: neither need
        be for this video."""
        file = video_file(request.clip.uri, self._root)
        with on_this_machine(request.clip.uri, self._root, request.limits) as uri:
            local = replace(request, clip=replace(request.clip, uri=uri))
            try:
                return self._call_once(local, kind)
            except MediaError as error:
                if error.reason not in ("decode_crash", "unreadable"):
                    raise
            try:
                return self._call_once(local, kind)
            except MediaError as error:
                if error.reason != "unreadable" or file.path is not None:
                    raise
                detail = error.detail.replace(uri, f"the copy of {file}", 1)
                raise MediaError("unreadable", detail) from error

    def _call_once(self, request: Request, kind: type[R]) -> R:
        with self._lock:
            child = self._running()
            usable = False
            before_s = _worked_s(Path(f"/proc/{child.pid}/stat"))
            try:
                reply = _exchange(child, request)
                # After running out of memory, a process may not get all of it back.
                usable = not isinstance(reply, MediaError) or reply.reason != "out_of_memory"
            except TimeoutError:
                worked_s = _worked_s(Path(f"/proc/{child.pid}/stat")) - before_s
                raise _timeout_error(request, worked_s) from None
            except (EOFError, BrokenPipeError):
                raise _exit_error(child) from None
            except ValueError as error:
                raise MediaError("decode_crash", str(error)) from None
            finally:
                if not usable:
                    self._stop()
        if isinstance(reply, MediaError):
            raise reply
        if not isinstance(reply, kind):
            raise MediaError("decode_crash", f"the decoder answered with a {type(reply).__name__}")
        return reply

    def _running(self) -> subprocess.Popen[bytes]:
        """The child. Raises ChildProcessError when it does not start: no video is the cause."""
        if self._child is not None and self._child.poll() is None:
            return self._child
        try:
            return self._start()
        except ChildProcessError:  # that one was killed says nothing of the next
            return self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self._stop()
        self._child = child = subprocess.Popen(
            [sys.executable, *_PROGRAM],
            cwd=_CHECKOUT,
            env={**os.environ, **_RETURN_MEMORY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        try:
            _receive(child, _START_S, 0)
        except (EOFError, TimeoutError, ValueError):
            cause = _exit_error(child).detail
            self._stop()
            raise ChildProcessError(f"the decoder does not start: {cause}") from None
        return child

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


_MEASURABLE_S = 0.1
"""CPU time comes in hundredths of a second: of a shorter limit it says nothing."""


def _timeout_error(request: Request, worked_s: float) -> MediaError:
    """A decoder that worked has a video that takes long; one that waited, one that lies where
    reading takes long, or nobody let it work."""
    timeout_s = request.limits.timeout_s
    if timeout_s < _MEASURABLE_S or worked_s >= _LEAST_WORK * timeout_s:
        return MediaError("decode_timeout", f"not read within {timeout_s:g} s")
    detail = f"its decoder waited, or was stopped, for most of `timeout_s` ({timeout_s:g} s)"
    return MediaError("unreadable", f"{request.clip.uri}: {detail}")


def _worked_s(stat: Path) -> float:
    """CPU time of a process (``/proc/PID/stat``)."""
    ticks = 0
    with suppress(OSError):  # it has just ended
        ticks = sum(map(int, stat_fields(stat)[_TICKS]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _exchange(child: subprocess.Popen[bytes], request: Request) -> Reply:
    """The child's reply. Raises ValueError for any other message, else as ``_receive``."""
    assert child.stdin is not None
    child.stdin.write(packed_request(request))
    limits = request.limits
    return unpacked_reply(_receive(child, limits.timeout_s, limits.memory_bytes))


def _receive(child: subprocess.Popen[bytes], timeout_s: float, most_bytes: int) -> bytes:
    """The body of a message, at most so long, else ValueError. Raises as ``_read_exactly``."""
    assert child.stdout is not None
    deadline_s = monotonic() + timeout_s
    source = child.stdout.fileno()
    length = body_length(_read_exactly(source, LENGTH.size, deadline_s))
    if length > most_bytes:
        raise ValueError(f"the decoder announced {length} bytes, more than {most_bytes}")
    return _read_exactly(source, length, deadline_s)


def _read_exactly(source: int, n_bytes: int, deadline_s: float) -> bytes:
    """Raises TimeoutError when the deadline passes first, EOFError when the pipe is closed."""
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


def _exit_error(child: subprocess.Popen[bytes]) -> MediaError:
    """Why the child ended. It has closed its pipe, so it has ended or is about to."""
    try:
        code = child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        return MediaError("decode_crash", "the decoder closed its pipe")
    if code == -signal.SIGXCPU:
        return MediaError("decode_timeout", "the decoder exceeded its limit of CPU time")
    if code < 0:
        return MediaError("decode_crash", f"the decoder was ended by {signal.Signals(-code).name}")
    return MediaError("decode_crash", f"the decoder ended with status {code}")
