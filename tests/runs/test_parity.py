"""The same bytes from every executor and any number of workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.run import main

VIDEOS = ("--limit", "2", "--set", "run.videos_per_shard=1")


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder with the digest of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def results(root: Path) -> dict[str, str]:
    """Digests of all rows and files, without replies: those have times."""
    parts = digests(root / "parts")
    rows = {name: digest for name, digest in parts.items() if "/replies-" not in name}
    assert len(rows) < len(parts)
    found = {**rows, **digests(root / "corpus")}
    assert any(name.endswith(".tar") for name in found)
    return found


@pytest.mark.ray
def test_workers_and_executors_do_not_show(
    write_config: Callable[..., Path], finished_config: Callable[..., Path], tmp_path: Path
) -> None:
    finished_config("two")
    found = {"two": results(tmp_path / "two")}
    for name, arguments in {
        "one": ["--set", "run.workers=1"],
        "four": ["--set", "run.workers=4"],
        "ray": ["--executor", "ray"],
    }.items():
        config = write_config(name)
        assert main(["run", "-c", str(config), *arguments, *VIDEOS]) == 0
        found[name] = results(tmp_path / name)
    assert found["one"] == found["two"] == found["four"] == found["ray"]
