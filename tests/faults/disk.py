"""What a disk holds after a loss of power: of what was written only what was synced is certain.

A file's bytes are certain once the file was synced, a name once its folder was. The rest may be
there or not, as a cut decides.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Literal

Left = Literal["synced", "named", "any"]
"""What a cut leaves: ``synced`` nothing that was not synced; ``named`` also all new names, of files
whose bytes are not there; ``any`` in each folder and file one or the other, by chance."""

Names = dict[str, int]


class Disk:
    """Follows what is synced below a folder. All that is there at first is certain."""

    def __init__(self, root: Path) -> None:
        """``root`` is a folder that nobody else writes to."""
        self._root = root
        self._content: dict[int, bytes] = {}
        self._names: dict[int, Names] = {}
        self._links: dict[int, str] = {}
        self._held: list[int] = []
        for folder, _, files in os.walk(root):
            for path in (Path(folder), *(Path(folder) / name for name in files)):
                if not path.is_symlink():
                    place = os.open(path, os.O_RDONLY)
                    self.synced(place)
                    os.close(place)

    def synced(self, place: int) -> None:
        """An open file or folder was synced."""
        about = os.fstat(place)
        self._held.append(os.dup(place))  # or another file might get its number
        if stat.S_ISDIR(about.st_mode):
            self._names[about.st_ino] = self._listed(place)
        else:
            self._content[about.st_ino] = Path(f"/proc/self/fd/{place}").read_bytes()

    def write_to(self, target: Path, left: Left, chance: Random) -> None:
        """Write what is left after a cut to a new folder."""
        now: dict[int, tuple[Names | None, Callable[[], bytes]]] = {}
        for folder, folders, files in os.walk(self._root):
            for path in (Path(folder), *(Path(folder) / name for name in (*folders, *files))):
                if not path.is_symlink():
                    self._note(path, now)
        self._write(target, self._root.stat().st_ino, now, left, chance)

    def _note(self, path: Path, now: dict[int, tuple[Names | None, Callable[[], bytes]]]) -> None:
        if path.is_dir():
            place = os.open(path, os.O_RDONLY)
            now[path.stat().st_ino] = (self._listed(place), bytes)
            os.close(place)
        else:
            now[path.stat().st_ino] = (None, path.read_bytes)

    def _listed(self, folder: int) -> Names:
        found = {}
        for name in sorted(os.listdir(folder)):
            about = os.stat(name, dir_fd=folder, follow_symlinks=False)
            found[name] = about.st_ino
            if stat.S_ISLNK(about.st_mode):
                self._links[about.st_ino] = os.readlink(name, dir_fd=folder)
        return found

    def _write(
        self,
        target: Path,
        number: int,
        now: dict[int, tuple[Names | None, Callable[[], bytes]]],
        left: Left,
        chance: Random,
    ) -> None:
        current, read = now.get(number, (None, bytes))
        if number in self._links:
            target.symlink_to(self._links[number])
        elif number in self._names or current is not None:
            certain = self._names.get(number, {})
            fresh = left == "named" or (left == "any" and chance.random() < 0.5)
            target.mkdir()
            for name, below in (certain if current is None or not fresh else current).items():
                self._write(target / name, below, now, left, chance)
        else:
            content = self._content.get(number, b"")
            if left == "any" and number in now:
                # What is appended gets there from its beginning.
                some = read()[: (len(content) + len(read())) // 2]
                appended = [some] if some.startswith(content) else []
                content = chance.choice([content, read(), *appended])
            target.write_bytes(content)
