"""What a folder has: as ``Path.glob`` says it, but for what the system refuses to list."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.store.listing import paths_of
from tests.refusing import refuse

FILES = (
    "a.json",
    "b.txt",
    "data/x/a.json",
    "data/y/b.json",
    "data/y/deep/c.json",
    ".hidden/d.json",
)
PATTERNS = ("*", "*.json", "data/*/*.json", "**/*", "**/*.json", "data/**/*.json", "**/y/*", "no/*",
            "data/x/a.json", "data/[x]/?.json", "../*/a.json", "*/*/*")  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).touch()
    (tmp_path / "in/link").symlink_to(tmp_path / "in/data")
    (tmp_path / "in/broken.json").symlink_to("nowhere")
    return tmp_path / "in"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_it_finds_what_glob_finds(folder: Path, pattern: str) -> None:
    assert paths_of(folder, pattern) == sorted({*folder.glob(pattern)})


def test_a_folder_that_is_absent_has_nothing(folder: Path) -> None:
    assert paths_of(folder / "absent", "**/*") == []
    assert paths_of(folder / "a.json", "*") == []


@pytest.mark.parametrize("pattern", ["data/*/*.json", "**/*", "data/y/*", "**/deep/*"])
def test_a_folder_that_cannot_be_listed_is_an_error(
    folder: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, folder / "data/y")
    with pytest.raises(PermissionError, match="data/y"):
        paths_of(folder, pattern)


def test_or_it_is_said_and_the_others_are_listed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, folder / "data/y")
    errors: list[OSError] = []
    found = paths_of(folder, "data/*/*.json", errors.append)
    assert [path.name for path in found] == ["a.json"]
    assert [error.filename for error in errors] == [str(folder / "data/y")]
