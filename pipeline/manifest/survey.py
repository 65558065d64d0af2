"""Reads the annotation files of a source, and decides which of their videos can have a row."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.manifest.account import Account
from pipeline.manifest.adapters.adapter import Adapter, read_file
from pipeline.manifest.adapters.entry import Entry, Place, Unread, is_utf8
from pipeline.manifest.adapters.licences import Terms, Without
from pipeline.manifest.listed_file import Found, NotFound
from pipeline.manifest.reconcile.candidates import Candidate
from pipeline.manifest.reconcile.entry_store import VideoEntries
from pipeline.manifest.reconcile.hold_out import HeldOut
from pipeline.manifest.rules import Rules
from pipeline.manifest.video_files import VideoFiles
from pipeline.store.files.json_writer import JsonWriter
from pipeline.store.listing import paths_of

_SPLIT = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True)
class Wanted:
    """Which part of a dataset is wanted; all of it by default."""

    split: str = ""
    limit: int | None = None
    """The most rows; they are chosen by their hash ranks."""
    without: frozenset[Without] = frozenset()


@dataclass(frozen=True)
class Making:
    """The state of one source while its manifest is made; ``account`` counts what happens."""

    name: str
    adapter: Adapter
    rules: Rules
    wanted: Wanted
    licences: Mapping[str, Terms]
    rejects: JsonWriter
    account: Account

    def reject(self, name: str, pointer: str, reason: str, detail: str) -> None:
        """Writes a line to the file of rejects."""
        line = {"source": self.name, "name": name, "pointer": pointer}
        self.rejects.write(line | {"reason": reason, "detail": detail})

    def terms(self, platforms: Sequence[str]) -> Terms:
        """The terms of a video with these platform ids, of which the first counts."""
        own = self.licences[self.adapter.licence]
        return self.licences[own.platforms.get(_platform(platforms), self.adapter.licence)]

    def leave_out(self, entries: Sequence[Entry], reason: str) -> None:
        """Counts entries that are not wanted, and their annotations."""
        self.account.left_out[reason] += len(entries)
        self.account.without_row += sum(len(entry.annotations) for entry in entries)

    def reject_entry(self, entry: Entry, file: str, reason: str, detail: str) -> None:
        """Counts and writes an entry that becomes part of no row, and counts its annotations."""
        self.account.rejected[reason] += 1
        self.account.without_row += len(entry.annotations)
        self.reject(entry.name, _pointer(file, entry), reason, detail)


def read_entries(
    making: Making, annotations: Path, own: Collection[Path] = ()
) -> Iterator[tuple[str, Entry]]:
    """The entries that can have a row, each with its file; other entries are rejected here.

    ``own`` are files to pass over: an earlier manifest may lie in the folder.

    Raises:
        ConfigError: there is no annotation file.
    """
    account = making.account
    for kind in making.adapter.files:
        ours = {path.resolve() for path in own}
        found = _paths(kind.pattern, annotations)
        if not found and kind.copies:
            found = _paths(kind.copies, annotations)
        paths = [path for path in found if path.resolve() not in ours]
        if not paths:
            account.absent.append(kind.pattern)
        for path in paths:
            file = path.relative_to(annotations).as_posix() if path != annotations else path.name
            before = account.records
            for one in read_file(kind, path, partial(account.readings.__setitem__, file)):
                if isinstance(one, Unread):
                    account.unread[one.reason] += 1
                    making.reject("", f"{file}#{one.pointer}", one.reason, one.detail)
                    continue
                account.entries += 1
                for each in one.annotations:
                    account.annotations[each.kind, each.origin] += 1
                problem = _problem(one)
                if problem:
                    making.reject_entry(one, file, *problem)
                else:
                    yield file, one
            account.files[file] = account.files.get(file, 0) + account.records - before
    if not account.files:
        patterns = ", ".join(account.absent)
        raise ConfigError(f"--annotations: {annotations} has no file {patterns}")


def candidates_of(
    making: Making,
    number: int,
    videos: Sequence[VideoEntries],
    files: VideoFiles,
    held_out: HeldOut,
) -> Iterator[Candidate]:
    """The candidates of some hundred videos, with their files; ``number`` is that of their source.

    A video that is not wanted has one too: it may hold out videos of other sources.
    """
    places = [
        list(dict.fromkeys(place for _, entry in video.of_its_split for place in entry.places))
        for video in videos
    ]
    for video, its, found in zip(videos, places, files.find_all(places), strict=True):
        yield _candidate(making, number, video, its, _checked(found), held_out)


def _candidate(
    making: Making,
    number: int,
    video: VideoEntries,
    places: Sequence[Place],
    found: Found | NotFound,
    held_out: HeldOut,
) -> Candidate:
    account, wanted = making.account, making.wanted
    platforms = platform_ids(video.of_its_split)
    left_out = ""
    if wanted.without:
        left_out = making.terms(platforms).left_out(wanted.without, _platform(platforms))
    if wanted.split and video.split != wanted.split:
        left_out = "split"
    status, reason, detail = ("left_out", left_out, "") if left_out else ("", "", "")
    if video.unassigned and making.rules.unassigned == "refuse":
        status, reason, detail = "rejected", "no_split", "in no file"
    elif not left_out:
        covered = account.coverage.get(video.split)
        if covered is None:
            covered = account.coverage[video.split] = Counter()
        covered["with_file" if isinstance(found, Found) else found.reason] += 1
        if isinstance(found, NotFound):
            status, reason, detail = "rejected", found.reason, found.detail
    uri = found.uri if isinstance(found, Found) else ""
    clip = next((place.clip for place in places if place.clip is not None), None)
    every = platform_ids(video.entries)
    listed = None
    if held_out.lists:
        path = found.name if isinstance(found, Found) else ""
        known = (*every, *(one.partition(":")[2] for one in every), video.name)
        listed = held_out.find((*known, *(place.path for place in places), path))
    return Candidate(
        source=number,
        video_id=video_id_of(making, video),
        split=video.split,
        platform_ids=tuple(every),
        path=uri,
        clip=found.clip if isinstance(found, Found) else None,
        extent=f"{float(clip[0])}-{float(clip[1])}" if clip else "",
        listed=listed,
        status=status,
        reason=reason,
        detail=detail,
    )


def video_id_of(making: Making, video: VideoEntries) -> str:
    """The ``video_id`` of the row of a video."""
    return f"{making.name}/{video.name}"


def platform_ids(entries: Sequence[tuple[str, Entry]]) -> list[str]:
    """The platform ids of entries, in order, without repeats."""
    if len(entries) == 1:
        ((_, entry),) = entries
        return [entry.platform_id] if entry.platform_id else []
    return list(dict.fromkeys(entry.platform_id for _, entry in entries if entry.platform_id))


def _platform(platforms: Sequence[str]) -> str:
    return platforms[0].partition(":")[0] if platforms else ""


def _paths(pattern: str, annotations: Path) -> Sequence[Path]:
    """The files of a pattern: below a folder, or the path itself where it is a file that matches.

    An empty pattern stands for the path itself.
    """
    if not pattern:
        return [annotations]
    if annotations.is_dir():
        return [path for path in paths_of(annotations, pattern) if path.is_file()]
    return [annotations] if annotations.resolve().match(pattern) else []


def _problem(entry: Entry) -> tuple[str, str] | None:
    """Reason and detail of an entry that can have no row; None where it can."""
    if not entry.name.strip() or not is_utf8(entry.name + entry.platform_id):
        return "bad_name", ascii(entry.name)
    if not _SPLIT.fullmatch(entry.split):
        return "bad_split", f"{entry.split!r} has other than letters, digits and _"
    return None


def _checked(found: Found | NotFound) -> Found | NotFound:
    if isinstance(found, Found) and found.clip is not None:
        start_s, end_s = found.clip
        if not (isfinite(end_s) and 0 <= start_s < end_s):
            return NotFound("bad_clip", f"[{start_s}, {end_s}) of {found.path}")
    return found


def _pointer(file: str, entry: Entry) -> str:
    """The pointer of an entry: that of its first annotation, else its file."""
    return f"{file}#{entry.annotations[0].pointer}" if entry.annotations else file
