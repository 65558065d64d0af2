"""An index of the files below the user's folders, which finds the file of a video by name."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.manifest.adapters.entry import Place, is_utf8
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.store.files.scratch_db import scratch_base

_LONGEST_SUFFIX = 6
_MOST_OF_A_STEM = 1000
"""Where more files share a stem, as in ``<id>/video.mp4``, only an exact path finds one."""
_SHOWN = 4


@dataclass(frozen=True)
class Found:
    """The file of a video, and the clip of it in seconds; None for all of it."""

    path: Path
    clip: tuple[float, float] | None = None


@dataclass(frozen=True)
class NotFound:
    """Why no file was found: ``missing_file``, ``ambiguous`` or ``unsupported``, and a detail."""

    reason: str
    detail: str


@dataclass(frozen=True)
class _File:
    root: int
    folder: str
    """Relative to its root, accents composed; empty for the root itself."""
    name: str
    stem: str
    suffix: str
    path: Path

    @property
    def is_video(self) -> bool:
        """By its suffix."""
        return self.suffix in VIDEO_SUFFIXES


class VideoFiles:
    """The index, a database on disk, so that memory does not grow with the number of files."""

    def __init__(self, roots: Sequence[Path], work: Path) -> None:
        """``work``: a folder for the index, which the caller removes."""
        self.roots = [root.resolve() for root in roots]
        self.count = 0
        self.unlisted: list[str] = []
        """Folders that could not be listed, and names that are not UTF-8."""
        self._base = scratch_base(work / "files.sqlite")

    def __enter__(self) -> VideoFiles:
        """Lists all folders. Links to folders are followed, hidden files and folders are not."""
        run = self._base.execute
        run("CREATE TABLE folders (id INTEGER PRIMARY KEY, root INTEGER, path TEXT, key TEXT)")
        run("CREATE TABLE files (stem TEXT, folder INTEGER, name TEXT)")
        run("BEGIN")
        for root, path in enumerate(self.roots):
            for below in self._folders(path):
                folder = below.relative_to(path).as_posix().removeprefix(".")
                row = (root, folder, _composed(folder))
                held = run("INSERT INTO folders (root, path, key) VALUES (?, ?, ?)", row)
                rows = ((split_name(n)[0], held.lastrowid, n) for n in self._names(below))
                self._base.executemany("INSERT INTO files VALUES (?, ?, ?)", rows)
        run("CREATE INDEX by_stem ON files (stem, folder)")
        run("CREATE INDEX by_key ON folders (key)")
        run("COMMIT")
        (self.count,) = run("SELECT count(*) FROM files").fetchone()
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the index."""
        self._base.close()

    def find(self, places: Sequence[Place]) -> Found | NotFound:
        """The file of a video: that of the first place that has one.

        At each place the file of exactly that path is tried, then one of that folder and stem with
        any video suffix. Where no place has one, a file of that stem in another folder is taken:
        the one whose folders agree most with those of the path; where two agree equally, the video
        is ``ambiguous``. A file without a video suffix is ``unsupported``; one without any suffix
        is taken where its path is exactly that of a place. Case matters, except in suffixes; how
        accents are composed does not.
        """
        other: list[_File] = []
        for place in places:
            files = self._candidates(place, in_its_folder=True)
            file = _at(place, files)
            if file is not None:
                return Found(file.path, place.clip)
            other += files
        for place in places:
            files = self._candidates(place, in_its_folder=False)
            nearest = _nearest(place, [file for file in files if file.is_video])
            if len(nearest) > 1 or len(files) > _MOST_OF_A_STEM:
                shown = sorted(str(file.path) for file in nearest)[:_SHOWN]
                return NotFound("ambiguous", "; ".join(shown))
            if nearest:
                return Found(nearest[0].path, place.clip)
            other += files
        if other:
            return NotFound("unsupported", f"{other[0].path} does not have the suffix of a video")
        named = ", ".join(place.path for place in places)
        return NotFound("missing_file", named or "the record names no file")

    def _folders(self, root: Path) -> Iterator[Path]:
        """A folder and all below it, each once: links may form circles."""
        waiting, seen = [root], set[tuple[int, int]]()
        while waiting:
            folder = waiting.pop()
            try:
                about = folder.stat()
                if (about.st_dev, about.st_ino) in seen:
                    continue
                seen.add((about.st_dev, about.st_ino))
                with os.scandir(folder) as entries:
                    inner = sorted(e.name for e in entries if e.name[0] != "." and e.is_dir())
            except OSError as error:
                self.unlisted.append(f"{folder}: {error.strerror}")
                continue
            yield folder
            for name in reversed(inner):
                if is_utf8(name):
                    waiting.append(folder / name)
                else:
                    self.unlisted.append(f"{folder / name}: a name that is not UTF-8")

    def _names(self, folder: Path) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name[0] == "." or not entry.is_file():
                    continue
                if is_utf8(entry.name):
                    yield entry.name
                else:
                    self.unlisted.append(f"{folder / entry.name}: a name that is not UTF-8")

    def _candidates(self, place: Place, *, in_its_folder: bool) -> list[_File]:
        """The files whose stem is the name of the place, or its name without a video suffix."""
        folder, _, name = _composed(place.path).removeprefix("./").rpartition("/")
        if not is_utf8(place.path):
            return []
        stem, suffix = split_name(name)
        query = "SELECT root, path, key, name, stem FROM files, folders WHERE folders.id = folder"
        query += " AND stem IN (?, ?)" + " AND key = ?" * in_its_folder
        values = (name, stem, folder) if in_its_folder else (name, stem)
        rows = self._base.execute(f"{query} LIMIT {_MOST_OF_A_STEM + 1}", values)
        files = []
        for root, path, key, file, its_stem in rows:
            if its_stem == name or suffix in VIDEO_SUFFIXES or _composed(file) == name:
                whole = self.roots[root] / path / file
                files.append(_File(root, key, file, its_stem, split_name(file)[1], whole))
        return sorted(files, key=_preference)


