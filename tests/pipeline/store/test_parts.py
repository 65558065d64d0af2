from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.records import DenseSegment, FramedSegment, Reject, Segment, TurnFrame
from pipeline.store.location import Location
from pipeline.store.part_names import (
    files_path,
    list_parts,
    manifest_path,
    part_path,
    recipe_folder,
    rejects_path,
    replies_path,
    rows_digest_of,
    slot_name,
    slot_of,
    slot_path,
)
from pipeline.store.parts import (
    StoreError,
    discard,
    new_folder,
    read_counts,
    read_manifest,
    write_manifest,
    write_part,
)
from pipeline.store.video_rows import read_videos


def frames(video_id: str, n: int) -> list[FramedSegment]:
    return [
        FramedSegment(
            video_id=video_id,
            index=i,
            start_s=i,
            end_s=i + 1,
            frame_s=i,
            turns_per_s=1,
            jpeg=b"\xff" * 999,
        )
        for i in range(n)
    ]


def segments(video_id: str) -> list[Segment]:
    return [Segment(video_id=video_id, index=0, start_s=0, end_s=1, frame_s=0, turns_per_s=1)]


@pytest.fixture
def slot(tmp_path: Path) -> Location:
    return slot_path(recipe_folder(Location.of(tmp_path), "segment", "abc"), 3, "def")


def test_names(slot: Location, tmp_path: Path) -> None:
    part = part_path(slot, "123", "45")
    folder = tmp_path / "parts" / "segment" / "abc"
    assert Path(part) == folder / "part-00003-def-123-45.parquet"
    assert rejects_path(part).name == "rejects-00003-def-123-45.parquet"
    assert replies_path(part).name == "replies-00003-def-123-45.parquet"
    assert files_path(part).name == "files-00003-def-123-45"
    assert manifest_path(slot).name == "manifest-00003-def.jsonl"
    assert (slot_of(part), rows_digest_of(part)) == (slot, "123")
    beside = (part, rejects_path(part), files_path(part), manifest_path(slot))
    assert {slot_name(each.name) for each in beside} == {"00003-def"}
    assert slot_name("notes.txt") is None


def test_of_several_parts_for_a_slot_one_counts_for_everyone(slot: Location) -> None:
    rows = [segments("b"), segments("a"), segments("c")]
    parts = [write_part(slot, Segment, each, [], {}) for each in rows]
    other = write_part(slot.with_name("part-00003-fed"), Segment, [], [], {})
    (slot.parent / "part-00003-def.parquet").write_bytes(b"of an earlier version")
    (slot.parent / "notes.txt").write_text("of the user")
    listing = list_parts(slot.parent)
    assert listing.part(slot) == min(parts)
    assert set(listing.parts.values()) == {min(parts), other}
    assert listing.has_others(slot) and not listing.has_recipe


def test_the_name_says_what_the_part_holds(slot: Location) -> None:
    def written(rows: Sequence[Segment], *rejects: Reject, **counts: int) -> str:
        return write_part(slot, Segment, rows, rejects, counts).name

    reject = Reject(video_id="v", reason="r")
    names = [
        written(segments("a")),
        written(segments("b")),
        written(segments("a"), reject),
        written(segments("a"), asks=1),
    ]
    assert len(set(names)) == 4
    assert written(segments("a")) == names[0]
    rows = [rows_digest_of(Location(f"/{name}")) for name in names]
    assert rows[0] == rows[2] == rows[3] != rows[1], "what others read is the rows alone"


def test_rejects_come_first_and_the_part_is_the_commit(
    slot: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = Location.writing

    @contextmanager
    def writing(file: Location) -> Iterator[Path]:
        written.append(file.name)
        if file.name.startswith("part-"):
            raise OSError("the disk is full")
        with real(file) as path:
            yield path

    monkeypatch.setattr(Location, "writing", writing)
    with pytest.raises(OSError, match="full"):
        write_part(slot, Segment, [], [Reject(video_id="v", reason="r")], {})
    assert [name.partition("-")[0] for name in written] == ["rejects", "part"]
    assert list(slot.parent.sizes()) == written[:1]


def test_a_write_that_fails_leaves_nothing(slot: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, path: Path, **__: object) -> None:
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="full"):
        write_part(slot, Segment, [], [], {})
    assert list(Path(slot.parent).iterdir()) == []


def test_counts_are_in_the_footer(slot: Location) -> None:
    part = write_part(slot, Segment, [], [], {"videos_in": 2, "rejected": {"x": 1}})
    assert read_counts(part) == {"videos_in": 2, "rejected": {"x": 1}}


