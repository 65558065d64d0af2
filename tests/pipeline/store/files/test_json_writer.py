"""What is written is JSON, byte for byte, and there when it is whole; it comes back as rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.store.files.json_rows import JsonRow, is_single_object, read_json_rows
from pipeline.store.files.json_writer import JsonWriter

A = {"a": 1}
B = {"b": [{"c": 2.0}, []], "d": {}}
one_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

texts = st.text(max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
rows_of_values = st.lists(st.dictionaries(texts, values, max_size=4), max_size=4)


@given(rows_of_values, st.sampled_from([None, 0, 2, 3]))
@one_folder
def test_the_bytes_are_those_of_the_whole_list(
    tmp_path: Path, rows: list[dict[str, Any]], indent: int | None
) -> None:
    path = tmp_path / "x.json"
    with JsonWriter(path, indent) as writer:
        for row in rows:
            writer.write(row)
    assert path.read_bytes() == json.dumps(rows, ensure_ascii=False, indent=indent).encode()
    assert [row.value for row in read_json_rows(path)] == rows


@given(rows_of_values)
@one_folder
def test_lines_are_one_row_each(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    path = tmp_path / "x.jsonl"
    with JsonWriter(path, 2) as writer:
        for row in rows:
            writer.write(row)
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == rows
    assert [row.value for row in read_json_rows(path)] == rows


@given(values.filter(lambda value: isinstance(value, dict)), st.sampled_from([None, 2]))
@one_folder
def test_a_single_object_comes_back(tmp_path: Path, row: Any, indent: int | None) -> None:
    path = tmp_path / "x.json"
    with JsonWriter(path, indent, single=True) as writer:
        writer.write(row)
    assert path.read_bytes() == json.dumps(row, ensure_ascii=False, indent=indent).encode()
    assert is_single_object(path)
    assert list(read_json_rows(path)) == [JsonRow(0, row)]


def test_no_single_object_is_an_empty_list(tmp_path: Path) -> None:
    with JsonWriter(tmp_path / "x.json", 2, single=True):
        pass
    assert (tmp_path / "x.json").read_bytes() == b"[]"


def test_half_a_surrogate_pair_is_written_as_an_escape(tmp_path: Path) -> None:
    with JsonWriter(tmp_path / "x.json", 2, single=True) as writer:
        writer.write({"a": "\ud83d é"})
    assert json.loads((tmp_path / "x.json").read_bytes()) == {"a": "\ud83d é"}


@pytest.mark.parametrize("row", [{"a": float("nan")}, {"a": [float("inf")]}])
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_what_is_no_json_is_not_written(tmp_path: Path, row: Any, name: str) -> None:
    with pytest.raises(ValueError, match="JSON"), JsonWriter(tmp_path / name, 2) as writer:
        writer.write(row)
    assert list(tmp_path.iterdir()) == []


def test_a_second_single_object_is_not_written(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="single row"),
        JsonWriter(tmp_path / "x.json", single=True) as writer,
    ):
        writer.write(A)
        writer.write(B)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_there_before_the_end_and_nothing_changes_on_an_exception(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.json"
    with JsonWriter(path, 2) as writer:
        writer.write(A)
        assert not path.exists()
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), JsonWriter(path, 2) as writer:
        writer.write(B)
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_compact_lines_hold_the_same_rows_in_fewer_bytes(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"a": [1, 2.5, None], "b": {"ç": "x\ny", "tall": "\U0001f600"}},
        {"half": "\ud800"},
    ]
    for name, compact in (("wide", False), ("tight", True)):
        with JsonWriter(tmp_path / f"{name}.jsonl", compact=compact) as writer:
            for row in rows:
                writer.write(row)
    wide, tight = ((tmp_path / f"{name}.jsonl").read_bytes() for name in ("wide", "tight"))
    assert len(tight) < len(wide) and b'"b":{"\xc3\xa7":"x\\ny"' in tight
    assert [row.value for row in read_json_rows(tmp_path / "tight.jsonl")] == rows
