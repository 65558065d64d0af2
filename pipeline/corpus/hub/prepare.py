"""Copies of files whose uris leave as rules: all else in them is as it was."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpus.hub.leaks import LeakPatterns
from pipeline.corpus.hub.rows import URI
from pipeline.corpus.hub.uris import published_uri


def with_published_uris(path: Path, to: Path, roots: Sequence[str], leaks: LeakPatterns) -> None:
    """Writes a Parquet file or a tar again, row group by row group or member by member."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tar":
        _tar(path, to, roots, leaks)
    else:
        _parquet(path, to, roots, leaks)


def _parquet(path: Path, to: Path, roots: Sequence[str], leaks: LeakPatterns) -> None:
    with (
        pq.ParquetFile(path) as file,
        pq.ParquetWriter(to, file.schema_arrow, compression="zstd") as out,
    ):
        place = file.schema_arrow.get_field_index(URI)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            before: list[Any] = rows.column(URI).to_pylist()
            uris = [published_uri(uri, roots, leaks) for uri in before]
            field = file.schema_arrow.field(place)
            out.write_table(rows.set_column(place, field, pa.array(uris, field.type)))


def _tar(path: Path, to: Path, roots: Sequence[str], leaks: LeakPatterns) -> None:
    with tarfile.open(path) as file, tarfile.open(to, "w", format=tarfile.USTAR_FORMAT) as out:
        for member in file:
            stream = file.extractfile(member)
            content = stream.read() if stream else b""
            if member.name.endswith(".json"):
                video = json.loads(content)
                for dialogue in video["dialogues"]:
                    dialogue[URI] = published_uri(dialogue[URI], roots, leaks)
                content = json.dumps(video, ensure_ascii=False, separators=(",", ":")).encode()
                member.size = len(content)
            out.addfile(member, io.BytesIO(content))
