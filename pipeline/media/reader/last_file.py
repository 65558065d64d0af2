"""The packets and the digest of a file, kept for the next clip of the same file.

A long film may be a thousand clips, each with a request of its own, and they stand side by side in
a manifest. So one file is kept: the last.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from pipeline.media.base import DEFAULT_LIMITS, Limits
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.packet_index import PacketIndex
from pipeline.media.reader.slice import File, Slice, chunks

Identity = tuple[int, ...]


def packet_index(file: File, limits: Limits = DEFAULT_LIMITS) -> PacketIndex:
    """As ``read_packet_index``, once for clips of one file that follow each other."""
    return _packet_index(file, _identity(file), limits)


def file_sha256(file: File) -> str:
    """Hexadecimal SHA-256 of its content, read once as the packets are."""
    return _sha256(file, _identity(file))


def _identity(file: File) -> Identity:
    """Another one for a file that was written to, or that another took the place of."""
    about = (file.path if isinstance(file, Slice) else file).stat()
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


@lru_cache(maxsize=1)
def _packet_index(file: File, _: Identity, limits: Limits) -> PacketIndex:
    return pyav_reader.read_packet_index(file, limits)


@lru_cache(maxsize=1)
def _sha256(file: File, _: Identity) -> str:
    digest = hashlib.sha256()
    for chunk in chunks(file):
        digest.update(chunk)
    return digest.hexdigest()
