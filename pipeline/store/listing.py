"""Which files a folder of this machine has, where ``Path.glob`` would leave some out in silence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

_ANY_FOLDERS = "**"
_WILD = frozenset("*?[")


def _fail(error: OSError) -> None:
    raise error


def paths_of(folder: Path, pattern: str, refused: Callable[[OSError], None] = _fail) -> list[Path]:
    """The paths below a folder that a pattern names, sorted; none where there is no such folder.

    A pattern is that of ``Path.glob``: names with ``*``, and ``**`` for any folders, none that is
    a link. ``refused`` is told why a folder cannot be listed; what it holds is left out.

    Raises:
        OSError: a folder cannot be listed, and ``refused`` was not given.
    """
    parts = PurePath(pattern).parts
    return sorted(set(_below(folder, parts, refused))) if folder.is_dir() else []


def _below(
    folder: Path, parts: Sequence[str], refused: Callable[[OSError], None]
) -> Iterator[Path]:
    part, *rest = parts
    if not _WILD & {*part}:
        if (folder / part).exists():
            yield from _below(folder / part, rest, refused) if rest else [folder / part]
        return
    try:
        with os.scandir(folder) as listed:
            entries = list(listed)
    except NotADirectoryError:
        return
    except OSError as error:
        refused(error)
        return
    if part == _ANY_FOLDERS:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), parts, refused)
        if rest:
            yield from _below(folder, rest, refused)
        return
    for entry in entries:
        if fnmatchcase(entry.name, part):
            if not rest:
                yield Path(entry.path)
            elif entry.is_dir():
                yield from _below(Path(entry.path), rest, refused)
