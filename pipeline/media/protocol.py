"""Messages between a process and its decoder: a length, then JSON in one line, then JPEGs.

By hand: msgspec is as fast, but refuses file names that are not UTF-8. No pickle: a decoder that a
hostile video took over must not be able to send anything but values.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal

from pipeline.media.base import (
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

LENGTH = struct.Struct(">Q")

STARTED = LENGTH.pack(0)
"""An empty message: the decoder has started. If it ends from now on, a video is the cause."""

Reply = Probe | Header | FileFacts | Sequence[Still] | MediaError


@dataclass(frozen=True)
class Request:
    """What to read of one clip, within which limits."""

    clip: Clip
    wanted: StillsRequest | FileFactsRequest | Literal["probe", "header"]
    limits: Limits


_WANTED = {kind.__name__: kind for kind in (StillsRequest, FileFactsRequest)}
_REPLIES: Mapping[str, Callable[..., Reply]] = MappingProxyType(
    {
        **{kind.__name__: kind for kind in (Probe, Header, MediaError)},
        "FileFacts": lambda hashes, **facts: FileFacts(hashes=tuple(hashes), **facts),
    }
)


def packed_request(request: Request) -> bytes:
    """The request as one message."""
    return _packed(type(request.wanted).__name__, asdict(request))


def unpacked_request(body: bytes) -> Request:
    """The request in a message without its length."""
    (kind, value), _ = _unpacked(body)
    wanted = value["wanted"]
    if kind in _WANTED:
        wanted = _WANTED[kind](**wanted)
    return Request(Clip(**value["clip"]), wanted, Limits(**value["limits"]))


def packed_reply(reply: Reply) -> bytes:
    """The reply as one message."""
    if isinstance(reply, Sequence):
        heads = [[s.frame_s, len(s.jpeg), s.step_levels, s.turn_levels] for s in reply]
        return _packed("stills", heads, *(still.jpeg for still in reply))
    if isinstance(reply, MediaError):
        return _packed("MediaError", {"reason": reply.reason, "detail": reply.detail})
    return _packed(type(reply).__name__, asdict(reply))


def unpacked_reply(body: bytes) -> Reply:
    """The reply in a message without its length.

    Raises:
        ValueError: it is no reply.
    """
    try:
        (kind, value), pictures = _unpacked(body)
        if kind != "stills":
            return _REPLIES[kind](**value)
        stills, at = [], 0
        for frame_s, n_bytes, step_levels, turn_levels in value:
            jpeg = bytes(pictures[at : at + n_bytes])
            stills.append(Still(frame_s, jpeg, step_levels, turn_levels))
            at += n_bytes
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no reply of a decoder: {error!r}") from error
    if at != len(pictures):
        raise ValueError(f"{len(pictures)} bytes of pictures, not {at}")
    return stills


def body_length(head: bytes) -> int:
    """How many bytes follow the first ``LENGTH.size`` of a message."""
    length: int = LENGTH.unpack(head)[0]
    return length


def _packed(kind: str, value: Any, *pictures: bytes) -> bytes:
    head = json.dumps([kind, value]).encode() + b"\n"
    return b"".join([LENGTH.pack(len(head) + sum(map(len, pictures))), head, *pictures])


def _unpacked(body: bytes) -> tuple[Any, memoryview]:
    end = body.index(b"\n")
    return json.loads(body[:end]), memoryview(body)[end + 1 :]
