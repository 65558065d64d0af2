"""Which files of a folder are videos by their names, and what the others are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.media.contents import COMPRESSED, contents_of
from pipeline.media.member import container_kind, file_uri, member_uri
from pipeline.store.listing import paths_of

UNREADABLE_FOLDER = "unreadable folder"
_LONGEST_SUFFIX = 16
_NAMED = 8
"""So many suffixes are named in a text."""


@dataclass(frozen=True)
class Listing:
    """``videos``: uris from the folder, sorted by file, and in a container in its order.
    ``passed_over``: how many other files there are, by suffix in lower case, ``no suffix``,
    ``hidden``, ``link to a folder``, ``broken link``, ``compressed archive`` or
    ``unreadable archive``; these may hold videos that are read, too. An ``unreadable folder`` is
    one that the system does not list, whatever it holds."""

    videos: tuple[str, ...]
    passed_over: Mapping[str, int]


def list_folder(root: Path, suffixes: Collection[str]) -> Listing:
    """All files below a folder; those with one of the suffixes (lower case, with the dot) are
    videos, or, without suffixes, all. Videos in containers are among them. Links to folders are not
    followed, and what is hidden is no video."""
    videos: list[tuple[Path, Sequence[str]]] = []
    passed_over: Counter[str] = Counter()

    def refused(_: OSError) -> None:
        passed_over[UNREADABLE_FOLDER] += 1

    for path in paths_of(root, "**/*", refused):
        below = path.relative_to(root)
        other = _other(path, below, suffixes)
        if other == path.suffix.lower() and container_kind(path.name):
            inner, problem = _inside(root, below, suffixes)
            if inner:
                videos.append((below, inner))
            if problem or not inner:
                passed_over[problem or other] += 1
        elif other:
            passed_over[other] += 1
        elif path.is_file():
            videos.append((below, [_uri(root, below)]))
    return Listing(tuple(uri for _, uris in sorted(videos) for uri in uris), passed_over)


def list_file(path: Path, suffixes: Collection[str]) -> Listing:
    """The file as a video, whatever its suffix; of a container, the videos in it."""
    below = Path(path.name)
    if container_kind(path.name) is None:
        return Listing((_uri(path.parent, below),), {})
    inner, problem = _inside(path.parent, below, suffixes)
    return Listing(tuple(inner), {problem: 1} if problem else {})


def passed_over_text(counts: Mapping[str, int]) -> str:
    """``6 files passed over: .txt 3, no suffix 2, .md 1``; empty where there are none."""
    total = sum(counts.values())
    if not total:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {count}" for name, count in ordered[:_NAMED]]
    if len(ordered) > _NAMED:
        named.append(f"others {sum(count for _, count in ordered[_NAMED:])}")
    hint = "; unpack them: a .tar, and a .zip without compression, are read in place"
    return (
        f"{total} file{'s' if total > 1 else ''} passed over: {', '.join(named)}"
        f"{hint if COMPRESSED in counts else ''}"
    )


def _inside(root: Path, below: Path, suffixes: Collection[str]) -> tuple[list[str], str]:
    """The uris of the videos in a container, and what it is where others cannot be read."""
    found = contents_of(root / below, suffixes)
    return [_uri(root, below, one.member) for one in found.videos], found.problem


def _uri(root: Path, below: Path, member: str = "") -> str:
    """From the root; absolute where a relative one would be read as another."""
    for path in (below, root / below):
        uri = member_uri(path.as_posix(), member) if member else file_uri(path.as_posix())
        if not uri.startswith("file://"):
            break
    return uri


def _other(path: Path, below: Path, suffixes: Collection[str]) -> str:
    """What a path is called that is no video; empty for a video and for a folder."""
    is_file = path.is_file()
    if not is_file and not path.is_symlink():
        return ""
    if any(part.startswith(".") for part in below.parts):
        return "hidden"
    if not is_file:
        return "link to a folder" if path.is_dir() else "broken link"
    suffix = path.suffix.lower()
    if not suffixes or suffix in suffixes:
        return ""
    plain = suffix[1:].isascii() and suffix[1:].isalnum() and len(suffix) <= _LONGEST_SUFFIX
    return suffix if plain else "no suffix"
