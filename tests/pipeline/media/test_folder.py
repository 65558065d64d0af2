from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.media.folder import list_folder, passed_over_text
from tests.refusing import refuse


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_every_file_is_a_video_or_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "a/c.MKV", "old.3gp", "a/notes.txt", "b.TXT", "c.txt", "README")
    touch(tmp_path, "odd.my notes", ".hidden.mp4", ".cache/x.mp4", "a.mp4/inner.md")
    (tmp_path / "gone.mp4").symlink_to("nowhere.mp4")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "same.mp4").symlink_to("b.mp4")
    found = list_folder(tmp_path, VIDEO_SUFFIXES)
    assert found.videos == ("a/c.MKV", "b.mp4", "old.3gp", "same.mp4")
    assert found.passed_over == {
        **{".txt": 3, ".md": 1, "no suffix": 2, "hidden": 2},
        **{"broken link": 1, "link to a folder": 1},
    }
    files = [path for path in tmp_path.rglob("*") if path.is_symlink() or path.is_file()]
    assert len(files) == len(found.videos) + sum(found.passed_over.values())


def test_a_folder_that_the_system_does_not_list_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.mp4", "in/b.mp4", "in/deep/c.mp4", "other/d.mp4")
    refuse(monkeypatch, tmp_path / "in")
    found = list_folder(tmp_path, VIDEO_SUFFIXES)
    assert found.videos == ("a.mp4", "other/d.mp4")
    assert found.passed_over == {"unreadable folder": 1}


def test_without_suffixes_every_file_is_a_video(tmp_path: Path) -> None:
    touch(tmp_path, "b.mp4", "README", ".git/x")
    found = list_folder(tmp_path, ())
    assert (found.videos, found.passed_over) == (("README", "b.mp4"), {"hidden": 1})


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, ""),
        ({".txt": 1}, "1 file passed over: .txt 1"),
        (
            {".md": 1, ".txt": 3, "no suffix": 2},
            "6 files passed over: .txt 3, no suffix 2, .md 1",
        ),
        (
            {f".{n:03}": 1 for n in range(20)},
            "20 files passed over: .000 1, .001 1, .002 1, .003 1, .004 1, .005 1, .006 1,"
            " .007 1, others 12",
        ),
    ],
)
def test_what_is_passed_over_is_said(counts: dict[str, int], text: str) -> None:
    assert passed_over_text(counts) == text
