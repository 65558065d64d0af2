"""Rows come back as they were written, from every layout; damage is a row, never an exception."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.dialogue.json_rows import (
    MAX_DEPTH,
    JsonRow,
    JsonWriter,
    is_single_object,
    read_json_rows,
)

ROOT = Path(__file__).resolve().parents[3]

A = {"a": 1}
B = {"b": [{"c": 2.0}, []], "d": {}}
one_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Lone surrogates are in no UTF-8; whole numbers beyond 64 bits are in no column.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(1 - (1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
rows_of_values = st.lists(st.dictionaries(texts, values, max_size=4), max_size=4)


def read(path: Path, content: bytes) -> list[JsonRow]:
    path.write_bytes(content)
    return list(read_json_rows(path))


def nested(depth: int) -> bytes:
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


LAYOUTS: list[tuple[str, bytes, list[dict[str, Any]], bool]] = [
    ("nothing", b"", [], False),
    ("blanks", b" \n\r\n\t ", [], False),
    ("an empty array", b"[]", [], False),
    ("an empty array in an array", b"[[], [[]]]", [], False),
    ("an array", b'[{"a": 1}, {"a": 1}]', [A, A], False),
    ("an indented array", json.dumps([A, B], indent=2).encode(), [A, B], False),
    ("a row a line", b'[\n{"a": 1},\n{"a": 1}\n]\n', [A, A], False),
    ("lists of rows", b'[[{"a": 1}], [{"a": 1}]]', [A, A], False),
    ("a list of rows a line", b'[\n[{"a":1}],\n[{"a":1}]\n]', [A, A], False),
    ("lists at all depths", b'[{"a": 1}, [[[{"a": 1}], {"a": 1}]]]', [A, A, A], False),
    ("an object", b'{"a": 1}', [A], True),
    ("an object and blanks", b'\n {"a": 1}\n\n', [A], True),
    ("an indented object", json.dumps(B, indent=2).encode(), [B], True),
    ("an object over lines", b'{\n"b":\n[{"c": 2.0},\n[]],\n"d":\n{}\n}', [B], True),
    ("lines", b'{"a": 1}\n{"a": 1}\n', [A, A], False),
    ("lines without the last end", b'{"a": 1}\r\n\r\n{"a": 1}', [A, A], False),
    ("lines of lists", b'[{"a": 1}]\n[[{"a": 1}]]\n', [A, A], False),
    ("objects side by side", b'{"a": 1}{"a": 1} {"a": 1}', [A, A, A], False),
    ("indented objects", b'{\n"a": 1\n}\n{\n"a": 1\n}\n', [A, A], False),
    ("arrays side by side", b'[{"a": 1}] [{"a": 1}]', [A, A], False),
]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize(
    ("content", "rows", "single"), [c[1:] for c in LAYOUTS], ids=[c[0] for c in LAYOUTS]
)
def test_a_layout_is_known_by_its_content(
    tmp_path: Path, content: bytes, rows: list[Any], single: bool, mark: bytes
) -> None:
    for name in ("x.json", "x.jsonl"):
        found = read(tmp_path / name, mark + content)
        assert found == [JsonRow(number, row) for number, row in enumerate(rows)]
        assert is_single_object(tmp_path / name) == single


def test_numbers_keep_their_types(tmp_path: Path) -> None:
    content = b'[{"n": [1, -0, 9223372036854775807, 1.0, 1e2, 0.1, -2.5e-7]}]'
    (row,) = read(tmp_path / "x.json", content)
    assert row.value is not None
    numbers = row.value["n"]
    assert numbers == [1, 0, (1 << 63) - 1, 1.0, 100.0, 0.1, -2.5e-7]
    assert [type(number) for number in numbers] == [int] * 3 + [float] * 4


DAMAGE: list[tuple[str, bytes, list[bool], str]] = [
    # which of the rows are good, and what the error of the first bad one says
    ("line", b'{"a": 1}\n{"a": \n{"a": 1}\n', [True, False, True], "line 2: parse error"),
    ("first line", b'{"a": \n{"a": 1}\n', [False, True], "line 1: parse error"),
    ("words", b'words\n{"a": 1}\n', [False, True], "line 1: lexical error"),
    ("two on a line", b'{"a": 1}\n{"a": 1} {"a": 1}\n', [True, True, False], "line 2: parse"),
    ("no rows", b'5\nnull\n"x"\n{}', [False, False, False, True], "line 1: int is no row"),
    ("no rows in an array", b'[1, {"a": 1}, [null]]', [False, True, False], "int is no row"),
    ("bytes of a line", b'{"a": 1}\n{"a": "\xff"}\n{}', [True, False, True], "line 2: lexical"),
    ("half a pair", b'{"a": 1}\n{"a": "\\udc00A"}\n{}', [True, False, True], "line 2: text"),
    ("other encoding", '[{"a": 1}]'.encode("utf-16"), [False], "line 1: lexical error"),
    ("NaN of a line", b'{"a": 1}\n{"a": NaN}\n{}', [True, False, True], "line 2: lexical"),
    ("large number", b'{"a": 9223372036854775808}\n{}', [False, True], "integer overflow"),
    ("large fraction", b'{"a": 1e999}\n{}', [False, True], "overflow"),
    ("cut off", b'[{"a": 1}, {"a": 1}, {"a"', [True, True, False], "row 2: parse error"),
    ("not closed", b'[{"a": 1}', [True, False], "row 1: parse error: premature EOF"),
    ("inside", b'[{"a": 1}, oops, {"a": 1}]', [True, False], "row 1: lexical error"),
    ("comma at the end", b'[{"a": 1},]', [True, False], "row 1: parse error"),
    ("NaN inside", b'[{"a": 1}, {"a": [Infinity]}]', [True, False], "row 1: lexical error"),
    ("bytes inside", b'[{"a": 1}, {"a": "\xff"}]', [True, False], "row 1: lexical error"),
    ("behind", b'[{"a": 1}] and so on', [True, False], "row 1: lexical error"),
    ("behind an object", b'{\n"a": 1}\n and so on', [True, False], "row 1: lexical error"),
    ("an object over lines", b'{\n  "a": 1,\n  "b": \n}\n', [False], "row 0: parse error"),
    ("deep lists", b"[" * 1_000_000, [False], f"row 0: nested deeper than {MAX_DEPTH}"),
    ("deep", b"[" + nested(MAX_DEPTH) + b"]", [False], "row 0: nested deeper"),
    ("deep line", b"{}\n" + nested(MAX_DEPTH + 1) + b"\n{}", [True, False, True], "line 2: nested"),
]


@pytest.mark.parametrize(
    ("content", "good", "said"), [c[1:] for c in DAMAGE], ids=[c[0] for c in DAMAGE]
)
def test_damage_is_a_row_that_says_where(
    tmp_path: Path, content: bytes, good: list[bool], said: str
) -> None:
    rows = read(tmp_path / "x.json", content)
    assert [row.number for row in rows] == list(range(len(rows)))
    assert [row.error == "" for row in rows] == good
    assert all((row.value is None) == bool(row.error) for row in rows)
    assert said in next(row.error for row in rows if row.error)
    assert not is_single_object(tmp_path / "x.json")


def test_the_deepest_row_is_read(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "x.json", nested(MAX_DEPTH))
    assert not row.error


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_json_rows(tmp_path / "x.json"))
    with pytest.raises(FileNotFoundError):
        is_single_object(tmp_path / "x.json")


@given(st.binary(max_size=40) | st.text('[]{}":,1a \n\\', max_size=30).map(str.encode))
@one_folder
def test_no_bytes_raise(tmp_path: Path, content: bytes) -> None:
    rows = read(tmp_path / "x.json", content)
    assert [row.number for row in rows] == list(range(len(rows)))
    assert is_single_object(tmp_path / "x.json") <= (len(rows) == 1 and not rows[0].error)


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


PEAKS = """
import sys
from pathlib import Path
from pipeline.dialogue.json_rows import JsonWriter, read_json_rows

def peak_kib() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])

folder = Path(sys.argv[1])
row = {"content": ["one of many words"] * 20, "time": 1.5}
for count in (2_000, 60_000):
    for name, indent in (("x.json", 2), ("y.json", None), ("z.jsonl", None)):
        with JsonWriter(folder / name, indent) as writer:
            for _ in range(count):
                writer.write(row)
        assert sum(found.value == row for found in read_json_rows(folder / name)) == count
    print(peak_kib())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PEAKS, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    few, many = (int(line) for line in done.stdout.split())
    assert (tmp_path / "y.json").stat().st_size > 20 << 20
    assert many - few < 2 << 10
