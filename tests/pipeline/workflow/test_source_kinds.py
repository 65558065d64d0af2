"""What a folder as the source takes, and what is no manifest."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import ConfigError
from pipeline.manifest.adapters.layouts import video_paths
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.store.location import Location
from pipeline.workflow.config import SourceSection
from pipeline.workflow.raw_rows import RawRow
from pipeline.workflow.source import read_source


def section(path: Path, **rest: Any) -> SourceSection:
    return SourceSection.model_validate({"path": path, **rest})


def rows_of(path: Path, **rest: Any) -> list[RawRow]:
    return list(read_source(section(path, **rest)).rows)


def test_a_folder_is_its_videos_sorted(tmp_path: Path) -> None:
    for name in ("b.mp4", "a/c.MKV", "notes.txt", ".hidden.mp4", ".cache/x.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    rows = rows_of(tmp_path, kind="folder", licence="CC0")
    assert [row["video_id"] for row in rows] == ["a/c.MKV", "b.mp4"]
    assert rows[0]["licence"] == "CC0"


def test_a_folder_takes_what_its_manifest_lists(tmp_path: Path) -> None:
    for suffix in (*VIDEO_SUFFIXES, ".txt", ""):
        (tmp_path / f"v{suffix}").write_bytes(b"")
    source = read_source(section(tmp_path, kind="folder"))
    listed = [path for path, _ in video_paths(tmp_path)]
    assert [row["uri"] for row in source.rows] == sorted(listed)
    assert len(listed) == len(VIDEO_SUFFIXES)
    assert source.passed_over == {".txt": 1, "no suffix": 1}


@pytest.mark.parametrize("name", ["a.mp4", "a.bin", "recording"])
def test_a_file_that_is_named_is_taken_whatever_its_suffix(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    (tmp_path / "other.mp4").write_bytes(b"")
    source = read_source(section(tmp_path / name, kind="folder", licence="CC0"))
    (row,) = source.rows
    assert (row["video_id"], row["uri"], row["licence"]) == (name, name, "CC0")
    assert (source.root, source.passed_over) == (Location.of(tmp_path.resolve()), {})


def test_a_folder_without_videos_says_what_it_has(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no videos in .*; it is empty"):
        read_source(section(tmp_path, kind="folder"))
    (tmp_path / "notes.txt").write_bytes(b"")
    with pytest.raises(ConfigError, match=r"no videos in .*; 1 file passed over: \.txt 1"):
        read_source(section(tmp_path, kind="folder"))


def test_names_that_are_not_utf8_cost_their_file_alone(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    (tmp_path / os.fsdecode(b"caf\xe9.mp4")).write_bytes(b"")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.mp4").symlink_to("nowhere.mp4")
    rows = rows_of(tmp_path, kind="folder")
    assert [row["video_id"] for row in rows] == ["a.mp4", "row 2"]
    assert "unreadable" in rows[1]


def test_a_folder_is_listed_anew(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_bytes(b"")
    source = read_source(section(tmp_path, kind="folder"))
    (tmp_path / "a.mp4").write_bytes(b"")
    assert [row["video_id"] for row in source.rows] == ["a.mp4", "b.mp4"]


ROW = b'{"uri": "a"}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"uri\na.mp4\n", r"no row of .*m\.csv can be read; row 1: not JSON"),
        ("m.jsonl.gz", gzip.compress(ROW), r"compressed \(gzip\): unpack it first"),
        ("m.jsonl", lzma.compress(ROW), r"compressed \(xz\): unpack it first"),
        ("m.jsonl", bz2.compress(ROW), r"compressed \(bzip2\): unpack it first"),
        ("m.jsonl", ROW.decode().encode("utf-16"), "text in UTF-16: save it as UTF-8"),
        ("m.bin", bytes(range(128, 256)) * 9, "row 1: not JSON: not text in UTF-8, at byte 0"),
        (
            "a.mp4",
            b"",
            r'a\.mp4 is a video, not a manifest: set source\.kind=folder, or .*"a\.mp4"',
        ),
        ("a.bin", b"\x00\x00\x00\x20ftypisom", r"is a video, not a manifest"),
        ("a.bin", b"\x1a\x45\xdf\xa3\x01\x00", r"is a video, not a manifest"),
    ],
)
def test_a_file_that_is_no_manifest_is_named_for_what_it_is(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"source.path: .*{message}"):
        rows_of(path)


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is a folder: set source\.kind=folder"):
        rows_of(tmp_path)


def test_the_content_says_that_a_file_is_parquet(tmp_path: Path) -> None:
    for name in ("m.parquet", "m.pq", "m.jsonl"):
        pq.write_table(pa.table({"uri": ["a"]}), tmp_path / name)
        assert rows_of(tmp_path / name) == [{"video_id": "a", "uri": "a"}]
