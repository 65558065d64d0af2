"""What travels between a process and its decoder: a length, then a pickle of that many bytes."""

from __future__ import annotations

import pickle
import struct
from typing import Any

LENGTH = struct.Struct(">Q")


def packed(value: Any) -> bytes:
    """The value as one message."""
    body = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def body_length(head: bytes) -> int:
    """How many bytes follow the first ``LENGTH.size`` of a message."""
    length: int = LENGTH.unpack(head)[0]
    return length


def unpacked(body: bytes) -> Any:
    """The value of a message without its length."""
    return pickle.loads(body)
