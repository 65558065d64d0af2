"""Which bytes on this machine a local uri stands for."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from pipeline.media.archive import read_archive
from pipeline.media.base import Limits, MediaError
from pipeline.media.member import Member, cell_of, local_path, member_of
from pipeline.media.reader.slice import File, Slice
from pipeline.store.location import Location

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
"""What a name alone can cause, in a place that can be read."""


def existing_file(uri: str, limits: Limits) -> File:
    """The bytes of a local video, at least one; see ``pipeline.media.member`` for uris.

    Raises:
        MediaError: ``missing_file``, ``empty_file`` or ``too_large``; of a container also
            ``missing_member``, ``bad_container``, ``unsupported`` or ``damaged``.
        OSError: the place cannot be read.
    """
    member = member_of(uri)
    path = Path(local_path(uri if member is None else member.container))
    try:
        about = path.stat()
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        raise MediaError("missing_file", f"there is no file {path.name}") from None
    if not stat.S_ISREG(about.st_mode):
        raise MediaError("missing_file", f"{path.name} is no file")
    file = path if member is None else _member(path, member, limits)
    n_bytes = about.st_size if isinstance(file, Path) else file.end - file.start
    if n_bytes == 0:
        name = path.name if member is None else f"{path.name}#{member.name}"
        raise MediaError("empty_file", f"{name} has no bytes")
    if n_bytes > limits.max_file_bytes:
        raise MediaError("too_large", f"{n_bytes} bytes are more than {limits.max_file_bytes}")
    return file


def _member(path: Path, member: Member, limits: Limits) -> Slice:
    if member.kind == "compressed":
        raise MediaError(
            "unsupported", f"not supported: {path.name} is compressed; unpack it, or make it a .tar"
        )
    if member.kind == "parquet":
        cell = cell_of(member.name)
        if cell is None:
            raise MediaError("missing_member", f"{member.name!r:.200} is no cell: COLUMN/ROW")
        # pyarrow takes 40 MB, which few runs need.
        from pipeline.media.reader.parquet_cells import read_cell  # noqa: PLC0415

        return read_cell(path, *cell, limits)
    span = read_archive(Location(str(path)), member.kind).span(member)
    end = span.start + span.n_bytes
    if end > path.stat().st_size:
        raise MediaError("damaged", f"{path.name} ends within {member.name}")
    return Slice(path, span.start, end)
