"""An index of the files below the user's folders, and of the videos in containers there, which
finds the file of a video by name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from pipeline.manifest.adapters.entry import Place, is_utf8
from pipeline.manifest.listed_file import (
    Found,
    ListedFile,
    NotFound,
    composed,
    file_at,
    looked_up,
    nearest_files,
    preference,
    split_name,
)
from pipeline.media.contents import COMPRESSED, contents_of
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.media.member import container_kind, local_path, member_of
from pipeline.store.files.scratch_db import scratch_base
from pipeline.store.location import Location

_MOST_OF_A_STEM = 1000
"""Where more files share a stem, as in ``<id>/video.mp4``, only an exact path finds one."""
_SHOWN = 4
_NAMES_AT_ONCE = 500
_MOST_AT_ONCE = 5000
"""Files of so many names; where there are more, each video asks for its own."""
_FILES = (
    "SELECT root, path, key, name, stem, container, member FROM files, folders"
    " WHERE folders.id = folder"
)


class VideoFiles:
    """The index, a database on disk, so that memory does not grow with the number of files."""

    def __init__(self, roots: Sequence[Path | Location], work: Path) -> None:
        """``work``: a folder for the index, which the caller removes."""
        self.roots = [_resolved(root) for root in roots]
        self._starts = [
            f"{root.as_posix().rstrip('/')}/" if isinstance(root, Path) else f"{root}/"
            for root in self.roots
        ]
        self.count = 0
        self.inside = 0
        """Videos in containers."""
        self.unlisted: list[str] = []
        """Folders and containers that could not be listed, and names that are not UTF-8."""
        self._compressed: list[str] = []
        self._known: dict[str, list[ListedFile]] = {}
        """By stem, while many videos are found at once."""
        self._base = scratch_base(work / "files.sqlite")

    def __enter__(self) -> VideoFiles:
        """Lists all folders, those of an object store by one listing each. Links to folders are
        followed, hidden files and folders are not."""
        run = self._base.execute
        run(
            "CREATE TABLE folders (id INTEGER PRIMARY KEY, root INTEGER, path TEXT, key TEXT,"
            " container TEXT)"
        )
        run("CREATE TABLE files (stem TEXT, folder INTEGER, name TEXT, member TEXT)")
        run("BEGIN")
        for root, path in enumerate(self.roots):
            if isinstance(path, Location):
                self._list_store(root, path)
                continue
            for below in self._folders(path):
                folder = below.relative_to(path).as_posix().removeprefix(".")
                names = list(self._names(below))
                self.count += len(names)
                self._add(root, folder, "", ((name, "") for name in names))
                for name in names:
                    self._list_container(root, folder, below / name)
        run("CREATE INDEX by_stem ON files (stem, folder)")
        run("CREATE INDEX by_key ON folders (key)")
        run("COMMIT")
        if self._compressed:
            others = len(self._compressed) - 1
            more = f" ({others} more archives are compressed)" if others else ""
            self.unlisted.append(f"{self._compressed[0]}{more}")
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the index."""
        self._base.close()

    def find(self, places: Sequence[Place]) -> Found | NotFound:
        """The file of a video: that of the first place that has one. Where none is of its own, what
        a place names in a container, as ``shards/0.tar#a.mp4`` from a folder of videos or as an
        absolute uri; then a video in a container, as if all were unpacked where they lie.

        At each place the file of exactly that path is tried, then one of that folder and stem with
        any video suffix. Where no place has one, a file of that stem in another folder is taken:
        the one whose folders agree most with those of the path; where two agree equally, the video
        is ``ambiguous``. A file without a video suffix is ``unsupported``; one without any suffix
        is taken where its path is exactly that of a place. Case matters, except in suffixes; how
        accents are composed does not.
        """
        plain = self._find(places, inside=False)
        if isinstance(plain, Found) or plain.reason == "ambiguous":
            return plain
        for place in places:
            if named := self._named(place):
                return named
        inside = self._find(places, inside=True) if self.inside else plain
        return plain if isinstance(inside, NotFound) and inside.reason != "ambiguous" else inside

    def find_all(self, videos: Sequence[Sequence[Place]]) -> list[Found | NotFound]:
        """What ``find`` says of each of some hundred videos; their names are looked up at once."""
        self._look_up(videos)
        try:
            return list(map(self.find, videos))
        finally:
            self._known.clear()

    def _find(self, places: Sequence[Place], *, inside: bool) -> Found | NotFound:
        """Among the files of their own, or those ``inside`` containers."""
        other: list[ListedFile] = []
        for place in places:
            files = self._candidates(place, inside=inside, in_its_folder=True)
            if files:
                file = file_at(place, files)
                if file is not None:
                    return file.found(place.clip)
                other += files
        for place in places:
            files = self._candidates(place, inside=inside, in_its_folder=False)
            if not files:
                continue
            nearest = nearest_files(place, [file for file in files if file.is_video])
            if len(nearest) > 1 or len(files) > _MOST_OF_A_STEM:
                shown = sorted(str(file.path) for file in nearest)[:_SHOWN]
                return NotFound("ambiguous", "; ".join(shown))
            if nearest:
                return nearest[0].found(place.clip)
            other += files
        if other:
            return NotFound("unsupported", f"{other[0].path} does not have the suffix of a video")
        named = ", ".join(place.path for place in places)
        return NotFound("missing_file", named or "the record names no file")

    def _named(self, place: Place) -> Found | None:
        """The video in the container that a place names, where that is there."""
        member = member_of(place.path)
        if member is None or not is_utf8(place.path):
            return None
        for root in self.roots:
            if isinstance(root, Location):
                continue
            container = root / local_path(member.container)
            if ".." not in container.parts and container.is_file():
                return Found(container.resolve(), place.clip, member.name)
        return None

    def _add(
        self, root: int, folder: str, container: str, files: Iterable[tuple[str, str]]
    ) -> None:
        """Adds the files of a folder: names, and names in the container."""
        row = (root, folder, composed(folder), container)
        query = "INSERT INTO folders (root, path, key, container) VALUES (?, ?, ?, ?)"
        held = self._base.execute(query, row).lastrowid
        rows = ((split_name(name)[0], held, name, member) for name, member in files)
        self._base.executemany("INSERT INTO files VALUES (?, ?, ?, ?)", rows)

    def _list_store(self, root: int, store: Location) -> None:
        """Of containers there the headers would have to be read one by one: they are not."""
        try:
            paths = store.below()
        except OSError as error:
            self.unlisted.append(f"{store}: {error.strerror or error}")
            return
        seen = [
            path for path in paths if not any(part[:1] in ("", ".") for part in path.split("/"))
        ]
        for folder, together in groupby(seen, key=lambda path: path.rpartition("/")[0]):
            names = [path.rpartition("/")[2] for path in together]
            self.count += len(names)
            self._add(root, folder, "", ((name, "") for name in names))
        containers = [path for path in seen if container_kind(path) is not None]
        if containers:
            more = f" ({len(containers) - 1} more)" if len(containers) > 1 else ""
            what = "not supported: videos in containers of an object store"
            self.unlisted.append(f"{what}: {store}/{containers[0]}{more}")

    def _list_container(self, root: int, folder: str, file: Path) -> None:
        if container_kind(file.name) is None:
            return
        found = contents_of(file, VIDEO_SUFFIXES)
        if found.problem == COMPRESSED:
            self._compressed.append(f"{file}: {found.detail}")
        elif found.problem:
            self.unlisted.append(f"{file}: {found.detail}")
        self.inside += len(found.videos)
        by_folder: dict[str, list[tuple[str, str]]] = {}
        for one in found.videos:
            above, _, name = one.path.rpartition("/")
            if name:
                by_folder.setdefault(above, []).append((name, one.member))
        for above, files in by_folder.items():
            inner = "/".join(filter(None, (folder, above.strip("/"))))
            self._add(root, inner, str(file), files)

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

    def _candidates(self, place: Place, *, inside: bool, in_its_folder: bool) -> list[ListedFile]:
        """The files whose stem is the name of the place, or its name without a video suffix."""
        if not is_utf8(place.path):
            return []
        folder, name, stem, suffix = looked_up(place.path)
        known = self._known.get(name), self._known.get(stem)
        if known[0] is None or known[1] is None or len(known[0]) + len(known[1]) > _MOST_OF_A_STEM:
            query = f"{_FILES} AND container {'!=' if inside else '='} '' AND stem IN (?, ?)"
            query += " AND key = ?" * in_its_folder
            values = (name, stem, folder) if in_its_folder else (name, stem)
            rows = self._base.execute(f"{query} LIMIT {_MOST_OF_A_STEM + 1}", values)
            files = [self._listed(*row) for row in rows]
        elif not (known[0] or known[1]):
            return []
        else:
            files = [
                file
                for file in known[0] + (known[1] if name != stem else [])
                if bool(file.container) == inside and (not in_its_folder or file.folder == folder)
            ]
        of_suffix = suffix in VIDEO_SUFFIXES
        files = [
            file for file in files if of_suffix or file.stem == name or composed(file.name) == name
        ]
        return sorted(files, key=preference) if len(files) > 1 else files

    def _listed(
        self, root: int, path: str, key: str, name: str, stem: str, container: str, member: str
    ) -> ListedFile:
        whole = self._starts[root] + (f"{path}/{name}" if path else name)
        address = whole if isinstance(self.roots[root], Location) else ""
        suffix = split_name(name)[1]
        return ListedFile(root, key, name, stem, suffix, Path(whole), container, member, address)

    def _look_up(self, videos: Sequence[Sequence[Place]]) -> None:
        """Keeps the files of all names of these places, but for names that very many files have."""
        paths = {place.path for places in videos for place in places if is_utf8(place.path)}
        names = list({name for path in paths for name in looked_up(path)[1:3]})
        for start in range(0, len(names), _NAMES_AT_ONCE):
            some = names[start : start + _NAMES_AT_ONCE]
            query = f"{_FILES} AND stem IN ({', '.join('?' * len(some))})"
            rows = self._base.execute(f"{query} LIMIT {_MOST_AT_ONCE + 1}", some).fetchall()
            if len(rows) <= _MOST_AT_ONCE:
                self._known.update((name, []) for name in some)
                for row in rows:
                    self._known[row[4]].append(self._listed(*row))


def _resolved(root: Path | Location) -> Path | Location:
    """A folder of this machine as a path, whatever it was given as."""
    path = root if isinstance(root, Path) else root.path
    return root if path is None else path.resolve()
