"""The same bytes from every executor and any number of workers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.run import main

ONE_EACH = ("--set", "run.videos_per_shard=1", "--set", "corpus.shards_per_group=1")
VIDEOS = ("--limit", "2", *ONE_EACH)


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


def test_videos_at_the_end_make_new_files_and_leave_those_of_before(
    finished_config: Callable[..., Path], tmp_path: Path
) -> None:
    """All samples are taken: a share of them is drawn anew from the whole."""
    config, corpus = finished_config("grown"), tmp_path / "grown" / "corpus"
    run = ["run", "-c", str(config), "--set", "nodes.plan_mixture.config.negatives=1", *ONE_EACH]
    assert main([*run, "--limit", "2"]) == 0
    before = digests(corpus)
    assert main([*run, "--limit", "3"]) == 0
    after = digests(corpus)
    assert {name for name in before if before[name] != after.get(name)} == {
        "CHANGELOG.md",
        "README.md",
        "counts.json",
        "run.json",
    }
    made = after.keys() - before.keys()
    assert made and all("-00002-" in name or "/00002-" in name for name in made)
    parts = digests(tmp_path / "grown" / "parts" / "write_files")
    assert len([name for name in parts if "/part-00002-" in name]) == 1
