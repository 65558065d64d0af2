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

from pipeline.records import FramedSegment, Reject, Segment
from pipeline.store.location import Location
from pipeline.store.parts import (
    discard,
    files_path,
    keep_folder,
    manifest_path,
    new_folder,
    part_path,
    read_counts,
    read_manifest,
    rejects_path,
    replies_path,
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
def part(tmp_path: Path) -> Location:
    return part_path(Location.of(tmp_path), "segment", "abc", 3, "def")


def test_names(part: Location, tmp_path: Path) -> None:
    assert Path(part) == tmp_path / "parts" / "segment" / "abc" / "part-00003-def.parquet"
    assert rejects_path(part).name == "rejects-00003-def.parquet"
    assert replies_path(part).name == "replies-00003-def.parquet"
    assert manifest_path(part).name == "manifest-00003-def.jsonl"
    assert files_path(part).name == "files-00003-def"


def test_rejects_come_first_and_the_part_is_the_commit(
    part: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    real = Location.writing

    @contextmanager
    def writing(file: Location) -> Iterator[Path]:
        written.append(file.name)
        if file == part:
            raise OSError("the disk is full")
        with real(file) as path:
            yield path

    monkeypatch.setattr(Location, "writing", writing)
    with pytest.raises(OSError, match="full"):
        write_part(part, Segment, [], [Reject(video_id="v", reason="r")], {})
    assert written == [rejects_path(part).name, part.name]
    assert not part.exists()


def test_a_write_that_fails_leaves_nothing(part: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, path: Path, **__: object) -> None:
        path.write_bytes(b"half")
        raise OSError("the disk is full")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="full"):
        write_part(part, Segment, [], [], {})
    assert list(Path(part.parent).iterdir()) == []


def test_counts_are_in_the_footer(part: Location) -> None:
    write_part(part, Segment, [], [], {"videos_in": 2, "rejected": {"x": 1}})
    assert read_counts(part) == {"videos_in": 2, "rejected": {"x": 1}}


def test_images_are_stored_as_they_are(part: Location) -> None:
    write_part(part, FramedSegment, frames("v", 4), [], {})
    group = pq.ParquetFile(Path(part)).metadata.row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    assert columns["jpeg"].compression == "UNCOMPRESSED"
    assert not any("DICTIONARY" in encoding for encoding in columns["jpeg"].encodings)
    assert columns["video_id"].compression == "ZSTD"


def test_a_folder_is_kept_as_a_whole_and_discarded_with_its_part(part: Location) -> None:
    for text in ("first", "second"):
        folder = new_folder(part)
        (folder / "file.txt").write_text(text)
        keep_folder(folder, part)
    assert (files_path(part) / "file.txt").read_bytes() == b"second"
    write_manifest(part, [{"video_id": "v"}])
    write_part(part, Segment, [], [], {}, [])
    discard(part)
    assert list(Path(part.parent).iterdir()) == []
    discard(part)


def test_rows_come_video_by_video_from_every_part(tmp_path: Path) -> None:
    parts: list[Location] = []
    given: Sequence[Sequence[FramedSegment]] = (
        [*frames("b", 2), *frames("a", 1)],
        [*frames("a", 2), *frames("c", 1)],
    )
    for number, rows in enumerate(given):
        parts.append(part_path(Location.of(tmp_path), f"n{number}", "r", 0, "i"))
        write_part(parts[-1], FramedSegment, rows, [], {})
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
    root = Location.of(tmp_path)
    some, whole = (part_path(root, name, "r", 0, "i") for name in ("some", "whole"))
    write_part(some, Segment, [s for v in "cb" for s in segments(v)], [], {})
    write_part(whole, FramedSegment, [f for v in "abcd" for f in frames(v, 1)], [], {})
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
        part = part_path(Location.of(folder), "ingest", "r", 0, "i")
        write_manifest(part, rows)
        assert read_manifest(part) == rows
