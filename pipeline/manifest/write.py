"""Writes manifests as JSON Lines or Parquet, row by row; a file appears only when complete."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from pipeline.records import ManifestRow
from pipeline.records.schema import schema_of, to_table
from pipeline.store.durable import naming, put_file, remove_abandoned, unfinished
from pipeline.store.files.json_writer import JsonWriter

ENDINGS = (".jsonl", ".parquet")
_ROWS_AT_ONCE = 1000

Write = Callable[[ManifestRow], None]


class ManifestFiles(ExitStack):
    """One manifest, or with ``by_licence`` one for each family of licences.

    The files appear when the ``with`` block ends without an error. The file of a family is
    ``<stem>.<family><suffix>`` beside ``path``.
    """

    def __init__(self, path: Path, *, by_licence: bool) -> None:
        """``path`` ends in one of ``ENDINGS``."""
        super().__init__()
        self.path = path
        self.written: list[Path] = []
        self._by_licence = by_licence
        self._writers: dict[str, Write] = {}

    def __enter__(self) -> ManifestFiles:
        """Opens the one manifest; those of families are opened by their first rows."""
        if not self._by_licence:
            self._open("", self.path)
        return self

    def write(self, row: ManifestRow, family: str) -> None:
        """Adds a row.

        Raises:
            OSError: the file cannot be written.
        """
        name = family if self._by_licence else ""
        if name not in self._writers:
            self._open(name, self.path.with_name(f"{self.path.stem}.{name}{self.path.suffix}"))
        self._writers[name](row)

    def _open(self, name: str, path: Path) -> None:
        writer = _parquet if path.suffix == ".parquet" else _json_lines
        self._writers[name] = self.enter_context(writer(path))
        self.written.append(path)


@contextmanager
def _json_lines(path: Path) -> Iterator[Write]:
    """Fields with their defaults are left out, as in a manifest written by hand."""
    with JsonWriter(path) as lines:
        yield lambda row: lines.write(row.model_dump(exclude_defaults=True))


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    remove_abandoned(path)
    temporary = unfinished(path)
    rows: list[ManifestRow] = []

    def flush() -> None:
        file.write_table(to_table(ManifestRow, rows))
        rows.clear()

    def write(row: ManifestRow) -> None:
        rows.append(row)
        if len(rows) >= _ROWS_AT_ONCE:
            flush()

    try:
        with (
            naming(path),
            pq.ParquetWriter(temporary, schema_of(ManifestRow), compression="zstd") as file,
        ):
            yield write
            flush()
        put_file(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
