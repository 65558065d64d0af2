"""The videos that rows of annotation files name: how long they are, and what they show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pipeline.dialogue.tiling import DialogueError, Tiling, even_tiling
from pipeline.media.base import Clip, Media, MediaError, Still, StillsRequest
from pipeline.media.container_count import container_count
from pipeline.suggest import ConfigError

REMEMBERED = 4096
"""Durations kept at hand: rows of one video mostly stand together."""


class Videos:
    """What is known of videos: by a list of durations, by the files of a folder, by the row itself.

    The first that knows decides. A file is looked for under the path that a row gives, then under
    its name.
    """

    def __init__(
        self,
        durations_s: Mapping[str, float],
        folder: Path | None = None,
        media: Media | None = None,
        stills: StillsRequest | None = None,
    ) -> None:
        """``media`` reads the files of ``folder``; with ``stills``, the frames of turns too."""
        self._durations_s = durations_s
        self._folder = folder
        self._media = media
        self._request = stills
        self._last: tuple[str, list[Still], float] | None = None
        self._probed = lru_cache(REMEMBERED)(self._probe)

    def duration_s(self, name: str, path: str, stated_s: float | None = None) -> float:
        """Of a video, in seconds.

        Raises:
            DialogueError: ``unknown_duration``, or the reason why its file cannot be read.
        """
        known = self._durations_s.get(name, self._durations_s.get(_last_part(path)))
        if known is not None:
            return known
        if self._folder is not None and self._media is not None:
            return self._probed(name, path)
        if stated_s is not None:
            return stated_s
        raise DialogueError("unknown_duration", f"nothing says how long {name!r} is")

    def known_duration_s(self, name: str, path: str, stated_s: float | None = None) -> float | None:
        """The same; None where nothing says it, or its file cannot be read."""
        try:
            return self.duration_s(name, path, stated_s)
        except DialogueError:
            return None

    def tiling(
        self, name: str, path: str, turns_per_s: float, stated_s: float | None = None
    ) -> Tiling:
        """The turns of a video; with the true times of their frames where frames are read.

        Raises:
            DialogueError: see ``duration_s``.
        """
        if self._request is None:
            return even_tiling(name, self.duration_s(name, path, stated_s), turns_per_s)
        stills, end_s = self._stills(name, path)
        starts = (*(i / turns_per_s for i in range(len(stills))), end_s)
        return Tiling(name, starts, tuple(still.frame_s for still in stills))

    def jpegs(self, name: str, path: str) -> list[bytes]:
        """The frame of every turn.

        Raises:
            DialogueError: the reason why the file cannot be read.
        """
        return [still.jpeg for still in self._stills(name, path)[0]]

    def official_frames(self, name: str, path: str, fps: float) -> tuple[int, float]:
        """The frames that the header of a video counts, and their rate; of a video of which only
        the duration is known, as many as ``fps`` gives.

        Raises:
            DialogueError: see ``duration_s``.
        """
        if self._folder is None or name in self._durations_s:
            return int(self.duration_s(name, path) * fps + 1e-9), fps
        try:
            return container_count(self._folder / self._found(name, path))
        except MediaError as error:
            raise DialogueError(error.reason, error.detail) from None

    def rate(self, name: str, path: str) -> float | None:
        """The frames a second by the header of a video; None where no file is known."""
        if self._folder is None:
            return None
        try:
            return container_count(self._folder / self._found(name, path))[1] or None
        except (MediaError, DialogueError):
            return None

    def _probe(self, name: str, path: str) -> float:
        assert self._media is not None
        try:
            return self._media.probe(Clip(self._found(name, path))).duration_s
        except MediaError as error:
            raise DialogueError(error.reason, error.detail) from None

    def _stills(self, name: str, path: str) -> tuple[list[Still], float]:
        if self._media is None or self._request is None:
            raise DialogueError("unknown_frames", f"no folder holds {name!r}")
        file = self._found(name, path)
        if self._last is None or self._last[0] != file:
            end_s = self._probed(name, path)
            try:
                stills = list(self._media.stills(Clip(file), self._request))
            except MediaError as error:
                raise DialogueError(error.reason, error.detail) from None
            self._last = (file, stills, end_s)
        return self._last[1], self._last[2]

    def _found(self, name: str, path: str) -> str:
        """The path below the folder.

        Raises:
            DialogueError: ``missing_file``, or ``outside`` the folder.
        """
        if self._folder is None:
            raise DialogueError("missing_file", f"no folder holds {name!r}")
        root = self._folder.resolve()
        for candidate in filter(None, (path, name, _last_part(path))):
            file = (root / candidate).resolve()
            if not file.is_relative_to(root):
                raise DialogueError("outside", f"{candidate!r} leaves the folder of videos")
            if file.is_file():
                return str(file.relative_to(root))
        raise DialogueError("missing_file", f"{path or name!r} is not in {self._folder}")


def read_durations(path: Path) -> Mapping[str, float]:
    """The durations in a file: a JSON object, name of a video to seconds.

    Raises:
        ConfigError: it is not such a file; the message names the key that is wrong.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"--durations: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"--durations: {path} must be an object of names and seconds")
    for name, seconds in found.items():
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or not 0 < seconds < float("inf"):
            raise ConfigError(f"--durations: {name}: {seconds!r} is not a number of seconds")
    return {name: float(seconds) for name, seconds in found.items()}


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]
