"""Rows come back as they were written, from every layout; damage is a row, never an exception."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.store.files.json_rows import MAX_DEPTH, JsonRow, is_single_object, read_json_rows

ROOT = Path(__file__).resolve().parents[4]

A = {"a": 1}
B = {"b": [{"c": 2.0}, []], "d": {}}
one_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

PIECES = [c.encode() for c in '[]{}":,1- \n\\é'] + [b'{"a": ', b"{}, ", b"{}\n", b"NaN", b"\xff"]
texts = st.text(max_size=8) | st.text('[]{}":,1 \n\\', max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
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
        assert is_single_object(tmp_path / name) == (single and name == "x.json")


def test_numbers_keep_their_types(tmp_path: Path) -> None:
    content = b'[{"n": [1, -0, 9223372036854775808, 1.0, 1e2, 0.1, -2.5e-7]}]'
    (row,) = read(tmp_path / "x.json", content)
    assert row.value is not None
    numbers = row.value["n"]
    assert numbers == [1, 0, 1 << 63, 1.0, 100.0, 0.1, -2.5e-7]
    assert [type(number) for number in numbers] == [int] * 3 + [float] * 4


def test_numbers_that_no_json_has_are_those_of_python(tmp_path: Path) -> None:
    rows = [A, {"a": [float("inf"), -float("inf")]}, {"a": float("nan")}, {"a": 10**400}, A]
    found = read(tmp_path / "x.json", json.dumps(rows).encode())
    assert [row.error for row in found] == [""] * 5
    assert repr([row.value for row in found]) == repr(rows)


def test_half_a_surrogate_pair_in_an_escape_is_kept(tmp_path: Path) -> None:
    (row,) = read(tmp_path / "x.json", b'{"a": "\\ud83d"}')
    assert row == JsonRow(0, {"a": "\ud83d"})


def layouts(rows: list[dict[str, Any]]) -> dict[str, str]:
    encoded = [json.dumps(row) for row in rows]
    return {
        "array": json.dumps(rows),
        "as it is": json.dumps(rows, ensure_ascii=False),
        "indented": json.dumps(rows, indent=2),
        "a row a line": "[\n" + ",\n".join(encoded) + "\n]\n",
        "lists": json.dumps([[row] for row in rows]),
        "lines": "\n".join(encoded),
        "lines of lists": "".join(f"[{row}]\r\n" for row in encoded),
        "side by side": "".join(encoded),
        "indented objects": "\n".join(json.dumps(row, indent=1) for row in rows),
    }


@given(rows_of_values, st.sampled_from(sorted(layouts([]))), st.sampled_from([1, 7, 1 << 18]))
@one_folder
def test_rows_come_back_from_every_layout(
    tmp_path: Path, rows: list[dict[str, Any]], layout: str, chunk: int
) -> None:
    text = layouts(rows)[layout]
    with patch("pipeline.store.files.json_text._CHUNK", chunk):
        found = read(tmp_path / "x.json", text.encode())
        assert found == [JsonRow(number, row) for number, row in enumerate(rows)]
        alone = len(rows) == 1 and layout in ("lines", "side by side", "indented objects")
        assert is_single_object(tmp_path / "x.json") == alone


BROKEN = [b"{oops}", b'{"a": [{}, {}, 1 2], "b": {}}', b'{"a": "\xff"}', b'{"a": "\t"}', b"oops"]


@given(rows_of_values, rows_of_values, st.sampled_from(BROKEN), st.sampled_from([1, 7, 1 << 18]))
@one_folder
def test_a_broken_row_costs_itself_alone(
    tmp_path: Path,
    before: list[dict[str, Any]],
    behind: list[dict[str, Any]],
    broken: bytes,
    chunk: int,
) -> None:
    rows = [*(json.dumps(r).encode() for r in before), broken]
    rows += [json.dumps(r).encode() for r in behind]
    for content in (b"[" + b", ".join(rows) + b"]", b"[\n" + b",\n".join(rows) + b"\n]"):
        with patch("pipeline.store.files.json_text._CHUNK", chunk):
            found = read(tmp_path / "x.json", content)
        assert [row.value for row in found] == [*before, None, *behind]
        byte = content.index(broken, content.index(rows[len(before) - 1]) if before else 0)
        assert f"byte {byte}: " in found[len(before)].error


def test_a_row_that_is_too_long_costs_itself_alone(tmp_path: Path) -> None:
    long = b'{"a": "%s"}' % (b"x" * 5000)
    for content in (b"[{}, %s, {}]" % long, b"{}\n%s\n{}" % long):
        for chunk in (1, 1 << 18):
            with (
                patch("pipeline.store.files.json_text._CHUNK", chunk),
                patch("pipeline.store.files.json_rows.ROW_LIMIT", 1000),
            ):
                found = read(tmp_path / "x.json", content)
            assert [row.error == "" for row in found] == [True, False, True]
            assert "longer than 1000 characters" in found[1].error


DAMAGE: list[tuple[str, bytes, list[bool], str]] = [
    # which of the rows are good, and what the error of the first bad one says
    ("line", b'{"a": 1}\n{"a": \n{"a": 1}\n', [True, False, True], "line 2, byte 9: Expecting"),
    ("first line", b'{"a": \n{"a": 1}\n', [False, True], "line 1, byte 0: Expecting"),
    ("first lines", b'{"a": \n{"a": \n{"a": 1}\n', [False, False, True], "line 1"),
    ("open line", b'{}\n{"a": [\n{"a": 1}', [True, False, True], "line 2, byte 3"),
    ("open text", b'{}\n{"a": "\n{"a": 1}', [True, False, True], "Invalid control character"),
    ("words", b'words\n{"a": 1}\n', [False, True], "line 1, byte 0: Expecting value"),
    ("no rows", b'5\nnull\n"x"\n{}', [False, False, False, True], "line 1, byte 0: int is no row"),
    ("no rows in an array", b'[1, {"a": 1}, [null]]', [False, True, False], "int is no row"),
    ("no row of a list", b"[{}]\n[1 2]\n[{}]", [True, False, False, True], "line 2, byte 6: int"),
    (
        "bytes of a line",
        b'{"a": 1}\n{"a": "\xff"}\n{}',
        [True, False, True],
        "line 2, byte 9: bytes",
    ),
    (
        "half a pair",
        b'{}\n{"a": "\xed\xa0\x80"}\n{}',
        [True, False, True],
        "bytes that are not UTF-8",
    ),
    ("bytes of a word", b'{}\n{"a": \xff}\n{}', [True, False, True], "Expecting value"),
    ("other encoding", '[{"a": 1}]'.encode("utf-16"), [False, False], "line 1, byte 0: Expecting"),
    ("cut off", b'[{"a": 1}, {"a": 1}, {"a"', [True, True, False], "byte 21: Expecting ':'"),
    ("cut off in a text", b'[{}, {"a": [{}, {}], "b": "}, {', [True, False], "Unterminated"),
    ("cut off in a letter", '[{}, {"a": "é'.encode()[:-1], [True, False], "Unterminated"),
    ("not closed", b'[{"a": 1}', [True, False], "line 1, byte 9: the file ends within a list"),
    ("inside", b'[{"a": 1}, oops, {"a": 1}]', [True, False, True], "byte 11: Expecting value"),
    (
        "a day inside",
        b'[{"a": 1}, 2024-01-02, {"a": 1}]',
        [True, False, True],
        "byte 11: Expecting",
    ),
    ("a value", b'[{}, {"a": [{}, {}, oops, {}, {}]}, {}]', [True, False, True], "value, 15 char"),
    ("no comma", b'[{}, {"a": 1 "b": [{}, {}]}, {}]', [True, False, True], "',' delimiter, 8 char"),
    ("control", b'[{}, {"a": "\n}, {"}, {}]', [True, False, True], "Invalid control character"),
    ("no quote", b'[{}, {"a": "}, \n{}, {}]', [True, False, True, True], "Invalid control"),
    ("no bracket", b'[{}, {"a": [1}, {}]', [True, False, True], "byte 5: Expecting ',' delimiter"),
    ("no end", b'[{}, {"a": [1, 2], {"b": 1}, {}]', [True, False, True, True], "property name"),
    ("a bracket too many", b'[{}, {"a": 1}}, {}]', [True, True, False, True], "byte 13: Expecting"),
    ("bytes inside", b'[{"a": 1}, {"a": "\xff"}, {}]', [True, False, True], "byte 11: bytes that"),
    ("behind", b'[{"a": 1}] and so on', [True, False], "byte 11: Expecting value"),
    ("behind an object", b'{\n"a": 1\n}\n and so on', [True, False], "line 4, byte 12"),
    ("an object over lines", b'{\n  "a": 1,\n  "b": \n}\n', [False], "line 1, byte 0: Expecting"),
    ("digits", b'[{"a": 1%s}, {}]' % (b"0" * 5000), [False, True], "too many digits"),
    ("open lists", b"[" * 1_000_000, [False], "the file ends within a list"),
    ("deep", b"[%s, {}]" % nested(MAX_DEPTH + 1), [False, True], "byte 1: nested deeper than"),
    ("very deep", b"[%s, {}]" % nested(100_000), [False, True], "byte 1: nested deeper than"),
    ("deep line", b"{}\n" + nested(MAX_DEPTH + 1) + b"\n{}", [True, False, True], "line 2, byte 3"),
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


@given(st.binary(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
@one_folder
def test_no_bytes_raise_however_they_are_read(tmp_path: Path, content: bytes) -> None:
    rows = read(tmp_path / "x.json", content)
    assert [row.number for row in rows] == list(range(len(rows)))
    assert is_single_object(tmp_path / "x.json") <= (len(rows) == 1 and not rows[0].error)
    with patch("pipeline.store.files.json_text._CHUNK", 1):
        assert repr(list(read_json_rows(tmp_path / "x.json"))) == repr(rows)


@pytest.mark.parametrize("form", ["[{}, {}]", "{}\n{}\n"])
def test_a_key_that_stands_twice_costs_its_row(tmp_path: Path, form: str) -> None:
    content = form.format('{"a": [{"b": 1, "c": {}, "b": 2}]}', '{"a": 3}').encode()
    twice, right = read(tmp_path / "x.json", content)
    assert twice.value is None and "the key 'b' stands twice" in twice.error
    assert right.value == {"a": 3}


PEAKS = """
import sys
from pathlib import Path
from pipeline.store.files.json_rows import read_json_rows
from pipeline.store.files.json_writer import JsonWriter
from tests.peak_memory import peak_kib

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
