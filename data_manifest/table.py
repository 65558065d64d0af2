"""A table of your own: CSV, JSON Lines, a JSON list or Parquet; options name its columns.

Each row names a video and may have one annotation; rows of one name become one video. A column of
Parquet may hold the bytes of videos, alone or with their paths as the library ``datasets`` writes
them; then a video is read where it lies. The options
(``Columns`` in ``pipeline/manifest/adapters/columns.py``) are ``column=name of your column``, as in
``--option video=file --option text=caption --option start_s=begin``, and ``kind``, ``origin``,
``per_second``, ``resolution_s``, ``licence`` for all rows. ``pattern`` chooses the files below the
folder; by default all files of these four kinds are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, Rows
from pipeline.manifest.adapters.columns import Cells, Columns, by_column, entry_by, read_options
from pipeline.manifest.adapters.entry import Unread
from pipeline.manifest.adapters.layouts import UNASSIGNED, Reader, json_list, parquet_rows, table

READERS: Mapping[str, Callable[[str], Reader]] = {
    ".csv": lambda _: table,
    ".json": lambda _: json_list,
    ".jsonl": lambda _: json_list,
    ".parquet": parquet_rows,
}
"""Of the column that names videos, or holds their bytes."""


class Options(Columns):
    """The columns, and the files."""

    pattern: str = Field("", description="files below the folder, such as 'train/*.csv'")


def make(options: Mapping[str, str]) -> Adapter:
    """The adapter of tables with these columns.

    Raises:
        ConfigError: an option is unknown or its value is not valid.
    """
    found = read_options(Options, options)
    patterns = (found.pattern,) if found.pattern else tuple(f"**/*{end}" for end in READERS)
    rows, entry = _rows(found), entry_by(found)
    return Adapter(
        name="table",
        title="A table",
        files=tuple(AnnotationFile(one, rows, Cells, entry, UNASSIGNED) for one in patterns),
        proven=True,
        proof="options state what its columns mean",
        licence=found.licence,
    )


def _rows(columns: Columns) -> Callable[[Path], Rows]:
    def rows(path: Path) -> Iterator[tuple[str, Any]]:
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            known = ", ".join(READERS)
            yield "", Unread("", "unsupported", f"{path.name} does not end in one of {known}")
            return
        yield from by_column(reader(columns.video)(path), columns)

    return rows
