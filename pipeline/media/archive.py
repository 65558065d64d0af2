"""Where the members of a tar or zip lie in its file, by one pass over its headers.

A member that is stored as it is can be read in place, as a slice of the file. Nothing is unpacked.
"""

from __future__ import annotations

import struct
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

from pipeline.media.base import MediaError
from pipeline.media.member import Member
from pipeline.store.location import Location

_REMEMBERED = 16
"""Archives whose indexes are kept: the videos of one are mostly adjacent."""
_LONGEST_HEADER_BYTES = 1 << 28
"""A directory of a zip with two million members has as many; what is longer is an attack."""
_ZIP_HEADER = struct.Struct("<4s22xHH")
_ENCRYPTED = 1


@dataclass(frozen=True)
class Span:
    """The bytes of a member: the first, counted from 0, and how many."""

    start: int
    n_bytes: int


@dataclass(frozen=True)
class Archive:
    """The members of an archive, in its order; of one name the last counts, as for ``tar``."""

    spans: Mapping[str, Span]
    refused: Mapping[str, str]
    """Members that are no slice of the file, with why: compressed, encrypted or sparse."""
    problem: str = ""
    """Why what follows the last member cannot be read; empty where all was read."""

    def span(self, member: Member) -> Span:
        """The bytes of a member.

        Raises:
            MediaError: ``missing_member``; ``unsupported`` where it is no slice of the file;
                ``bad_container`` where it may stand behind what cannot be read.
        """
        name, file = _plain(member.name), member.container.rpartition("/")[2]
        if name in self.refused:
            raise MediaError("unsupported", f"not supported: {file}#{name} is {self.refused[name]}")
        if name in self.spans:
            return self.spans[name]
        if self.problem:
            raise MediaError("bad_container", f"{file}: {self.problem}")
        raise MediaError("missing_member", f"{file} has no member {name!r:.200}")


def read_archive(file: Location, kind: str) -> Archive:
    """The members of a ``tar`` or ``zip``; those of the last few are remembered.

    Raises:
        OSError: the file cannot be read; FileNotFoundError where it is not there.
    """
    if file.path is None:
        return _indexed(file, kind, file.size_bytes(), 0)
    about = file.path.stat()
    return _indexed(file, kind, about.st_size, about.st_mtime_ns)


@lru_cache(_REMEMBERED)
def _indexed(file: Location, kind: str, n_bytes: int, mtime_ns: int) -> Archive:
    spans: dict[str, Span] = {}
    refused: dict[str, str] = {}
    problem = ""
    with file.open() as raw:
        members = (_tar if kind == "tar" else _zip)(_Bounded(raw))
        try:
            for name, found in members:
                spans.pop(name, None)
                refused.pop(name, None)
                if isinstance(found, str):
                    refused[name] = found
                else:
                    spans[name] = found
        except (tarfile.TarError, zipfile.BadZipFile, NotImplementedError) as error:
            problem = str(error)
        except (ValueError, OverflowError, EOFError, struct.error) as error:
            problem = f"a damaged header: {error}"
    read = len(spans) + len(refused)
    return Archive(spans, refused, f"{problem}, after {read} members"[:200] if problem else "")


class _Bounded:
    """A file whose single reads are bounded: headers state how long the next one is."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, n_bytes: int = -1) -> bytes:
        """As of a file. Raises ValueError for more than any header has."""
        if n_bytes > _LONGEST_HEADER_BYTES:
            raise ValueError(f"it states {n_bytes} bytes")
        # zipfile reads the last bytes of the file without a number.
        return self._file.read(_LONGEST_HEADER_BYTES if n_bytes < 0 else n_bytes)


def _tar(file: _Bounded) -> Iterator[tuple[str, Span | str]]:
    """Raises tarfile.TarError where the rest cannot be read."""
    tar = tarfile.TarFile(fileobj=file, errors="surrogateescape")  # type: ignore[arg-type]
    while (member := tar.next()) is not None:
        tar.members.clear()  # type: ignore[attr-defined]
        if member.isreg():
            span = Span(member.offset_data, member.size)
            yield _plain(member.name), "sparse" if member.issparse() else span
    # tarfile takes a damaged header for the end.
    file.seek(tar.offset)
    if any(file.read(tarfile.BLOCKSIZE)):
        raise tarfile.ReadError(f"a damaged header at byte {tar.offset}")


def _zip(file: _Bounded) -> Iterator[tuple[str, Span | str]]:
    """Raises zipfile.BadZipFile and others where it cannot be read."""
    with zipfile.ZipFile(file) as directory:
        for member in directory.infolist():
            if member.is_dir():
                continue
            if member.flag_bits & _ENCRYPTED:
                yield _plain(member.filename), "encrypted"
            elif member.compress_type != zipfile.ZIP_STORED:
                yield _plain(member.filename), "compressed"
            else:
                file.seek(member.header_offset)
                magic, name, extra = _ZIP_HEADER.unpack(file.read(_ZIP_HEADER.size))
                if magic != b"PK\x03\x04":
                    raise zipfile.BadZipFile(f"no header at byte {member.header_offset}")
                start = member.header_offset + _ZIP_HEADER.size + name + extra
                yield _plain(member.filename), Span(start, member.file_size)


def _plain(name: str) -> str:
    """``tar -cf x.tar .`` writes ``./a.mp4``."""
    return name.removeprefix("./")
