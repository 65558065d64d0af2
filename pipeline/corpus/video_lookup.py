"""Looks up the videos that rows of annotation files name: duration, frame rate and frames."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pipeline.dialogue.tiling import DialogueError, Tiling, even_tiling
from pipeline.errors import ConfigError
from pipeline.media.base import Clip, MediaError, Still, StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.store.files.json_objects import object_of

MISSING, OUTSIDE = "missing_file", "outside"
SHOWN = 200
"""Characters of an invalid value that a message repeats."""

REMEMBERED = 4096
"""Durations that are cached: the rows of one video are mostly adjacent."""

LONGEST_S = 100_000.0
"""More than a day. Larger values are milliseconds or dates."""

MOST_TURNS = 1 << 16
"""Of a video, which are in memory at once: 18 hours at a turn a second."""

SHORTEST_S = 0.001
"""A shorter video shows no frame, and its frame rate would be no number."""


class VideoLookup:
    """Looks up videos in a list of durations, in the files of a folder, and in the row itself.

    The first of these that knows a duration decides. A file is looked for under the row's path,
    then its name, then the last part of its path.
    """

    def __init__(
        self,
        durations_s: Mapping[str, float],
        folder: Path | None = None,
        stills: StillsRequest | None = None,
    ) -> None:
        """With ``stills`` the frames of turns are read from the files of ``folder``, too."""
        self._durations_s = durations_s
        self._folder = folder
        self._media = DecodeProcess(folder) if folder else None
        self._request = stills
        self._last: tuple[str, list[Still], float] | None = None
        self._probed = lru_cache(REMEMBERED)(self._probe)
        self._headed = lru_cache(REMEMBERED)(self._header)

    def close(self) -> None:
        """Ends the child process that reads files."""
        if self._media is not None:
            self._media.close()

    def duration_s(self, name: str, path: str, stated_s: float | None = None) -> float:
        """The duration of a video in seconds; ``stated_s`` is what the row says.

        Raises:
            DialogueError: ``unknown_duration``, ``bad_duration``, or the reason why its file cannot
                be found or read.
        """
        known_s = self._listed_s(name, path)
        if known_s is None and self._folder is not None and self._media is not None:
            try:
                known_s = self._probed(self._found(name, path))
            except DialogueError as error:
                if stated_s is None or error.reason not in (MISSING, OUTSIDE):
                    raise
        if known_s is None:
            known_s = stated_s
        if known_s is None:
            raise DialogueError("unknown_duration", f"nothing says how long {name!r} is")
        return _checked(known_s)

    def known_duration_s(self, name: str, path: str, stated_s: float | None = None) -> float | None:
        """The same; None where it is unknown, or the file cannot be read."""
        try:
            return self.duration_s(name, path, stated_s)
        except DialogueError:
            return None

    def tiling(
        self, name: str, path: str, turns_per_s: float, stated_s: float | None = None
    ) -> Tiling:
        """The turns of a video, with the presentation times of the frames where they are read.

        Raises:
            DialogueError: ``too_many_turns``, and see ``duration_s``.
        """
        if self._request is None:
            duration_s = self.duration_s(name, path, stated_s)
            _check_turns(duration_s, turns_per_s)
            return even_tiling(name, duration_s, turns_per_s)
        _check_turns(self._probed(self._found(name, path)), turns_per_s)
        stills, end_s = self._stills(name, path)
        starts = (*(i / turns_per_s for i in range(len(stills))), end_s)
        frames = tuple(still.frame_s for still in stills)
        return Tiling(name, starts, frames, round(turns_per_s, 6))

    def jpegs(self, name: str, path: str) -> list[bytes]:
        """The frame of every turn, as JPEG files.

        Raises:
            DialogueError: the reason why the file cannot be read.
        """
        return [still.jpeg for still in self._stills(name, path)[0]]

    def official_frames(self, name: str, path: str, fps: float) -> tuple[int, float]:
        """Number and rate of the frames by the video's header; where only the duration is known,
        one frame every ``1 / fps`` seconds.

        Raises:
            DialogueError: ``too_many_turns``, and see ``duration_s``.
        """
        if self._folder is None or self._listed_s(name, path) is not None:
            duration_s = self.duration_s(name, path)
            _check_turns(duration_s, fps)
            return int(duration_s * fps + 1e-9), fps
        frames, rate = self._headed(self._found(name, path))
        if 0 < rate < float("inf"):
            _check_turns(_checked(frames / rate), fps)
        return frames, rate

    def rate(self, name: str, path: str) -> float | None:
        """Frames a second by the video's header; None where there is no file."""
        if self._folder is None:
            return None
        try:
            return self._headed(self._found(name, path))[1] or None
        except DialogueError:
            return None

    def uri(self, name: str, path: str) -> str:
        """The path of a video below the folder; the row's path or name where it is not there."""
        try:
            return self._found(name, path)
        except DialogueError:
            return path or name

    def _listed_s(self, name: str, path: str) -> float | None:
        keys = (path, name, _last_part(path))
        return next((self._durations_s[key] for key in keys if key in self._durations_s), None)

    def _probe(self, file: str) -> float:
        assert self._media is not None
        try:
            return self._media.probe(Clip(file)).duration_s
        except MediaError as error:
            raise DialogueError(error.reason, error.detail) from None

    def _header(self, file: str) -> tuple[int, float]:
        assert self._media is not None
        try:
            header = self._media.header(Clip(file))
        except MediaError as error:
            raise DialogueError(error.reason, error.detail) from None
        return header.frames, header.rate

    def _stills(self, name: str, path: str) -> tuple[list[Still], float]:
        if self._media is None or self._request is None:
            raise DialogueError("unknown_frames", f"no folder holds {name!r}")
        file = self._found(name, path)
        if self._last is None or self._last[0] != file:
            end_s = self._probed(file)
            try:
                stills = list(self._media.stills(Clip(file), self._request))
            except MediaError as error:
                raise DialogueError(error.reason, error.detail) from None
            self._last = (file, stills, end_s)
        return self._last[1], self._last[2]

    def _found(self, name: str, path: str) -> str:
        """The path of a video below the folder.

        Raises:
            DialogueError: ``missing_file``, or ``outside`` where a path leaves the folder.
        """
        if self._folder is None:
            raise DialogueError(MISSING, f"no folder holds {name!r}")
        root = self._folder.resolve()
        outside = ""
        for candidate in filter(None, (path, name, _last_part(path))):
            try:
                file = (root / candidate).resolve()
                if not file.is_relative_to(root):
                    outside = outside or candidate
                elif file.is_file():
                    return str(file.relative_to(root))
            except (OSError, ValueError):  # no file can have such a name
                continue
        if outside:
            raise DialogueError(OUTSIDE, f"{_shown(outside)} leaves the folder of videos")
        raise DialogueError(MISSING, f"{_shown(path or name)} is not in {self._folder}")


def read_durations(path: Path) -> Mapping[str, float]:
    """The durations in a file: a JSON object from names of videos to seconds.

    Raises:
        ConfigError: it is no such file; the message names the wrong key.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text, object_pairs_hook=object_of)
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"--durations: {path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"--durations: {path} must be an object of names and seconds")
    for name, seconds in found.items():
        number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
        if not number or not 0 < seconds < sys.float_info.max:
            raise ConfigError(f"--durations: {name}: {_shown(seconds)} is no number of seconds")
    return {name: float(seconds) for name, seconds in found.items()}


def _checked(duration_s: float) -> float:
    if not SHORTEST_S <= duration_s <= LONGEST_S:
        raise DialogueError("bad_duration", f"{duration_s:g} s is no length of a video")
    return duration_s


def _check_turns(duration_s: float, turns_per_s: float) -> None:
    if duration_s * turns_per_s > MOST_TURNS:
        detail = f"{duration_s:g} s at {turns_per_s:g} turns a second are over {MOST_TURNS} turns"
        raise DialogueError("too_many_turns", f"{detail}: give a lower --fps, or cut the video")


def _last_part(path: str) -> str:
    return path.rpartition("/")[2]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
