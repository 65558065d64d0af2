"""What travels between a process and its decoder: a length, then so many bytes, JSON and JPEGs.

No pickle: what decodes hostile files must not be able to send more than values.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
"""A message without a body: the decoder is there. What ends it from now on is a video."""

Reply = Probe | Header | FileFacts | Sequence[Still] | MediaError


@dataclass(frozen=True)
class Request:
    """One clip to look at, and what is wanted of it."""

    clip: Clip
    wanted: StillsRequest | FileFactsRequest | Literal["probe", "header"]
    limits: Limits


def packed_request(request: Request) -> bytes:
    """The request as one message."""
    kind = "glance" if isinstance(request.wanted, FileFactsRequest) else "stills"
    return _packed({**asdict(request), "kind": kind})


def unpacked_request(body: bytes) -> Request:
    """The request in a message without its length."""
    said, _ = _unpacked(body)
    wanted = said["wanted"]
    if isinstance(wanted, dict):
        wanted = (FileFactsRequest if said["kind"] == "glance" else StillsRequest)(**wanted)
    return Request(Clip(**said["clip"]), wanted, Limits(**said["limits"]))


def packed_reply(reply: Reply) -> bytes:
    """The reply as one message."""
    if isinstance(reply, MediaError):
        return _packed({"error": [reply.reason, reply.detail]})
    if isinstance(reply, Probe):
        return _packed({"probe": asdict(reply)})
    if isinstance(reply, Header):
        return _packed({"header": asdict(reply)})
    if isinstance(reply, FileFacts):
        return _packed({"glance": asdict(reply)})
    sizes = [[still.frame_s, len(still.jpeg)] for still in reply]
    return _packed({"stills": sizes}, *(still.jpeg for still in reply))


def unpacked_reply(body: bytes) -> Reply:
    """The reply in a message without its length.

    Raises:
        ValueError: it is no reply.
    """
    try:
        said, rest = _unpacked(body)
        ((kind, value),) = said.items()
        if kind == "error":
            return MediaError(*value)
        if kind == "probe":
            return Probe(**value)
        if kind == "header":
            return Header(**value)
        if kind == "glance":
            return FileFacts(value["sha256"], value["duration_s"], tuple(value["hashes"]))
        if kind != "stills":
            raise ValueError(f"no reply of a decoder: {kind!r}")
        stills, at = [], 0
        for frame_s, n_bytes in value:
            stills.append(Still(frame_s, bytes(rest[at : at + n_bytes])))
            at += n_bytes
    except (struct.error, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"no reply of a decoder: {error!r}") from error
    if at != len(rest):
        raise ValueError(f"{len(rest)} bytes of pictures, not {at}")
    return stills


def body_length(head: bytes) -> int:
    """How many bytes follow the first ``LENGTH.size`` of a message."""
    length: int = LENGTH.unpack(head)[0]
    return length


def _packed(said: dict[str, Any], *pictures: bytes) -> bytes:
    text = json.dumps(said).encode()
    length = LENGTH.size + len(text) + sum(map(len, pictures))
    return b"".join([LENGTH.pack(length), LENGTH.pack(len(text)), text, *pictures])


def _unpacked(body: bytes) -> tuple[dict[str, Any], memoryview]:
    end = LENGTH.size + body_length(body[: LENGTH.size])
    return json.loads(body[LENGTH.size : end]), memoryview(body)[end:]
