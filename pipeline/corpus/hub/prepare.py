"""Copies of files that leave otherwise than they are: all else in them is as it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from pipeline.corpus.features import with_features
from pipeline.corpus.hub.leaks import LeakPatterns
from pipeline.corpus.hub.rows import has_bytes
from pipeline.corpus.hub.uris import published_files
from pipeline.corpus.layout import FRAMES
from pipeline.corpus.parquet import open_parquet
from pipeline.corpus.picture import without_picture

_WITHOUT_FRAMES = (
    "> This repository holds the annotations, not the frames. `uri`, `sha256` and `frame_s` of a"
    " row name the video and the frame of each turn.\n"
)


def with_published_uris(path: Path, to: Path, roots: Sequence[str], leaks: LeakPatterns) -> None:
    """Writes a Parquet file again, row group by row group, with the uris that leave."""

    def changed(rows: pa.Table) -> pa.Table:
        columns = {field.name: rows.column(field.name) for field in rows.schema}
        for name, values in published_files(columns, roots, leaks).items():
            place = rows.schema.get_field_index(name)
            field = rows.schema.field(place)
            rows = rows.set_column(place, field, pa.array(values, field.type))
        return rows

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


def without_frames(card: str) -> str:
    """The card of a corpus whose frames stay: no config names them, it has no picture, and the body
    says so."""
    card = without_picture(card)
    _, opened, text = card.partition("---\n")
    header, closed, body = text.partition("\n---\n")
    if not card.startswith(opened) or not closed:
        header, body = "{}", card
    about = yaml.safe_load(header)
    if isinstance(about, dict) and "configs" in about:
        about["configs"] = [each for each in about["configs"] if each["config_name"] != FRAMES]
        header = yaml.safe_dump(about, sort_keys=False, allow_unicode=True).rstrip("\n")
    before, mark, rest = body.partition("# ")
    title, end, after = rest.partition("\n")
    return f"---\n{header}\n---\n{before}{mark}{title}{end}\n{_WITHOUT_FRAMES}{after}"
