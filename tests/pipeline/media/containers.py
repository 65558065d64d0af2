"""Small containers of videos, as datasets are distributed."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def make_tar(path: Path, members: Mapping[str, Path]) -> Path:
    """A tar, uncompressed, in GNU's format as ``tar`` writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name, file in members.items():
            tar.add(file, name)
    return path


def make_parquet(
    path: Path, videos: Sequence[Path | None], *, rows_a_group: int = 2, column: str = ""
) -> Path:
    """``mp4`` has the bytes, ``video`` bytes and path as ``datasets`` writes them; or one alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [video and video.read_bytes() for video in videos]
    named = [
        {"bytes": cell, "path": video.name if video else None}
        for cell, video in zip(cells, videos, strict=True)
    ]
    table = pa.table({"n": range(len(cells)), "mp4": pa.array(cells, pa.binary()), "video": named})
    table = table.select([column]) if column else table
    pq.write_table(table, path, row_group_size=rows_a_group)
    return path
