"""Small Parquet files that stand for gigabytes, and rows that are as they were written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.files import parquet_rows
from pipeline.store.files.parquet_rows import ROW_BYTES, ParquetLimitError, bounded_rows

ROOT = Path(__file__).resolve().parents[4]
MEGABYTE = "x" * (1 << 20)
RSS_LIMIT_MB = 600
"""What `plan` takes of a manifest of many megabytes in few bytes, libraries included."""
PROGRAM = """
import sys
from pipeline.run import main
from tests.peak_memory import peak_kib
status = main(["plan", "-c", sys.argv[1]])
print(status, peak_kib() // 1024, file=sys.stderr)
"""


def read(path: Path, columns: tuple[str, ...] = ()) -> list[dict[str, Any] | None]:
    with path.open("rb") as stream:
        return list(bounded_rows(stream, columns))


def repeated(value: str, rows: int) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([value]))


def planned(folder: Path, table: pa.Table) -> tuple[int, int, str]:
    """Exit status of ``plan``, its peak memory in MB, and what it said."""
    path = folder / "m.parquet"
    pq.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 200_000
    nodes = {"ingest": {"stage": "ingest"}}
    sections = {"run": {"root": str(folder / "run")}, "source": {"path": str(path)}, "nodes": nodes}
    config = folder / "c.yaml"
    config.write_text(json.dumps(sections), encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, str(config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *said, last = done.stderr.splitlines()
    status, peak_mb = map(int, last.split())
    return status, peak_mb, "\n".join(said)


def test_a_text_that_repeats_does_not_become_gigabytes(tmp_path: Path) -> None:
    rows = 400
    uris = [f"v{i}.mp4" for i in range(rows)]
    status, peak_mb, _ = planned(tmp_path, pa.table({"uri": uris, "a": repeated(MEGABYTE, rows)}))
    assert status == 0
    assert peak_mb < RSS_LIMIT_MB


def test_a_list_of_nulls_is_refused_by_what_the_file_says_of_it(tmp_path: Path) -> None:
    nulls = parquet_rows.GROUP_LIST_VALUES + 1
    lists = pa.ListArray.from_arrays(pa.array([0, nulls], pa.int32()), pa.nulls(nulls, pa.int8()))
    status, peak_mb, said = planned(tmp_path, pa.table({"uri": ["v.mp4"], "a": lists}))
    assert status == 2 and peak_mb < RSS_LIMIT_MB
    assert "m.parquet: row group 0 has 33554433 values in lists, at most 33554432" in said


def test_a_cell_above_the_limit_is_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    large = "x" * (ROW_BYTES + 1)
    table = pa.table({"a": ["b", large, "c"], "l": [["b"], [], ["c"]]})
    pq.write_table(table, tmp_path / "a.parquet", compression="zstd")
    assert read(tmp_path / "a.parquet") == [{"a": "b", "l": ["b"]}, None, {"a": "c", "l": ["c"]}]
    assert read(tmp_path / "a.parquet", ("l",)) == [{"l": ["b"]}, {"l": []}, {"l": ["c"]}]


def test_a_row_group_above_the_limit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "GROUP_BYTES", 10_000)
    rows = [f"row {i} {'x' * 50}" for i in range(300)]
    table = pa.table({"a": [*("b" for _ in range(300)), *rows]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    with pytest.raises(ParquetLimitError, match=r"row group 1 unpacks to .* at most 10000"):
        read(tmp_path / "a.parquet")


texts = st.none() | st.text(max_size=3)
structs = st.none() | st.fixed_dictionaries({"t": texts, "n": st.none() | st.integers(0, 9)})
ROWS = st.fixed_dictionaries(
    {
        "text": texts,
        "number": st.none() | st.integers(0, 9),
        "list": st.none() | st.lists(structs, max_size=3),
        "lists": st.none() | st.lists(st.none() | st.lists(texts, max_size=2), max_size=2),
        "box": st.lists(st.integers(0, 9), min_size=2, max_size=2),
        "map": st.none() | st.lists(st.tuples(st.text(max_size=2), texts), max_size=2),
        "bytes": st.none() | st.binary(max_size=3),
    }
)
STRUCT = pa.struct([("t", pa.string()), ("n", pa.int32())])
COLUMNS: list[tuple[str, Any]] = [
    ("text", pa.string()),
    ("number", pa.int64()),
    ("list", pa.list_(STRUCT)),
    ("lists", pa.large_list(pa.list_(pa.string()))),
    ("box", pa.list_(pa.int8(), 2)),
    ("map", pa.map_(pa.string(), pa.string())),
    ("bytes", pa.binary()),
]
SCHEMA = pa.schema(COLUMNS)


@given(rows=st.lists(ROWS, min_size=1, max_size=12), limit=st.sampled_from([60, 120, 10_000]))
def test_rows_are_as_they_were_written_or_left_out(
    rows: list[dict[str, Any]], limit: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "a.parquet"
    table = pa.Table.from_pylist(rows, SCHEMA)
    pq.write_table(table, path, row_group_size=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_rows, "ROW_BYTES", limit)
        found = read(path)
    expected = table.to_pylist()
    assert len(found) == len(expected)
    assert all(row is None or row == whole for row, whole in zip(found, expected, strict=True))
    assert limit < 1000 or None not in found
