"""Which files of a folder are videos by their names, and what the others are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

_LONGEST_SUFFIX = 16
_NAMED = 8
"""So many suffixes are named in a text."""


@dataclass(frozen=True)
class Listing:
    """``videos``: paths below the folder, sorted. ``passed_over``: how many other files there are,
    by suffix in lower case, ``no suffix``, ``hidden``, ``link to a folder`` or ``broken link``."""

    videos: tuple[str, ...]
    passed_over: Mapping[str, int]


def list_folder(root: Path, suffixes: Collection[str]) -> Listing:
    """All files below a folder; those with one of the suffixes (lower case, with the dot) are
    videos, or, without suffixes, all. Links to folders are not followed, and what is hidden is no
    video."""
    videos: list[Path] = []
    passed_over: Counter[str] = Counter()
    for path in root.rglob("*"):
        below = path.relative_to(root)
        if other := _other(path, below, suffixes):
            passed_over[other] += 1
        elif path.is_file():
            videos.append(below)
    return Listing(tuple(path.as_posix() for path in sorted(videos)), passed_over)


def passed_over_text(counts: Mapping[str, int]) -> str:
    """``6 files passed over: .txt 3, no suffix 2, .md 1``; empty where there are none."""
    total = sum(counts.values())
    if not total:
        return ""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} {count}" for name, count in ordered[:_NAMED]]
    if len(ordered) > _NAMED:
        named.append(f"others {sum(count for _, count in ordered[_NAMED:])}")
    return f"{total} file{'s' if total > 1 else ''} passed over: {', '.join(named)}"


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
