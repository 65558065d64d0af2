"""The process in which files are opened and decoded: one request in, one reply out, until the end.

``pipeline.media.decode`` starts it with ``python -m``. It holds itself, and ffprobe below it, to
the memory of each request. Its parent watches the time; should the parent be gone, twice as much of
the processor's time ends it.
"""

from __future__ import annotations

import os
import resource
from math import ceil
from pathlib import Path
from time import process_time
from typing import BinaryIO

import cv2

from pipeline.media.base import FileFactsRequest, Limits, MediaError
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
from pipeline.media.reader.probe import probe
from pipeline.media.reasons import OUT_OF_MEMORY


def answer(request: Request) -> Reply:
    """What is wanted of the clip, or why there is none."""
    try:
        if request.wanted == "probe":
            return probe(request.clip, request.limits)
        if request.wanted == "header":
            return container_count(request.clip, request.limits)
        if isinstance(request.wanted, FileFactsRequest):
            return file_facts(request.clip.uri, request.wanted, request.limits)
        return stills(request.clip, request.wanted, request.limits)
    except MediaError as error:
        return error


def replied(request: Request) -> bytes:
    """The answer as a message; where memory does not suffice for it, one that says so."""
    try:
        return packed_reply(answer(request))
    except (MemoryError, cv2.error) as error:
        if isinstance(error, cv2.error) and error.code != cv2.Error.StsNoMem:
            raise
    detail = f"more than {request.limits.memory_bytes} bytes"
    return packed_reply(MediaError(OUT_OF_MEMORY, detail))


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until the other side is gone."""
    at_start_bytes = _data_bytes()
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        request = unpacked_request(requests.read(body_length(head)))
        _hold_to(request.limits, at_start_bytes)
        replies.write(replied(request))
        replies.flush()


def _hold_to(limits: Limits, at_start_bytes: int) -> None:
    """Sets what this process, and any below it, may take from now on.

    ``RLIMIT_DATA`` counts what a process can write to, which is what it takes up. Libraries reserve
    some for the threads they start, more with every core, hence ``at_start_bytes``.
    """
    _lower(resource.RLIMIT_DATA, at_start_bytes + limits.memory_bytes)
    _lower(resource.RLIMIT_CPU, ceil(process_time() + 2 * limits.timeout_s))


def _lower(which: int, most: int) -> None:
    """The soft limit; the hard one stays, so that the next request can have more."""
    _, hard = resource.getrlimit(which)
    within = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (within, hard))


def _data_bytes() -> int:
    """What this process can write to now: the sixth number of ``statm``, in pages."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    return pages * resource.getpagesize()


def main() -> None:
    """Serves on stdin and stdout, out of reach of libraries that print."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    with os.fdopen(requests, "rb") as from_parent, os.fdopen(replies, "wb") as to_parent:
        to_parent.write(STARTED)
        to_parent.flush()
        serve(from_parent, to_parent)


if __name__ == "__main__":
    main()
