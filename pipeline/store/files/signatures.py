"""What a file that should hold rows is by its first bytes, where it cannot hold any."""

from __future__ import annotations

PARQUET = b"PAR1"

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "compressed (gzip)"),
    (0, b"PK\x03\x04", "compressed (zip)"),
    (0, b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (0, b"\xfd7zXZ\x00", "compressed (xz)"),
    (0, b"BZh", "compressed (bzip2)"),
    (0, b"\xff\xfe", "text in UTF-16"),
    (0, b"\xfe\xff", "text in UTF-16"),
    (4, b"ftyp", "a video"),
    (4, b"moov", "a video"),
    (4, b"mdat", "a video"),
    (0, b"\x1a\x45\xdf\xa3", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"OggS", "a video"),
    (0, b"FLV\x01", "a video"),
    (0, b"GIF8", "a video"),
    (0, b"\x00\x00\x01\xba", "a video"),
    (0, b"\x00\x00\x01\xb3", "a video"),
    (0, b"\x30\x26\xb2\x75", "a video"),
)
"""An offset, the bytes that stand there, and what such a file is."""

HEAD_BYTES = 16
"""So many bytes tell."""


def what_it_is(head: bytes) -> str:
    """What a file is that begins so: ``compressed (…)``, ``text in UTF-16`` or ``a video``; empty
    where rows may follow."""
    found = (what for at, sign, what in _SIGNATURES if head[at : at + len(sign)] == sign)
    return next(found, "")
