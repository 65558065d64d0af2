from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_manifest.finevideo import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, read

NAME = "-a_bcdefghi.mp4"


def times(start: str | None, end: str | None) -> dict[str, str | None]:
    return {"start_timestamp": start, "end_timestamp": end}


def video(*activities: dict[str, Any], **more: Any) -> dict[str, Any]:
    scene = {
        "title": "A walk",
        "timestamps": times("00:00:00.000", "00:01:05.208"),
        "activities": list(activities),
    }
    content = {
        "description": "A dog and its day.",
        "qAndA": [{"question": "Who walks?", "answer": "A dog."}],
        "scenes": [scene],
    }
    return {"original_video_filename": NAME, "content_metadata": content} | more


def activity(start: str | None = "00:00:03.500", end: str | None = "01:00:00") -> dict[str, Any]:
    return {"description": "It jumps.", "timestamp": times(start, end)}


def read_rows(folder: Path, *rows: Any) -> list[Entry | Unread]:
    table = pa.Table.from_pylist([{"mp4": b"no video", "json": row} for row in rows])
    pq.write_table(table, folder / "train-00000-of-00001.parquet")
    return read(ADAPTER, folder)


def test_a_video_its_questions_its_scenes_and_what_happens_in_them(tmp_path: Path) -> None:
    whole, scene, part = read_rows(tmp_path, video(activity()))
    below = "0/json/content_metadata"
    assert whole == Entry(
        NAME,
        (Place(NAME), Place(f"{tmp_path}/train-00000-of-00001.parquet#mp4/0")),
        (
            RawAnnotation(
                "event", "A dog and its day.", origin="model", pointer=f"{below}/description"
            ),
            RawAnnotation(
                "qa",
                "A dog.",
                question="Who walks?",
                origin="model",
                pointer=f"{below}/qAndA/0",
            ),
        ),
        platform_id="youtube:-a_bcdefghi",
    )
    where = f"{below}/scenes/0"
    assert only([scene]).annotations == (
        RawAnnotation("event", "A walk", 0.0, 65.208, origin="model", pointer=where),
    )
    assert only([part]).annotations == (
        RawAnnotation(
            "event", "It jumps.", 3.5, 3600.0, origin="model", pointer=f"{where}/activities/0"
        ),
    )


def test_all_entries_of_a_video_have_its_name(tmp_path: Path) -> None:
    items = read_rows(tmp_path, video(activity(), activity()))
    assert {only([item]).name for item in items} == {NAME}


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [(None, None, "no_time"), ("00:00:01.000", None, "no_time"), ("varies", "0:10", "bad_time")],
)
def test_a_part_without_times_costs_itself(
    tmp_path: Path, start: str | None, end: str | None, reason: str
) -> None:
    _, scene, bad, good = read_rows(tmp_path, video(activity(start, end), activity()))
    assert isinstance(bad, Unread)
    assert (bad.reason, bad.pointer) == (reason, "0/json/content_metadata/scenes/0/activities/0")
    assert only([scene]).annotations
    assert only([good]).annotations


def test_a_file_that_is_named_by_no_id_has_none(tmp_path: Path) -> None:
    items = read_rows(tmp_path, video(original_video_filename="sample_000001.mp4"))
    assert only([items[0]]).platform_id == ""


def test_a_row_without_its_structure_is_named_once(tmp_path: Path) -> None:
    items = read_rows(tmp_path, None, video())
    assert [isinstance(item, Unread) for item in items] == [True, False, False]


def test_a_file_of_other_columns_has_no_entries(tmp_path: Path) -> None:
    pq.write_table(pa.table({"mp4": [b"x"]}), tmp_path / "a.parquet")
    items = read(ADAPTER, tmp_path)
    assert all(isinstance(item, Unread) for item in items)


def test_a_row_without_bytes_names_its_file_alone(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"json": video()}]), tmp_path / "a.parquet")
    entry = only([read(ADAPTER, tmp_path)[0]])
    assert entry.places == (Place(NAME),)
