"""The frames of a corpus without them, read again from its videos."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import main

Files = dict[str, bytes]


def files_in(folder: Path) -> Files:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def corpora(finished_config: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """The corpus of a run, and the same as it is published: without frames."""
    assert main(["run", "-c", str(finished_config("run")), "--limit", "2"]) == 0
    whole, bare = tmp_path / "run" / "corpus", tmp_path / "bare"
    shutil.copytree(whole, bare)
    for name in ("frames", "wds"):
        shutil.rmtree(bare / name)
    return whole, bare


def rebuilt(corpus: Path, videos: Path, out: Path, capsys: Any) -> tuple[int, dict[str, int]]:
    capsys.readouterr()
    words = ["rebuild", str(corpus), "--videos", str(videos), "-o", str(out), "--json"]
    status = main(words)
    return status, json.loads(capsys.readouterr().out)


def test_what_comes_back_is_the_corpus_byte_for_byte(
    corpora: tuple[Path, Path], scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, bare = corpora
    status, counts = rebuilt(bare, scenes, tmp_path / "out", capsys)
    assert (status, counts) == (0, {"same": 2, "other_bytes": 0, "rejected": 0})
    made = files_in(tmp_path / "out")
    assert made.pop("rejects.jsonl") == b""
    assert made == files_in(whole)


def test_another_file_a_missing_one_and_another_encoder_are_told_apart(
    corpora: tuple[Path, Path], scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, bare = corpora
    videos = tmp_path / "videos"
    shutil.copytree(scenes / "videos", videos / "videos")
    first, second = (path for path in sorted((videos / "videos").iterdir())[:2])
    # The same name, and another picture.
    flipped = tmp_path / f"flipped{first.suffix}"
    command = ["ffmpeg", "-v", "error", "-i", str(first), "-vf", "hflip", "-y", str(flipped)]
    subprocess.run(command, check=True)
    flipped.replace(first)
    status, counts = rebuilt(bare, videos, tmp_path / "one", capsys)
    assert (status, counts) == (3, {"same": 1, "other_bytes": 0, "rejected": 1})
    (line,) = (tmp_path / "one/rejects.jsonl").read_text().splitlines()
    assert json.loads(line)["reason"] == "other_file"
    left = files_in(tmp_path / "one")
    assert any(name.startswith("wds/") for name in left) and "README.md" in left

    second.unlink()
    status = main(["rebuild", str(bare), "--videos", str(videos), "-o", str(tmp_path / "none")])
    assert status == 1 and not (tmp_path / "none").exists()
    assert "none of 2 videos" in capsys.readouterr().err

    # Of the same file, other bytes: as another version of an encoder gives them.
    config = bare / "config.yaml"
    config.write_text(config.read_text().replace("jpeg_quality: 90", "jpeg_quality: 80"))
    status, counts = rebuilt(bare, scenes, tmp_path / "other", capsys)
    assert (status, counts) == (0, {"same": 0, "other_bytes": 2, "rejected": 0})


def test_a_corpus_that_does_not_say_how_it_was_made_is_refused(
    corpora: tuple[Path, Path], scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, bare = corpora
    (bare / "config.yaml").unlink()
    status = main(["rebuild", str(bare), "--videos", str(scenes), "-o", str(tmp_path / "out")])
    assert status == 1 and "no_config" in capsys.readouterr().err
