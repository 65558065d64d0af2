"""The process in which files are opened and decoded: one request in, one reply out, until the end.

Started by ``pipeline.media.decode`` as ``python -m pipeline.media.decode_worker``. A request is a
clip with a request for stills, or with None for a probe; the reply is the result or a MediaError.
"""

from __future__ import annotations

import os
import resource
from typing import BinaryIO

import cv2

from pipeline.media.base import Clip, MediaError, Probe, Still, StillsRequest
from pipeline.media.frames import stills
from pipeline.media.messages import LENGTH, body_length, packed, unpacked
from pipeline.media.probe import probe


def answer(clip: Clip, request: StillsRequest | None) -> Probe | list[Still] | MediaError:
    """The probe or the stills of the clip, or why there are none."""
    try:
        return probe(clip) if request is None else stills(clip, request)
    except MediaError as error:
        return error


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until the other side is gone."""
    while len(head := requests.read(LENGTH.size)) == LENGTH.size:
        clip, request = unpacked(requests.read(body_length(head)))
        replies.write(packed(answer(clip, request)))
        replies.flush()


def main() -> None:
    """Serves on stdin and stdout, out of reach of libraries that print."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    cv2.setNumThreads(1)
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    with os.fdopen(requests, "rb") as from_parent, os.fdopen(replies, "wb") as to_parent:
        to_parent.write(packed(None))  # it has started: what ends it from now on is a video
        to_parent.flush()
        serve(from_parent, to_parent)


if __name__ == "__main__":
    main()
