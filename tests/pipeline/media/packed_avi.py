"""Packs the B-frames of an MPEG-4 stream in an AVI file, as DivX and Xvid write them."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

START_OF_FRAME = b"\0\0\1\xb6"
B = 2
EMPTY_FRAME = START_OF_FRAME + bytes([0b01_0_1_0000, 0b0_1_0_01111])
"""A P-frame (01) with the marker bits, five bits of time, and 0: it is not coded."""
USER_DATA = b"\0\0\1\xb2DivX503b1393p"


def pack(source: Path, target: Path) -> None:
    """Writes ``target``: as many chunks as ``source``, whose frames are 1 / 30 s apart.

    P1 B2 B3 become (P1 B2) B3 (), so that each chunk stands where its B-frame is shown, or P1 at
    last.
    """
    content = source.read_bytes()
    start = content.index(b"movi") + 4
    (size,) = struct.unpack_from("<I", content, start - 8)
    chunks = [_own_data(chunk) for chunk in _chunks(content[start : start - 4 + size])]
    packed = list(_packed(chunks))
    assert len(packed) == len(chunks)
    movi, index = b"movi", b""
    for chunk in packed:
        key = 0x10 if chunk[chunk.index(START_OF_FRAME) + 4] >> 6 == 0 else 0
        index += b"00dc" + struct.pack("<III", key, len(movi), len(chunk))
        movi += b"00dc" + struct.pack("<I", len(chunk)) + chunk + b"\0" * (len(chunk) % 2)
    body = content[8 : start - 12].replace(b"FMP4", b"XVID")
    body += b"LIST" + struct.pack("<I", len(movi)) + movi
    body += b"idx1" + struct.pack("<I", len(index)) + index
    target.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def _chunks(movi: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(movi):
        (size,) = struct.unpack_from("<I", movi, at + 4)
        yield movi[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def _own_data(chunk: bytes) -> bytes:
    """The chunk with user data that says that frames are packed, in place of the encoder's."""
    return re.sub(rb"\x00\x00\x01\xb2Lavc[\d.]+", USER_DATA, chunk)


def _packed(chunks: list[bytes]) -> Iterator[bytes]:
    """Chunks in the order of the file. After a frame that B-frames precede on screen, an empty
    one."""
    at = 0
    while at < len(chunks):
        end = at + 1
        while end < len(chunks) and chunks[end][chunks[end].index(START_OF_FRAME) + 4] >> 6 == B:
            end += 1
        if end - at == 1:
            yield chunks[at]
        else:
            yield chunks[at] + chunks[at + 1]
            yield from chunks[at + 2 : end]
            yield EMPTY_FRAME
        at = end
