from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import ConfigError
from pipeline.media.files import FileSizes
from pipeline.records import ListedClip, ManifestRow, SourceAnnotation
from pipeline.records.digest import canonical_json
from pipeline.store.location import Location
from pipeline.workflow.config import SourceSection
from pipeline.workflow.raw_rows import RawRow
from pipeline.workflow.source import read_source


def section(path: Path, **rest: Any) -> SourceSection:
    return SourceSection.model_validate({"path": path, **rest})


def rows_of(path: Path, **rest: Any) -> list[RawRow]:
    return list(read_source(section(path, **rest)).rows)


def test_jsonl_keeps_bad_lines_as_rows(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    lines = [
        '{"video_id": "a", "uri": "a.mp4"}',
        "",
        "{oops",
        "[1]",
        '{"uri": "b.mp4"}',
        '{"uri": "b.mp4", "clip_start_s": 2}',
        '{"video_id": "a", "uri": "c.mp4"}',
    ]
    path.write_text("\n".join(lines))
    source = read_source(section(path))
    assert source.root == Location.of(tmp_path.resolve())
    rows = list(source.rows)
    assert [row["video_id"] for row in rows] == [
        "a",
        "row 3",
        "row 4",
        "b.mp4",
        "b.mp4#t=2,",
        "a",
    ]
    assert "not JSON" in rows[1]["unreadable"]
    assert rows[5] == {"video_id": "a", "duplicate_of": "row 1"}
    assert list(read_source(section(path), limit=2).rows) == rows[:2]


def test_parquet_leaves_nulls_out(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    rows: list[dict[str, Any]] = [
        {"video_id": "a", "uri": "a.mp4", "split": None},
        {"video_id": "b", "uri": "b", "split": "test"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert rows_of(path) == [{"video_id": "a", "uri": "a.mp4"}, rows[1]]


def test_parquet_leaves_nulls_out_of_annotations(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    old = {"kind": "qa", "text": "A.", "question": "Q?", "options": ["A.", "B."]}
    new = {"kind": "event", "text": "B.", "start_s": 1.0, "end_s": 2.0, "resolution_s": 5.0}
    rows: list[dict[str, Any]] = [
        {"uri": "a", "annotations": [old, new]},
        {"uri": "b", "annotations": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    first, second = read_source(section(path)).rows
    assert first["annotations"] == [old, new]
    kept = ManifestRow.model_validate(first).annotations
    assert [each.resolution_s for each in kept] == [0, 5]
    assert second == {"video_id": "b", "uri": "b"}


@pytest.mark.parametrize("kind", ["manifest", "folder"])
def test_what_is_not_there_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match=r"source\.path: there is no .*absent"):
        read_source(section(tmp_path / "absent", kind=kind))


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_text("\n")
    with pytest.raises(ConfigError, match="no videos"):
        read_source(section(tmp_path / "m.jsonl"))
    (tmp_path / "bad.parquet").write_text(json.dumps([1]))
    with pytest.raises(ConfigError, match="not Parquet"):
        read_source(section(tmp_path / "bad.parquet"))


def test_the_example_manifest_is_one() -> None:
    path = Path(__file__).resolve().parents[3] / "data_manifest" / "example.jsonl"
    rows = [ManifestRow.model_validate(row) for row in rows_of(path)]
    assert [row.video_id for row in rows] == [
        "videos/kitchen.mp4",
        "videos/match.mp4#t=12.5,60",
        "street-7",
        "day-1",
    ]
    documented = (path.parent / "README.md").read_text(encoding="utf-8")
    for kind in (ManifestRow, SourceAnnotation, ListedClip):
        for name in kind.model_fields:
            assert f"`{name}`" in documented, name


NOT_PLAIN = [
    '{"video_id": "a", "uri": "x", "clip_start_s": NaN}',
    '{"video_id": "a", "uri": "x", "clip_end_s": 1e999}',
    r'{"video_id": "\ud800", "uri": "x"}',
    r'{"uri": "\ud800"}',
    r'{"video_id": "a", "uri": "x", "\ud800": 1}',
    "[" * 100_000,
    '{"a":' * 20_000 + "1" + "}" * 20_000,
    '{"uri": "x", "a": ' + "[" * 500 + "]" * 500 + "}",
]


@pytest.mark.parametrize("line", NOT_PLAIN, ids=range(len(NOT_PLAIN)))
def test_a_line_that_is_no_plain_data_costs_itself_alone(tmp_path: Path, line: str) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(line + '\n{"uri": "b.mp4"}\n')
    bad, good = rows_of(path)
    assert bad["video_id"] == "row 1"
    assert bad["unreadable"]
    assert good == {"video_id": "b.mp4", "uri": "b.mp4"}
    canonical_json([bad, good]).encode()


def test_each_row_has_a_name_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    ids: list[object] = [123, 123, None, "", " ", ["a"], True]
    path.write_text(
        "".join(json.dumps({"video_id": i, "uri": "a.mp4"}) + "\n" for i in ids) + "{}\n"
    )
    rows = rows_of(path)
    assert [row["video_id"] for row in rows] == [f"row {n}" for n in range(1, 9)]
    assert "video_id: must be a text that is not blank, not 123" in rows[0]["unreadable"]


def test_words_of_the_tool_are_not_taken_from_a_row(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('{"uri": "a", "duplicate_of": "row 9"}\n{"uri": "b"}\n')
    first, _ = rows_of(path)
    assert first == {"video_id": "row 1", "unreadable": "duplicate_of: unknown key"}


def test_values_that_json_has_not_cost_their_row_alone(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    columns = {
        "uri": ["a", "b", "c"],
        "clip_end_s": [Decimal("3.5"), None, None],
        "x": [None, b"\xff", None],
    }
    pq.write_table(pa.table(columns), path)
    rows = rows_of(path)
    assert [("unreadable" in row) for row in rows] == [True, True, False]


def test_rows_between_brackets_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_bytes(b'[\n{"uri": "a.mp4"}\n]\n')
    assert len(rows_of(path)) == 3


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    pq.write_table(pa.table({"uri": ["a.mp4"] * 100}), path)
    damaged = bytearray(path.read_bytes())
    damaged[4:40] = b"\xff" * 36
    path.write_bytes(damaged)
    with pytest.raises(ConfigError, match=r"m\.parquet is not Parquet"):
        read_source(section(path))


def test_a_home_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "m.jsonl").write_text('{"uri": "a"}\n')
    assert len(rows_of(Path("~/m.jsonl"))) == 1


def test_the_size_of_a_file_is_known_where_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "a b.mp4").write_bytes(b"123")
    sizes = FileSizes(Location.of(tmp_path))
    for uri in ("a b.mp4", str(tmp_path / "a b.mp4"), f"file://{tmp_path}/a%20b.mp4"):
        assert sizes.of({"uri": uri}) == 3
    for row in ({}, {"uri": None}, {"uri": "absent"}, {"uri": "ftp://x/y"}, {"uri": "\0"}):
        assert sizes.of(row) is None


@pytest.mark.parametrize("name", ["m.jsonl", "m.parquet"])
def test_each_pass_reads_the_file_anew(tmp_path: Path, name: str) -> None:
    path = tmp_path / name

    def write(*uris: str) -> list[RawRow]:
        if name == "m.parquet":
            pq.write_table(pa.table({"uri": pa.array(uris, pa.string())}), path)
        else:
            path.write_text("".join(f'{{"uri": "{uri}"}}\n' for uri in uris))
        return [{"video_id": uri, "uri": uri} for uri in uris]

    first = write("a", "b")
    source = read_source(section(path))
    assert list(source.rows) == list(source.rows) == first
    one, other = iter(source.rows), iter(source.rows)
    assert [next(one), next(other), next(one), next(other)] == [first[i] for i in (0, 0, 1, 1)]
    changed = write("a", "c", "d")
    assert list(source.rows) == changed
    assert [len(shard) for shard in source.shards(2)] == [2, 1]
    write()
    with pytest.raises(ConfigError, match="no videos"):
        list(source.rows)
