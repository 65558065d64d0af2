"""What a newcomer's folder or manifest meets: every file and every row is accounted for."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import main
from tests.conftest import ROOT


@pytest.fixture
def admitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[Any, str, str]]:
    """The status of a run of ``ingest`` alone, as data and as text, and what ``plan`` said."""

    def run(source: dict[str, Any], **config: Any) -> tuple[Any, str, str]:
        run = {"root": str(tmp_path / "run"), "executor": "local", "videos_per_shard": 2}
        file = tmp_path / "run.json"
        nodes = {"ingest": {"stage": "ingest", "config": config}}
        file.write_text(json.dumps({"run": run, "source": source, "nodes": nodes}))
        said = []
        for verb in (["plan"], ["run"], ["status", "--json"], ["status"]):
            capsys.readouterr()
            assert main([*verb, "-c", str(file)]) == 0
            said.append(capsys.readouterr().out)
        assert said[1].endswith(said[3])
        return json.loads(said[2]), said[3], said[0]

    return run


def test_every_file_of_a_folder_is_a_video_or_passed_over(
    scenes: Path, tmp_path: Path, admitted: Callable[..., tuple[Any, str, str]]
) -> None:
    folder = tmp_path / "videos"
    for name in ("a.mp4", "b/c.3gp", "d.WMV"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(scenes / "videos" / "scene-01.mp4", folder / name)
    for name in ("notes.txt", "b/more.txt", "README", "e.mp4"):
        (folder / name).write_text("no video")
    status, text, plan = admitted({"kind": "folder", "path": str(folder)})
    assert status["videos_in"] == 4
    assert status["nodes"][0]["videos_out"] == 3
    assert status["passed_over"] == {".txt": 2, "no suffix": 1}
    line = "3 files passed over: .txt 2, no suffix 1"
    assert line in text.splitlines() and line in plan.splitlines()


@pytest.mark.parametrize("kind", ["folder", "manifest"])
def test_a_file_that_is_named_is_tried_whatever_its_suffix(
    kind: str, scenes: Path, tmp_path: Path, admitted: Callable[..., tuple[Any, str, str]]
) -> None:
    path = tmp_path / "recording.dat"
    shutil.copy(scenes / "videos" / "scene-01.mp4", path)
    if kind == "manifest":
        path = tmp_path / "m.jsonl"
        path.write_text('{"uri": "recording.dat"}\n')
    status, text, _ = admitted({"kind": kind, "path": str(path)})
    assert (status["videos_in"], status["nodes"][0]["videos_out"]) == (1, 1)
    assert status["passed_over"] == {} and "passed over" not in text


def test_a_row_that_cannot_be_used_does_not_spoil_one_that_can(
    scenes: Path, tmp_path: Path, admitted: Callable[..., tuple[Any, str, str]]
) -> None:
    video = str(scenes / "videos" / "scene-01.mp4")
    rows = [
        {"uri": video, "colour": "red"},
        {"uri": video},
        {"uri": video},
        {"uri": video, "split": "not a name"},
        {"video_id": "k", "uri": "http://localhost/k.mp4"},
        {"video_id": "k", "uri": video},
        {"video_id": "gone", "uri": "gone.mp4"},
        {"video_id": "gone", "uri": video},
    ]
    (tmp_path / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = {"path": str(tmp_path / "m.jsonl")}
    (node,) = admitted(source)[0]["nodes"]
    assert (node["videos_in"], node["videos_out"]) == (8, 2)
    assert node["rejected"] == {
        **{"bad_manifest_row": 2, "unsafe_uri": 1, "missing_file": 1},
        # the third row, and the last: whether a file is there is not known when ids are given
        "duplicate_id": 2,
    }
    (node,) = admitted(source, schemes=["file", "http"])[0]["nodes"]
    assert node["rejected"]["duplicate_id"] == 3, "the row of http:// may be used, and holds its id"


def test_a_video_as_the_manifest_is_an_error_of_use(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = scenes / "videos" / "scene-01.mp4"
    assert main(["plan", "-c", str(ROOT / "configs" / "demo.yaml"), "--set", "source.kind=manifest",
                 "--set", f"source.path={video}"]) == 2  # fmt: skip
    error = capsys.readouterr().err
    assert f"{video} is a video, not a manifest: set source.kind=folder" in error
    assert "Traceback" not in error and "codec" not in error


def test_the_real_videos_are_all_accounted_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ROOT.parent / "shared" / "videos"
    if not folder.is_dir():
        pytest.skip("there are no ../shared/videos")
    given = ["-c", str(ROOT / "configs" / "demo.yaml"), "--set", f"run.root={tmp_path}"]
    given += ["--set", "source.kind=folder", "--set", f'source.path="{folder}"']
    assert main(["status", *given, "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) == status["videos_in"] + sum(status["passed_over"].values())
    assert status["passed_over"] == {".md": 1, ".mp3": 1}