def test_images_are_stored_as_they_are(slot: Location) -> None:
    part = write_part(slot, FramedSegment, frames("v", 4), [], {})
    group = pq.ParquetFile(Path(part)).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert columns["jpeg"].compression == "UNCOMPRESSED"
    assert not any("DICTIONARY" in encoding for encoding in columns["jpeg"].encodings)
    assert columns["video_id"].compression == "ZSTD"


def test_a_folder_is_kept_as_a_whole_and_discarded_with_its_part(slot: Location) -> None:
    for text in ("first", "second"):
        folder = new_folder(slot)
        (folder / "file.txt").write_text(text)
        part = write_part(slot, Segment, [], [], {}, [], folder)
    assert (files_path(part) / "file.txt").read_bytes() == b"second"
    discard(part)
    assert list(Path(slot.parent).iterdir()) == []
    discard(part)


def test_a_reader_of_one_frame_a_turn_reads_no_byte_of_the_others(slot: Location) -> None:
    rows = [
        DenseSegment(**frame.model_dump(), further=[TurnFrame(frame_s=0.5, jpeg=b"\xfe" * 999)])
        for frame in frames("v", 3)
    ]
    part = write_part(slot, DenseSegment, rows, [], {})
    (found,) = read_videos([DenseSegment], {DenseSegment: [part]})
    assert found[DenseSegment] == rows
    path = Path(part)
    row_group = pq.ParquetFile(path).metadata.row_group(0)
    columns = [row_group.column(i) for i in range(row_group.num_columns)]
    raw = bytearray(path.read_bytes())
    for column in (column for column in columns if column.path_in_schema.startswith("further")):
        start = column.dictionary_page_offset or column.data_page_offset
        raw[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
    path.write_bytes(raw)
    (found,) = read_videos([FramedSegment], {FramedSegment: [part]})
    assert [row.jpeg for row in found[FramedSegment]] == [b"\xff" * 999] * 3
    (found,) = read_videos([DenseSegment], {DenseSegment: [part]})
    with pytest.raises(StoreError):
        found[DenseSegment]


def test_pictures_are_read_in_any_order_and_across_batches(slot: Location) -> None:
    """Videos of one to 200 rows, where 64 are decoded at a time; each twice, and backwards."""
    lengths = {"a": 1, "b": 63, "c": 200, "d": 64, "e": 3}
    rows = {video: frames(video, n) for video, n in lengths.items()}
    part = write_part(slot, FramedSegment, [each for of in rows.values() for each in of], [], {})
    videos = list(read_videos([FramedSegment], {FramedSegment: [part]}))
    assert [each.video_id for each in videos] == list(lengths)
    for found in [*videos, *videos[::-1], videos[2], videos[2]]:
        assert found[FramedSegment] == rows[found.video_id]


def test_rows_come_video_by_video_from_every_part(tmp_path: Path) -> None:
    parts: list[Location] = []
    given: Sequence[Sequence[FramedSegment]] = (
        [*frames("b", 2), *frames("a", 1)],
        [*frames("a", 2), *frames("c", 1)],
    )
    for number, rows in enumerate(given):
        slot = Location.of(tmp_path / f"{number}" / "part-00000-0")
        parts.append(write_part(slot, FramedSegment, rows, [], {}))
    videos = list(read_videos([Segment], {Segment: parts}))
    assert [(v.video_id, len(v[Segment])) for v in videos] == [("b", 2), ("a", 3), ("c", 1)]
    assert type(videos[0][Segment][0]) is Segment, "the pixels are not read"
    with pytest.raises(KeyError):
        videos[0][FramedSegment]

    second = list(
        read_videos([Segment, FramedSegment], {Segment: parts[:1], FramedSegment: parts[1:]})
    )
    assert [(v.video_id, len(v[FramedSegment])) for v in second] == [("b", 0), ("a", 2)]


def test_videos_come_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    slots = (Location.of(tmp_path / name / "part-00000-0") for name in ("some", "whole"))
    some = write_part(next(slots), Segment, [s for v in "cb" for s in segments(v)], [], {})
    rows = [f for v in "abcd" for f in frames(v, 1)]
    whole = write_part(next(slots), FramedSegment, rows, [], {})
    videos = read_videos([Segment, FramedSegment], {Segment: [some], FramedSegment: [whole]})
    assert [video.video_id for video in videos] == ["b", "c"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=4))
def test_rows_of_a_manifest_come_back_as_they_were(rows: list[dict[str, Any]]) -> None:
    with TemporaryDirectory() as folder:
        slot = Location.of(folder) / "part-00000-0"
        write_manifest(slot, rows)
        assert read_manifest(slot) == rows
