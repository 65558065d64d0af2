"""Manifests on disk: JSON Lines or Parquet, a row at a time, whole or not at all."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

import pyarrow.parquet as pq

from pipeline.records import ManifestRow
from pipeline.records.schema import schema_of, to_table
from pipeline.store.files.json_writer import JsonWriter

ENDINGS = (".jsonl", ".parquet")
_ROWS_AT_ONCE = 1000


class RowWriter(Protocol):
    """Where rows go."""

    def write(self, row: ManifestRow) -> None:
        """Adds a row."""
        ...


class ManifestFiles:
    """One manifest, or with ``by_licence`` one for each family of licences.

    The files are there when the ``with`` block ends well, and not before. A family's is
    ``<stem>.<family><suffix>`` beside ``path``.
    """

    def __init__(self, path: Path, *, by_licence: bool) -> None:
        """``path`` ends in one of ``ENDINGS``."""
        self.path = path
        self.written: list[Path] = []
        self._by_licence = by_licence
        self._writers: dict[str, RowWriter] = {}
        self._stack = ExitStack()

    def __enter__(self) -> ManifestFiles:
        """Itself, without a file."""
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
        self._writers[name].write(row)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Puts the files in place unless something was raised."""
        self._stack.__exit__(kind, error, trace)

    def _open(self, name: str, path: Path) -> None:
        form = _Parquet if path.suffix == ".parquet" else _Lines
        self._writers[name] = self._stack.enter_context(form(path))
        self.written.append(path)


class _Lines:
    def __init__(self, path: Path) -> None:
        self._rows = JsonWriter(path)

    def __enter__(self) -> RowWriter:
        self._rows.__enter__()
        return self

    def write(self, row: ManifestRow) -> None:
        """What has its default is left out, as in a manifest that somebody writes by hand."""
        self._rows.write(row.model_dump(exclude_defaults=True))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._rows.__exit__(kind, error, trace)


class _Parquet:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.part")
        self._held: list[ManifestRow] = []

    def __enter__(self) -> RowWriter:
        schema = schema_of(ManifestRow)
        self._file = pq.ParquetWriter(self._temporary, schema, compression="zstd")
        return self

    def write(self, row: ManifestRow) -> None:
        self._held.append(row)
        if len(self._held) >= _ROWS_AT_ONCE:
            self._flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            with self._file:
                if kind is None:
                    self._flush()
            if kind is None:
                self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _flush(self) -> None:
        self._file.write_table(to_table(ManifestRow, self._held))
        self._held.clear()
