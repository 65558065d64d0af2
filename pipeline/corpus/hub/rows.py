"""What rows of a corpus hold that decides whether they leave: read once, column by column."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpus.hub.leaks import Leak, LeakPatterns
from pipeline.corpus.hub.uris import published_uri
from pipeline.corpus.layout import CorpusError
from pipeline.engines.base import for_training

URI = "uri"
_BATCH_ROWS = 1024
_IDS = ("sample_id", "session_id", "request_id", "video_id")
_NEEDED = ("sample_id", "task", "split", "source", "licence", "models", URI)


class Found(NamedTuple):
    """A leak, and the place of it."""

    file: str
    column: str
    """Such as ``turns.text``; the number of a line in a file of text."""
    row: str
    """The ``sample_id`` of a row; empty in a file of text."""
    leak: Leak


@dataclass
class RowFacts:
    """What was found in files so far."""

    rows: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By task and split."""
    licences: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows by source and licence."""
    not_for_training: int = 0
    """Rows that the embedded engine had a part in."""
    uris: int = 0
    """Rows whose uri leaves as something else."""
    found: dict[tuple[str, str, str], Found] = field(default_factory=dict)
    """The first leak of each file, column and kind."""
    times: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many rows or lines have it."""

    def add(self, found: Found) -> None:
        """Notes a leak; the first of its place is kept."""
        place = found.file, found.column, found.leak.kind
        self.found.setdefault(place, found)
        self.times[place] += 1


def read_rows(
    facts: RowFacts, path: Path, name: str, leaks: LeakPatterns, roots: Sequence[str]
) -> bool:
    """Adds what a Parquet file of a corpus holds; whether a uri of it leaves as something else.

    Raises:
        CorpusError: ``unreadable``: it cannot be read, or lacks a column.
    """
    changed = 0
    try:
        with pq.ParquetFile(path) as file:
            if missing := sorted(set(_NEEDED) - set(file.schema_arrow.names)):
                raise CorpusError("unreadable", f"{name} has no column {', '.join(missing)}")
            _read_footer(facts, file.schema_arrow, name, leaks)
            for batch in file.iter_batches(_BATCH_ROWS):
                changed += _read_batch(facts, batch, name, leaks, roots)
    except (OSError, pa.ArrowException) as error:
        raise CorpusError("unreadable", f"{name}: {error}") from error
    facts.uris += changed
    return bool(changed)


def read_other_rows(facts: RowFacts, path: Path, name: str, leaks: LeakPatterns) -> None:
    """Adds the leaks of a Parquet file that is made of the rows of others, and counts none.

    Raises:
        CorpusError: ``unreadable``.
    """
    try:
        with pq.ParquetFile(path) as file:
            ids = next((each for each in _IDS if each in file.schema_arrow.names), None)
            if ids is None:
                raise CorpusError("unreadable", f"{name} has no column {' or '.join(_IDS)}")
            _read_footer(facts, file.schema_arrow, name, leaks)
            texts = [field.name for field in file.schema_arrow if not has_bytes(field.type)]
            for batch in file.iter_batches(_BATCH_ROWS, columns=texts):
                _read_texts(
                    facts, batch, list(map(str, batch.column(ids).to_pylist())), name, leaks
                )
    except (OSError, pa.ArrowException) as error:
        raise CorpusError("unreadable", f"{name}: {error}") from error


def holds_frames(path: Path) -> bool:
    """Whether a Parquet file has bytes in a column, which are frames or videos.

    Raises:
        CorpusError: ``unreadable``.
    """
    try:
        return any(map(has_bytes, pq.read_schema(path).types))
    except (OSError, pa.ArrowException) as error:
        raise CorpusError("unreadable", f"{path.name}: {error}") from error


def read_text(facts: RowFacts, text: str, name: str, leaks: LeakPatterns) -> None:
    """Adds what is found in a file of text."""
    for number, line in enumerate(text.splitlines(), 1):
        for leak in leaks.leaks(line):
            facts.add(Found(name, f"line {number}", "", leak))


