from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigError
from pipeline.workflow.config import SourceSection
from pipeline.workflow.raw_rows import (
    LONGEST_LINE_BYTES,
    MOST_KEYS,
    bounded_lines,
    shape_problem,
)
from pipeline.workflow.source import read_source


def section(path: Path) -> SourceSection:
    return SourceSection(path=path)


@given(
    lines=st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=8),
    ended=st.booleans(),
)
def test_lines_are_those_of_the_file_but_for_long_ones(lines: list[bytes], ended: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.workflow.raw_rows.LONGEST_LINE_BYTES", 5)
        text = b"\n".join(lines) + (b"\n" if ended else b"")
        found = list(bounded_lines(io.BytesIO(text)))
    whole = list(enumerate(io.BytesIO(text), 1))
    assert [number for number, _ in found] == [number for number, _ in whole]
    for (_, line), (_, expected) in zip(found, whole, strict=True):
        assert line == (expected if len(expected.rstrip(b"\n")) <= 5 else None)


def test_a_line_of_hundreds_of_megabytes_is_a_row_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with path.open("wb") as file:
        file.write(b'{"uri": "a.mp4"}\n')
        file.seek(300 << 20, io.SEEK_CUR)
        file.write(b'\n{"uri": "b.mp4"}\n')
    tracemalloc.start()
    first, long, last = read_source(section(path)).rows
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (first["uri"], last["uri"]) == ("a.mp4", "b.mp4")
    assert long == {
        "video_id": "row 2",
        "unreadable": f"longer than {LONGEST_LINE_BYTES} bytes",
    }
    assert peak_bytes < 6 * LONGEST_LINE_BYTES


def test_a_line_of_a_million_columns_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    wide = {"uri": "a.mp4"} | {f"c{n}": 1 for n in range(1_000_000)}
    inner = {"uri": "a.mp4", "annotations": [{f"c{n}": 1 for n in range(MOST_KEYS + 1)}]}
    rows = (wide, inner, {"uri": "b.mp4"})
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second, last = read_source(section(path)).rows
    assert first == {
        "video_id": "row 1",
        "unreadable": f"1000002 keys in one mapping are more than {MOST_KEYS}",
    }
    assert "1001 keys" in second["unreadable"]
    assert last["uri"] == "b.mp4"


def test_a_parquet_file_of_very_many_columns_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({f"c{n}": pa.array([1]) for n in range(20_000)}), path)
    with pytest.raises(ConfigError, match="20000 columns, at most 1000"):
        read_source(section(path))


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": [{"b": (1, "x", None)}]}, ""),
        ([[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]], ""),
        ([[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]], "nested more than 16 deep"),
        (dict.fromkeys(map(str, range(1000)), 1), ""),
        ([dict.fromkeys(map(str, range(1001)), 1)], "1001 keys in one mapping are more than 1000"),
    ],
)
def test_shapes(value: object, problem: str) -> None:
    assert shape_problem(value) == problem


def test_a_key_that_stands_twice_is_said_with_its_line(tmp_path: Path) -> None:
    lines = [
        '{"uri": "a.mp4", "licence": "CC0", "licence": "none"}',
        '{"uri": "b.mp4", "annotations": [{"text": "x", "kind": "qa", "kind": "event"}]}',
        '{"uri": "c.mp4", "uri": "c.mp4"}',
        '{"uri": "d.mp4", "annotations": [{"text": "uri"}, {"text": "uri"}]}',
    ]
    (tmp_path / "m.jsonl").write_text("\n".join(lines))
    rows = list(read_source(section(tmp_path / "m.jsonl")).rows)
    twice = {row["video_id"]: row["unreadable"] for row in rows if "unreadable" in row}
    assert twice == {
        f"row {number}": f"the key {key!r} stands twice"
        for number, key in ((1, "licence"), (2, "kind"), (3, "uri"))
    }


def test_a_column_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["a.mp4"]), pa.array(["b.mp4"])], names=["uri", "uri"])
    pq.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(ConfigError, match="the column 'uri' is there twice"):
        read_source(section(tmp_path / "m.parquet"))
