"""Files that may be a video, and which of them a place means. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pipeline.manifest.adapters.entry import Place
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.media.member import file_uri, member_uri

_LONGEST_SUFFIX = 6


class Found(NamedTuple):
    """The file of a video, and the clip of it in seconds; None for all of it."""

    path: Path
    """Of a video in a container: the container."""
    clip: tuple[float, float] | None = None
    member: str = ""
    """Its name in the container; empty for a file of its own."""
    unpacked: str = ""
    """The path of a member if it were unpacked; empty where nothing names it."""
    address: str = ""
    """Of a file in an object store; empty on this machine."""

    @property
    def uri(self) -> str:
        """Absolute, as ``pipeline.media.member`` has it."""
        if self.address:
            return self.address
        path = self.path.as_posix()
        return member_uri(path, self.member) if self.member else file_uri(path)

    @property
    def name(self) -> str:
        """The path that names the video; empty where nothing does."""
        return self.address or (self.unpacked if self.member else self.path.as_posix())


@dataclass(frozen=True)
class NotFound:
    """Why no file was found: ``missing_file``, ``ambiguous`` or ``unsupported``, and a detail."""

    reason: str
    detail: str


class ListedFile(NamedTuple):
    """A file below the folders, or a video in a container there."""

    root: int
    folder: str
    """Relative to its root, accents composed; empty for the root itself."""
    name: str
    stem: str
    suffix: str
    path: Path
    """As if it were unpacked."""
    container: str
    member: str
    """Empty for a file of its own, like ``container``."""
    address: str = ""
    """In an object store; empty on this machine."""

    @property
    def is_video(self) -> bool:
        """By its suffix."""
        return self.suffix in VIDEO_SUFFIXES

    def found(self, clip: tuple[float, float] | None) -> Found:
        """With the clip of a place."""
        if not self.member:
            return Found(self.path, clip, address=self.address)
        return Found(Path(self.container), clip, self.member, self.path.as_posix())


def split_name(name: str) -> tuple[str, str]:
    """The stem of a file's name with its accents composed, and its suffix in lower case.

    The part after the last dot is a suffix where it is short and has letters and digits alone: the
    name ``12@N00_3.`` is all stem.
    """
    head, dot, tail = composed(name).rpartition(".")
    if not (dot and head and tail.isascii() and tail.isalnum() and len(tail) < _LONGEST_SUFFIX):
        return composed(name), ""
    return head, f".{tail.lower()}"


def composed(text: str) -> str:
    """The text with its accents composed."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@lru_cache(4096)
def looked_up(path: str) -> tuple[str, str, str, str]:
    """The folder and the name at the end of the path of a place, and stem and suffix of that."""
    folder, _, name = composed(path).removeprefix("./").rpartition("/")
    return folder, name, *split_name(name)


def preference(file: ListedFile) -> tuple[int, int, str, str]:
    """By which files are sorted, the preferred first."""
    rank = VIDEO_SUFFIXES.index(file.suffix) if file.is_video else len(VIDEO_SUFFIXES)
    return file.root, rank, file.folder, file.name


def file_at(place: Place, files: Sequence[ListedFile]) -> ListedFile | None:
    """The file at a place, by its path or else by its stem."""
    folder, name, *_ = looked_up(place.path)
    of_stem = None
    for file in files:
        if file.folder == folder and (file.is_video or not file.suffix):
            if composed(file.name) == name:
                return file
            if of_stem is None and file.is_video:
                of_stem = file
    return of_stem


def nearest_files(place: Place, files: Sequence[ListedFile]) -> list[ListedFile]:
    """The first file of each folder that agrees best with the folders of the place; links to one
    file count once."""
    if len(files) < 2:
        return list(files)
    wanted = composed(place.path).split("/")[-2::-1]

    def agreeing(file: ListedFile) -> int:
        folders = file.folder.split("/")[::-1]
        pairs = zip(wanted, folders, strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(folders)))

    best = max(map(agreeing, files), default=0)
    by_folder: dict[tuple[Path, str], ListedFile] = {}
    for file in files:
        if agreeing(file) == best:
            by_folder.setdefault((file.path.parent, file.container), file)
    different = {
        (file.address or Path(file.container or file.path).resolve(), file.member): file
        for file in by_folder.values()
    }
    return list(different.values())
