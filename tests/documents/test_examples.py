"""The examples run as they stand, and come to what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def run_example(*command: str | Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "COLUMNS": "80"}
    done = subprocess.run(
        [str(word) for word in command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def own_videos(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of the example, and what it prints."""
    folder = tmp_path_factory.mktemp("examples") / "own_videos"
    return folder, run_example(EXAMPLES / "own_videos" / "run.sh", folder)


def test_own_videos(own_videos: tuple[Path, str]) -> None:
    folder, printed = own_videos
    assert "videos: 2 in = 2 annotated + 0 rejected" in printed
    rows = pq.read_table(folder / "run" / "corpus" / "data" / "narration").to_pylist()
    said = {row["uri"]: [t["text"] for t in row["turns"] if t["text"]] for row in rows}
    assert "A red square appears." in said["videos/square.mp4"]
    assert "The background turns blue." in said["videos/background.mp4"]
    assert "task    narration" in printed and "said   " in printed


def test_read_corpus(own_videos: tuple[Path, str]) -> None:
    printed = run_example(
        sys.executable, EXAMPLES / "read_corpus" / "read.py", own_videos[0] / "run" / "corpus"
    )
    assert "narration: 2 dialogues" in printed and "frame of" in printed
    assert printed.count("dialogues, frames of ") == 2


def test_own_stage(tmp_path: Path) -> None:
    printed = run_example(EXAMPLES / "own_stage" / "run.sh", tmp_path)
    (row,) = pq.read_table(tmp_path / "runs/own_stage/corpus/data/clock").to_pylist()
    said = {turn["start_s"]: turn["text"] for turn in row["turns"] if turn["text"]}
    assert said == {5.0: "5 seconds.", 10.0: "10 seconds."}
    assert "every_s" in printed and "task    clock" in printed


def test_convert_annotations(tmp_path: Path) -> None:
    printed = run_example(EXAMPLES / "convert_annotations" / "run.sh", tmp_path / "made")
    (row,) = map(json.loads, (tmp_path / "made" / "train.jsonl").read_text("utf-8").splitlines())
    said = [m["content"] for m in row["messages"] if m["content"].startswith("</Response>")]
    assert said == [
        "</Response> A bar passes.\nA number changes.",
        "</Response> The picture ends.",
    ]
    assert len(row["images"]) == 9
    assert "lost" in printed


def test_each_example_is_listed_and_says_what_it_is() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for folder in (path for path in EXAMPLES.iterdir() if path.is_dir()):
        assert folder.name in listed
        first = next(path for path in sorted(folder.iterdir()) if path.suffix in {".sh", ".py"})
        assert first.read_text(encoding="utf-8").startswith(("#!", '"""')), first