def split_name(name: str) -> tuple[str, str]:
    """The stem of a file's name with its accents composed, and its suffix in lower case.

    The part after the last dot is a suffix where it is short and has letters and digits alone: the
    name ``12@N00_3.`` is all stem.
    """
    head, dot, tail = _composed(name).rpartition(".")
    if not (dot and head and tail.isascii() and tail.isalnum() and len(tail) < _LONGEST_SUFFIX):
        return _composed(name), ""
    return head, f".{tail.lower()}"


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _preference(file: _File) -> tuple[int, int, str, str]:
    rank = VIDEO_SUFFIXES.index(file.suffix) if file.is_video else len(VIDEO_SUFFIXES)
    return file.root, rank, file.folder, file.name


def _at(place: Place, files: Sequence[_File]) -> _File | None:
    """The file at a place, by its path or else by its stem."""
    folder, _, name = _composed(place.path).removeprefix("./").rpartition("/")
    here = [file for file in files if file.folder == folder]
    exact = [file for file in here if _composed(file.name) == name]
    exact = [file for file in exact if file.is_video or not file.suffix]
    return next(iter(exact + [file for file in here if file.is_video]), None)


def _nearest(place: Place, files: Sequence[_File]) -> list[_File]:
    """The first file of each folder that agrees best with the folders of the place; links to one
    file count once."""
    wanted = _composed(place.path).split("/")[-2::-1]

    def agreeing(file: _File) -> int:
        folders = file.folder.split("/")[::-1]
        pairs = zip(wanted, folders, strict=False)
        return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(folders)))

    best = max(map(agreeing, files), default=0)
    by_folder: dict[Path, _File] = {}
    for file in files:
        if agreeing(file) == best:
            by_folder.setdefault(file.path.parent, file)
    different = {file.path.resolve(): file for file in by_folder.values()}
    return list(different.values())
