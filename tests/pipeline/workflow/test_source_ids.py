"""Which row of a manifest holds an id."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.files import FileSizes
from pipeline.store.location import Location
from pipeline.workflow.config import SourceSection
from pipeline.workflow.raw_rows import RawRow
from pipeline.workflow.source import read_source


def refusal(row: RawRow) -> str:
    return "it is bad" if "bad" in row else ""


@given(rows=st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1, max_size=12))
def test_an_id_is_held_by_the_first_row_that_can_be_used(
    rows: list[tuple[str, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("rows") / "m.jsonl"
    written = [{"uri": i} if good else {"uri": i, "bad": 1} for i, good in rows]
    path.write_text("\n".join(map(json.dumps, written)))
    found = list(read_source(SourceSection(path=str(path)), refusal=refusal).rows)
    assert [row["video_id"] for row in found] == [i for i, _ in rows]
    held = [row["video_id"] for row in found if "duplicate_of" not in row and not refusal(row)]
    assert held == list(dict.fromkeys(i for i, good in rows if good))
    assert sum("bad" in row for row in found) == sum(not good for _, good in rows)
    for row in found:
        if "duplicate_of" in row:
            holder = int(row["duplicate_of"].removeprefix("row ")) - 1
            assert rows[holder] == (row["video_id"], True)


def test_a_stream_is_named_by_its_clips(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    rows: list[dict[str, object]] = [
        {"clips": [{"uri": "a"}, {"uri": "b", "clip_start_s": 1.5}]},
        {"clips": [{"uri": "a"}, {}]},
        {"clips": 3},
        {"clips": [], "uri": "c"},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = [row["video_id"] for row in read_source(SourceSection(path=str(path))).rows]
    assert found == ["a+b#t=1.5,", "row 2", "row 3", "c"]
    (tmp_path / "a").write_bytes(b"12")
    sizes = FileSizes(Location.of(tmp_path))
    assert [sizes.of(row) for row in rows] == [[2, None], [2, None], None, None]
