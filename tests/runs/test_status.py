"""Good and bad videos in one folder: each is annotated, or rejected with a reason."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import main
from pipeline.workflow.stage import load_stage
from tests.conftest import LONG

SMALL_BYTES = 12_000


def test_in_is_out_plus_rejected(
    scenes: Path,
    write_config: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for name in ("scene-01", "scene-04"):
        shutil.copy(scenes / "videos" / f"{name}.mp4", videos)
    whole = (scenes / "videos" / "scene-02.mp4").read_bytes()
    (videos / "broken.mp4").write_bytes(whole[: len(whole) // 3])
    (videos / "empty.mp4").write_bytes(b"")
    (videos / "text.mp4").write_text("no video at all")
    rows: list[dict[str, object]] = [
        {"uri": f"videos/{path.name}"} for path in sorted(videos.iterdir())
    ]
    rows += [
        {"uri": "../../etc/passwd"},
        {"uri": "http://localhost/x.mp4"},
        {"uri": "-i.mp4"},
        {"uri": "videos/gone.mp4"},
        {"uri": "videos/scene-01.mp4"},
        {"uri": "videos/scene-01.mp4", "clip_start_s": 4.0, "clip_end_s": 9.5},
        {"video_id": "odd", "uri": "videos/scene-01.mp4", "colour": "red"},
    ]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, rows)) + "\n{not json\n", encoding="utf-8")

    config = str(write_config("run", source={"kind": "manifest", "path": str(manifest)}))
    assert main(["run", "-c", config, "--until", "event_caption"]) == 0
    capsys.readouterr()
    check_what_is_there_so_far(config, len(rows) + 1, capsys)

    assert main(["run", "-c", config]) == 0
    capsys.readouterr()
    check_width(config, capsys)
    assert main(["status", "-c", config, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert status["videos_in"] == len(rows) + 1
    assert status["videos_out"] == 3, "two scenes and a clip of one"
    assert status["videos_open"] == 0
    assert sum(status["videos_rejected"].values()) == len(rows) + 1 - 3
    assert {"empty_file", "not_a_video", "unsafe_uri", "missing_file"} <= set(
        status["videos_rejected"]
    )
    assert status["videos_rejected"]["bad_manifest_row"] == 2
    assert status["videos_rejected"]["duplicate_id"] == 1
    assert status["videos_absent"] == {}, "each good video has a dialogue"
    for node in status["nodes"]:
        left = sum(node[f"videos_{what}"] for what in ("out", "rejected", "absent"))
        assert node["videos_in"] == left, node["node"]
        declared = {reason.name: reason for reason in load_stage(node["stage"]).reasons}
        assert not any(declared[name].absence for name in node["rejected"])
        assert all(declared[name].absence for name in node["absent"])

    check_the_card(config, tmp_path / "run" / "corpus" / "README.md", status, capsys)

    assert main(["status", "-c", config, "--rejects"]) == 0
    rejects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(row["stage"] and row["reason"] for row in rejects)
    assert {row["video_id"] for row in rejects} >= {"videos/broken.mp4", "row 13", "odd"}


def check_width(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is cut, and no line is wider than a small terminal."""
    for verb in ("status", "rejects"):
        assert main([verb, "-c", config]) == 0
        text = capsys.readouterr().out
        assert max(map(len, text.splitlines())) <= 80 and "…" not in text
        assert verb == "status" or "The file has no bytes." in text


def check_what_is_there_so_far(config: str, rows: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the three good videos, before there are dialogues."""
    assert main(["status", "-c", config]) == 0
    lines = capsys.readouterr().out.splitlines()
    so_far = f"{rows} in = 0 annotated + {rows - 3} rejected + 3 not finished"
    assert f"videos: {so_far}" in lines
    assert main(["status", "-c", config, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    (made,) = (node for node in status["nodes"] if node["node"] == "event_caption")
    assert status["open_annotations"] == {"event_caption": made["rows_out"]}
    assert status["open_annotated"] == made["videos_out"] > 0
    said = f"{made['rows_out']} of {made['videos_out']} of the videos not finished"
    assert f"annotations so far: {said}" in lines
    assert f"  by task: event_caption {made['rows_out']}" in lines


@pytest.mark.long
def test_the_real_videos_beside_the_checkout(
    write_config: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, or a few that are small, sound and damaged."""
    shared = Path(__file__).resolve().parents[3] / "shared" / "videos"
    if not shared.is_dir():
        pytest.skip("there are no ../shared/videos")
    folder = tmp_path / "videos"
    folder.mkdir()
    for path in shared.iterdir():
        if LONG or path.stat().st_size < SMALL_BYTES:
            shutil.copy(path, folder)
    config = str(write_config("run", source={"kind": "folder", "path": str(folder)}))
    assert main(["run", "-c", config]) == 0
    capsys.readouterr()
    assert main(["status", "-c", config, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    left = sum(status["videos_rejected"].values()) + sum(status["videos_absent"].values())
    assert status["videos_in"] == status["videos_out"] + left


def check_the_card(
    config: str, card: Path, status: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what came in, and does so again when it is installed again."""
    text = card.read_text(encoding="utf-8")
    came, kept = status["videos_in"], status["videos_out"]
    assert f"Of {came} videos that came in, {kept} are in the corpus and {came - kept} were" in text
    section = text.partition("## What came in")[2].partition("\n## ")[0]
    named = dict(re.findall(r"\| `(\w+)` \| (\d+) \|", section))
    assert {name: int(number) for name, number in named.items()} == status["videos_rejected"]
    card.unlink()
    assert main(["run", "-c", config]) == 0
    assert card.read_text(encoding="utf-8") == text
    capsys.readouterr()
