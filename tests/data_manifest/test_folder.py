from __future__ import annotations

from pathlib import Path

import pytest

from data_manifest.folder import make
from pipeline.manifest.adapters.adapter import read_file
from pipeline.manifest.adapters.entry import Entry, Place
from tests.pipeline.media.containers import make_parquet, make_tar


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def entries(folder: Path, **options: str) -> list[Entry]:
    (file,) = make(options).files
    # The folder itself is the one file that is read.
    assert file.pattern == ""
    return [item for item in read_file(file, folder) if isinstance(item, Entry)]


def test_every_file_that_ends_as_a_video_does(tmp_path: Path) -> None:
    touch(tmp_path, "b.MP4", "a/b.mp4", "-x.webm", "notes.txt", "mp4", ".hidden.mp4", ".git/c.mp4")
    found = entries(tmp_path)
    assert [entry.name for entry in found] == ["-x.webm", "b.MP4", "a/b.mp4"]
    assert found[2] == Entry("a/b.mp4", (Place("a/b.mp4"),), ())


def test_what_holds_for_all(tmp_path: Path) -> None:
    touch(tmp_path, "a/-a_b.c.mkv")
    (entry,) = entries(tmp_path, split="test", platform="youtube")
    assert (entry.split, entry.platform_id) == ("test", "youtube:-a_b.c")
    assert make({"licence": "coin"}).licence == "coin"


def test_a_wrong_option_is_named() -> None:
    with pytest.raises(ValueError, match="splt: unknown key; did you mean 'split'"):
        make({"splt": "test"})


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        entries(tmp_path / "nothing")


def test_videos_in_containers_are_among_them(tmp_path: Path) -> None:
    touch(tmp_path, "dQw4w9WgXcQ.mp4", "notes.txt")
    video = tmp_path / "dQw4w9WgXcQ.mp4"
    make_tar(tmp_path / "a" / "0.tar", {"x/_Qw4w9WgXcQ.mp4": video, "x/notes.txt": video})
    make_parquet(tmp_path / "b.parquet", [video, video])
    found = entries(tmp_path, platform="youtube")
    assert [(entry.name, entry.platform_id.removeprefix("youtube:")) for entry in found] == [
        *(("b.parquet#mp4/0", ""), ("b.parquet#mp4/1", "")),
        *((f"b.parquet#video/{row}", "dQw4w9WgXcQ") for row in (0, 1)),
        *(("dQw4w9WgXcQ.mp4", "dQw4w9WgXcQ"), ("a/0.tar#x/_Qw4w9WgXcQ.mp4", "_Qw4w9WgXcQ")),
    ]
