from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.config import SourceSection
from pipeline.records import ManifestRow, SourceAnnotation
from pipeline.source import read_source
from pipeline.suggest import ConfigError


def section(path: Path, **rest: Any) -> SourceSection:
    return SourceSection.model_validate({"path": path, **rest})


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
    assert source.root == tmp_path.resolve()
    assert [row["video_id"] for row in source.rows] == [
        "a",
        "row 3",
        "row 4",
        "b.mp4",
        "b.mp4#t=2,",
        "a",
    ]
    assert "not JSON" in source.rows[1]["unreadable"]
    assert source.rows[5] == {"video_id": "a", "duplicate_of": "row 1"}
    assert len(read_source(section(path), limit=2).rows) == 2


def test_parquet_leaves_nulls_out(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    rows: list[dict[str, Any]] = [
        {"video_id": "a", "uri": "a.mp4", "split": None},
        {"video_id": "b", "uri": "b", "split": "test"},
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    assert read_source(section(path)).rows == [{"video_id": "a", "uri": "a.mp4"}, rows[1]]


def test_a_folder_is_its_videos_sorted(tmp_path: Path) -> None:
    for name in ("b.mp4", "a/c.MKV", "notes.txt", ".hidden.mp4", ".cache/x.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    rows = read_source(section(tmp_path, kind="folder", licence="CC0")).rows
    assert [row["video_id"] for row in rows] == ["a/c.MKV", "b.mp4"]
    assert rows[0]["licence"] == "CC0"


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
    path = Path(__file__).resolve().parents[2] / "data_manifest" / "example.jsonl"
    rows = [ManifestRow.model_validate(row) for row in read_source(section(path)).rows]
    assert [row.video_id for row in rows] == [
        "videos/kitchen.mp4",
        "videos/match.mp4#t=12.5,60",
        "street-7",
    ]
    documented = (path.parent / "README.md").read_text(encoding="utf-8")
    for kind in (ManifestRow, SourceAnnotation):
        for name in kind.model_fields:
            assert f"`{name}`" in documented, name
