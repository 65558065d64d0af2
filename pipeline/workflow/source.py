"""Reads a manifest: a JSONL or Parquet file, a folder of videos, one video, or the scripted scenes.

Rows are not parsed here: ``ingest`` accepts or rejects each by itself. They are read anew for each
pass, and never held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

import ffmpeg
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.media.folder import Listing, list_file, list_folder, passed_over_text
from pipeline.media.member import container_kind
from pipeline.media.scenes.render import render_scenes
from pipeline.store.files.parquet_rows import ROW_BYTES, ParquetLimitError, bounded_rows
from pipeline.store.files.signatures import HEAD_BYTES, PARQUET, what_it_is
from pipeline.store.location import Location
from pipeline.workflow.config import SourceSection
from pipeline.workflow.raw_rows import (
    LONGEST_LINE_BYTES,
    MOST_KEYS,
    RawRow,
    RefusedRow,
    bounded_lines,
    named_row,
    parsed_line,
    row_problem,
)

Refusal = Callable[[RawRow], str]
"""Why a row is turned down whatever its file is; empty where it is not."""


@dataclass(frozen=True)
class Source:
    """The rows of a manifest, and the folder that their relative paths are relative to."""

    rows: Iterable[RawRow]
    """Each iteration reads them anew."""
    root: Location
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """Of a folder: how many files are no videos by their names, when the source was read; see
    ``pipeline.media.folder``."""

    def shards(self, videos_per_shard: int) -> Iterator[tuple[RawRow, ...]]:
        """All rows in slices of ``videos_per_shard``; the last may be shorter."""
        rows = iter(self.rows)
        while shard := tuple(islice(rows, videos_per_shard)):
            yield shard


def read_source(
    section: SourceSection, limit: int | None = None, refusal: Refusal | None = None
) -> Source:
    """The first ``limit`` rows of the source, in its own order; a folder is sorted by path.

    Each row is plain JSON data with a ``video_id``, by default made of its uri and clip. A line
    that is not a JSON object, has a key twice or values that JSON or UTF-8 cannot hold, becomes
    ``{"video_id": "row 17", "unreadable": reason}``. A row with the ``video_id`` of one that came
    before becomes ``{"video_id": id, "duplicate_of": "row 3"}``. Rows count from 1, in JSONL by
    lines.

    A row that will be turned down whatever its file is (``refusal`` says why) is a ``RefusedRow``,
    whose file nobody looks for. It holds no id: the next of that id is no duplicate. One whose file
    cannot be used does hold it, since a part depends on its own rows and files and on those of no
    other shard.

    Scenes are rendered here where they are not there yet, for a plan too: the names of parts
    depend on the sizes of the videos.

    Raises:
        ConfigError: the file or folder does not exist, is empty, or is something else. An
            iteration over the rows raises it too, at its end, where none of them can be read.
        OSError: the place of the source cannot be read, or that of the scenes not written. So does
            an iteration.
    """
    place = Location.of(section.path)
    passed_over: Mapping[str, int] = {}
    match section.kind:
        case "scenes":
            try:
                place = Location.of(render_scenes(Path(place)))
            except (ffmpeg.Error, OSError) as error:
                raise _fault("scenes cannot be rendered to", place, error) from error
            root = place.parent
        case "manifest":
            _check_manifest(place)
            root = place.parent
        case "folder":
            if place.path is None:
                raise ConfigError(
                    f"source.path: not supported: a folder at {place}; list it in a manifest"
                )
            if not (place.path.is_dir() or place.path.is_file()):
                raise ConfigError(f"source.path: there is no folder or video {place}")
            root = place if place.path.is_dir() else place.parent
            listing = _listing(section, place.path)
            passed_over = listing.passed_over
            if not listing.videos:
                others = passed_over_text(passed_over) or "it is empty"
                raise ConfigError(f"source.path: no videos in {place}; {others}")
    rows = _Rows(section, place, limit, refusal)
    next(iter(rows), None)
    root = Location.of(Path(root).resolve()) if root.path else root
    return Source(rows, root, passed_over)


def _check_manifest(place: Location) -> None:
    """Raises ConfigError for what is no manifest, with what to do."""
    one_row = f'or write a manifest of one row: {{"uri": "{place.name}"}}'
    if place.path is not None and place.path.is_dir():
        raise ConfigError(
            f"source.path: {place} is a folder: set source.kind=folder to take the videos in it"
        )
    absent = ConfigError(f"source.path: there is no manifest {place}")
    if place.path is not None and not place.path.is_file():
        raise absent
    try:
        with place.open() as file:
            what = what_it_is(file.read(HEAD_BYTES))
    except FileNotFoundError:
        raise absent from None
    except ConfigError:
        raise
    except Exception as error:  # each client of a store has errors of its own
        raise _fault("it cannot be read:", place, error) from error
    if what == "a video" or place.suffix.lower() in VIDEO_SUFFIXES:
        raise ConfigError(
            f"source.path: {place} is a video, not a manifest: set source.kind=folder, {one_row}"
        )
    if container_kind(place.name) in ("tar", "zip"):
        raise ConfigError(
            f"source.path: {place} is an archive, not a manifest: set source.kind=folder to take"
            " the videos in it"
        )
    if what:
        todo = "save it as UTF-8" if "UTF-16" in what else "unpack it first"
        raise ConfigError(f"source.path: {place} is {what}: {todo}")


@dataclass(frozen=True)
class _Rows:
    """The rows that ``read_source`` describes."""

    section: SourceSection
    place: Location
    limit: int | None
    refusal: Refusal | None

    def __iter__(self) -> Iterator[RawRow]:
        first: RawRow | None = None
        any_read = False
        for row in islice(_unique(self._numbered(), self.refusal), self.limit):
            any_read = any_read or "unreadable" not in row
            first = first or row
            yield row
        if first is None:
            raise ConfigError(f"source.path: no videos in {self.place}")
        if not any_read:
            problem = f"{first['video_id']}: {first['unreadable']}"
            raise ConfigError(f"source.path: no row of {self.place} can be read; {problem}")

    def _numbered(self) -> Iterator[tuple[int, RawRow | str]]:
        try:
            yield from self._read()
        except ConfigError:
            raise
        except Exception as error:  # see ``_check_manifest``
            if self.place.path is not None and not isinstance(error, OSError):
                raise
            raise _fault("it cannot be read:", self.place, error) from error

    def _read(self) -> Iterator[tuple[int, RawRow | str]]:
        if self.section.kind == "folder":
            return enumerate(_folder(self.section, Path(self.place)), 1)
        if _is_parquet(self.place):
            return enumerate(_parquet(self.place), 1)
        return _jsonl(self.place)


def _fault(what: str, place: Location, error: Exception) -> OSError:
    """A fault of a place, with what was to be done there and why it could not."""
    cause = str(error)
    if isinstance(error, ffmpeg.Error):
        cause = f"ffmpeg: {(error.stderr or b'').decode(errors='replace').strip()[-200:]}"
    elif isinstance(error, OSError) and error.strerror:
        cause = error.strerror
    return OSError(f"source.path: {what} {place}: {cause or type(error).__name__}")


def _is_parquet(place: Location) -> bool:
    """By its name or its first bytes."""
    if place.suffix == ".parquet":
        return True
    with place.open() as file:
        return file.read(len(PARQUET)) == PARQUET


def _jsonl(place: Location) -> Iterator[tuple[int, RawRow | str]]:
    """Each line that is not blank, with its number: its row, or why it cannot be read."""
    with place.open() as lines:
        for number, line in bounded_lines(lines):
            if line is None:
                yield number, f"longer than {LONGEST_LINE_BYTES} bytes"
                continue
            if not line.strip():
                continue
            try:
                row = parsed_line(line)
            except ValueError as error:
                yield number, str(error)
                continue
            yield number, row if isinstance(row, dict) else "not a JSON object"


def _parquet(place: Location) -> Iterator[RawRow | str]:
    try:
        with place.open() as stream:
            about = pq.read_metadata(stream)
            if (columns := about.num_columns) > MOST_KEYS:
                raise ConfigError(f"source.path: {place}: {columns} columns, at most {MOST_KEYS}")
            names = Counter(about.schema.to_arrow_schema().names)
            if twice := next((name for name, count in names.items() if count > 1), None):
                raise ConfigError(f"source.path: {place}: the column {twice!r} is there twice")
            stream.seek(0)
            for row in bounded_rows(stream):
                yield f"larger than {ROW_BYTES} bytes" if row is None else _without_nulls(row)
    except ParquetLimitError as error:
        raise ConfigError(f"source.path: {place}: {error}") from None
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(f"source.path: {place} is not Parquet: {error}") from None


def _without_nulls(value: Any) -> Any:
    """Parquet has the same keys in all rows and annotations: a null is a key left out."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _folder(section: SourceSection, place: Path) -> Iterator[RawRow]:
    """The videos of a folder, or of the one file that is named itself."""
    for name in _listing(section, place).videos:
        yield {
            "video_id": name,
            "uri": name,
            "source": section.source,
            "licence": section.licence,
            "split": section.split,
        }


def _listing(section: SourceSection, place: Path) -> Listing:
    return (list_folder if place.is_dir() else list_file)(place, section.suffixes)


def _unique(rows: Iterable[tuple[int, RawRow | str]], refusal: Refusal | None) -> Iterator[RawRow]:
    # The ids are held as digests, because there may be millions.
    first: dict[bytes, int] = {}
    for number, raw in rows:
        row = {} if isinstance(raw, str) else named_row(raw, number)
        problem = raw if isinstance(raw, str) else row_problem(row)
        if problem:
            yield {"video_id": f"row {number}", "unreadable": problem}
            continue
        if refusal and refusal(row):
            yield RefusedRow(row)
            continue
        known = first.setdefault(blake2b(row["video_id"].encode(), digest_size=16).digest(), number)
        if known != number:
            row = {"video_id": row["video_id"], "duplicate_of": f"row {known}"}
        yield row
