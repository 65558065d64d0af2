"""Copies of files that leave otherwise than they are: all else in them is as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpus.features import with_features
from pipeline.corpus.hub.leaks import LeakPatterns
from pipeline.corpus.hub.rows import URI, has_bytes
from pipeline.corpus.hub.uris import published_uri
from pipeline.corpus.parquet import open_parquet


def with_published_uris(path: Path, to: Path, roots: Sequence[str], leaks: LeakPatterns) -> None:
    """Writes a Parquet file again, row group by row group, with the uris that leave."""

    def changed(rows: pa.Table) -> pa.Table:
        place = rows.schema.get_field_index(URI)
        before: list[Any] = rows.column(URI).to_pylist()
        uris = [published_uri(uri, roots, leaks) for uri in before]
        field = rows.schema.field(place)
        return rows.set_column(place, field, pa.array(uris, field.type))

    _written_again(path, to, pq.read_schema(path), changed)


def without_pictures(path: Path, to: Path) -> None:
    """Writes a Parquet file again without the columns that hold bytes."""
    schema = pq.read_schema(path)
    kept = [field for field in schema if not has_bytes(field.type)]
    names = [field.name for field in kept]
    _written_again(path, to, with_features(pa.schema(kept)), lambda rows: rows.select(names))


def _written_again(
    path: Path, to: Path, schema: pa.Schema, changed: Callable[[pa.Table], pa.Table]
) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetFile(path) as file, open_parquet(to, schema) as out:
        for group in range(file.num_row_groups):
            rows = changed(file.read_row_group(group))
            out.write_table(rows.replace_schema_metadata(schema.metadata), rows.num_rows)
