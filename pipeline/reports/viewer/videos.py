"""The original video of a sample, where it is a file of this machine, sent by ranges of bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Final

from pipeline.media.base import MediaError
from pipeline.media.files import video_file
from pipeline.media.member import member_of
from pipeline.store.location import Location

PLAYED: Final = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm"}
"""Suffixes of files that browsers play, and their types."""
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_BLOCK_BYTES = 1 << 18


def video_path(uri: str, media_root: Location) -> Path | None:
    """The file of a video that a browser can play; None where it is none of this machine."""
    if not uri or member_of(uri) is not None:
        return None
    try:
        path = video_file(uri, media_root).path
    except MediaError:
        return None
    plays = path is not None and path.suffix.lower() in PLAYED and path.is_file()
    return path if plays else None


def send_range(handler: BaseHTTPRequestHandler, path: Path) -> None:
    """Answer with a file, or with the range of it that is asked for."""
    size = path.stat().st_size
    start, stop, status = 0, size, HTTPStatus.OK
    if asked := _RANGE.fullmatch(handler.headers.get("Range", "")):
        start = int(asked[1])
        stop = min(size, int(asked[2]) + 1) if asked[2] else size
        status = HTTPStatus.PARTIAL_CONTENT
        if start >= stop:
            status, start, stop = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, 0, 0
    handler.send_response(status)
    handler.send_header("Content-Type", PLAYED[path.suffix.lower()])
    handler.send_header("Accept-Ranges", "bytes")
    handler.send_header("Content-Length", str(stop - start))
    if status == HTTPStatus.PARTIAL_CONTENT:
        handler.send_header("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    elif status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        handler.send_header("Content-Range", f"bytes */{size}")
    handler.end_headers()
    for block in _blocks(path, start, stop):
        handler.wfile.write(block)


def _blocks(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (block := file.read(min(_BLOCK_BYTES, stop - start))):
            start += len(block)
            yield block