def read_tar(facts: RowFacts, path: Path, name: str, leaks: LeakPatterns) -> None:
    """Adds what the texts of a tar hold.

    Raises:
        CorpusError: ``unreadable``.
    """
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                if not member.name.endswith(".json") or (file := tar.extractfile(member)) is None:
                    continue
                for column, text in sorted(set(_texts_in(json.load(file), ""))):
                    for leak in leaks.leaks(text):
                        facts.add(Found(name, column, member.name, leak))
    except (OSError, EOFError, tarfile.TarError, ValueError) as error:
        raise CorpusError("unreadable", f"{name}: {error}") from error


def _read_footer(facts: RowFacts, schema: pa.Schema, name: str, leaks: LeakPatterns) -> None:
    for key, value in (schema.metadata or {}).items():
        for leak in leaks.leaks(f"{key.decode()} {value.decode(errors='replace')}"):
            facts.add(Found(name, "footer", "", leak))


def _read_batch(
    facts: RowFacts, batch: pa.RecordBatch, name: str, leaks: LeakPatterns, roots: Sequence[str]
) -> int:
    column: Mapping[str, list[Any]] = {each: batch.column(each).to_pylist() for each in _NEEDED}
    facts.rows.update(zip(column["task"], column["split"], strict=True))
    facts.licences.update(zip(column["source"], column["licence"], strict=True))
    facts.not_for_training += sum(not for_training(models) for models in column["models"])
    uris = [published_uri(uri, roots, leaks) for uri in column[URI]]
    for sample_id, uri in zip(column["sample_id"], uris, strict=True):
        for leak in leaks.leaks(uri):
            facts.add(Found(name, URI, sample_id, leak))
    _read_texts(facts, batch.drop_columns([URI]), column["sample_id"], name, leaks)
    return sum(a != b for a, b in zip(uris, column[URI], strict=True))


def _read_texts(
    facts: RowFacts, batch: pa.RecordBatch, ids: Sequence[str], name: str, leaks: LeakPatterns
) -> None:
    for field_ in batch.schema:
        for at, where, leak in _in_column(field_.name, batch.column(field_.name), leaks, None):
            facts.add(Found(name, where, ids[at], leak))


def _in_column(
    name: str, values: Any, leaks: LeakPatterns, rows: Any
) -> Iterator[tuple[int, str, Leak]]:
    """Row, column and leak of each text below a column; ``rows`` has the row of each value."""
    if isinstance(values, pa.ExtensionArray):  # JSON is text
        values = values.storage
    kind = values.type
    if pa.types.is_struct(kind):
        for index, inner in enumerate(values.flatten()):
            yield from _in_column(f"{name}.{kind.field(index).name}", inner, leaks, rows)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parents = pc.list_parent_indices(values)
        inner_rows = parents if rows is None else rows.take(parents)
        yield from _in_column(name, values.flatten(), leaks, inner_rows)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        unique = pc.unique(values)
        hit = unique.filter(pc.match_substring_regex(unique, leaks.all))
        if not len(hit):
            return
        seen: set[tuple[int, str]] = set()
        for position in pc.indices_nonzero(pc.is_in(values, hit)).to_pylist():
            row = position if rows is None else rows[position].as_py()
            for leak in leaks.leaks(values[position].as_py()):
                if (row, leak.kind) not in seen:
                    seen.add((row, leak.kind))
                    yield row, name, leak


def has_bytes(kind: Any) -> bool:
    """Whether values of an Arrow type hold bytes, which are frames or videos."""
    inner = [kind.field(index).type for index in range(kind.num_fields)]
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or any(map(has_bytes, inner))


def _texts_in(value: Any, name: str) -> Iterable[tuple[str, str]]:
    """Every text in a value of JSON, with its path; items of lists have no number."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield name, str(key)
            yield from _texts_in(inner, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner, name)
