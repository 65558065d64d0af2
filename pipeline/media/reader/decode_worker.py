"""The process that opens and decodes files: reads a request, writes its reply, until stdin ends.

``pipeline.media.decode`` starts it with ``python -m``. It limits its memory to that of each
request. Its parent enforces the time limit; should the parent be gone, a
limit of twice as much CPU time does.
"""

from __future__ import annotations

import os
import resource
from contextlib import suppress
from math import ceil
from pathlib import Path
from time import process_time
from typing import BinaryIO

import cv2

from pipeline.media.base import FileFactsRequest, Limits, MediaError
from pipeline.media.files import unreadable
from pipeline.media.protocol import (
    LENGTH,
    STARTED,
    Reply,
    Request,
    body_length,
    packed_reply,
    unpacked_request,
)
from pipeline.media.reader.container import container_count
from pipeline.media.reader.file_facts import file_facts
from pipeline.media.reader.frames import stills
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.probe import probe
from pipeline.media.reader.pyav_file import FFmpegError
from pipeline.media.reader.slice import chunks
from pipeline.store.location import Location

_ABOUT_CONTENT = frozenset(
    {
        *("not_a_video", "no_video_stream", "no_frames", "damaged", "encrypted"),
        *("unsupported_codec", "unsupported_container", "unsupported"),
    }
)
"""Reasons that a fault of the place may look like: libraries see no bytes, and say no more."""


def answer(request: Request) -> Reply:
    """What the request asks for, or the error that reading it raised.

    A verdict on the content of a file is given of bytes that can be read: should any of them not,
    the place is at fault (``unreadable``).
    """
    try:
        return _answer(request)
    except MediaError as error:
        if error.reason not in _ABOUT_CONTENT:
            return error
        verdict: Exception = error
    except OSError as error:
        verdict = error
    try:
        for _ in chunks(existing_file(request.clip.uri, request.limits)):
            pass
    except MediaError as error:
        return error
    except OSError as error:
        return unreadable(Location(request.clip.uri), error)
    if isinstance(verdict, MediaError):
        return verdict
    if isinstance(verdict, FFmpegError):
        raise verdict
    return unreadable(Location(request.clip.uri), verdict)


def _answer(request: Request) -> Reply:
    if request.wanted == "probe":
        return probe(request.clip, request.limits)
    if request.wanted == "header":
        return container_count(request.clip, request.limits)
    if isinstance(request.wanted, FileFactsRequest):
        return file_facts(request.clip.uri, request.wanted, request.limits)
    return stills(request.clip, request.wanted, request.limits)


def packed_answer(request: Request) -> bytes:
    """The answer as a message; ``out_of_memory`` where making it takes too much."""
    try:
        return packed_reply(answer(request))
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
    detail = f"more than {request.limits.memory_bytes} bytes"
    return packed_reply(MediaError("out_of_memory", detail))


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until the pipe is closed."""
    at_start_bytes = _data_bytes()
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        request = unpacked_request(requests.read(body_length(head)))
        _set_limits(request.limits, at_start_bytes)
        replies.write(packed_answer(request))
        replies.flush()


def _set_limits(limits: Limits, at_start_bytes: int) -> None:
    """Limits memory and CPU time of this process from now on.

    ``RLIMIT_DATA`` counts writable memory. Libraries reserve some for the threads that they start,
    more with every core, hence ``at_start_bytes``.
    """
    _set_soft_limit(resource.RLIMIT_DATA, at_start_bytes + limits.memory_bytes)
    _set_soft_limit(resource.RLIMIT_CPU, ceil(process_time() + 2 * limits.timeout_s))


def _set_soft_limit(which: int, most: int) -> None:
    """The hard limit stays, so that the next request can have more."""
    _, hard = resource.getrlimit(which)
    within = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (within, hard))


def _data_bytes() -> int:
    """Writable memory of this process now: the sixth number of ``statm``, in pages."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    return pages * resource.getpagesize()


def main() -> None:
    """Serves on what were stdin and stdout, so that libraries cannot read or print there."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    # Broken pipe: the parent has ended, as after Ctrl-C, and nobody waits for a reply.
    with (
        suppress(BrokenPipeError),
        os.fdopen(requests, "rb") as from_parent,
        os.fdopen(replies, "wb") as to_parent,
    ):
        to_parent.write(STARTED)
        to_parent.flush()
        serve(from_parent, to_parent)


if __name__ == "__main__":
    main()
