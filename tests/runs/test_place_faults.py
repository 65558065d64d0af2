"""Videos whose place fails while a run reads them: no verdict stays, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.exit_status import FAILED
from pipeline.media.scenes.render import render_scenes
from pipeline.run import main
from pipeline.store.recipe_file import write_recipe

pytestmark = pytest.mark.faults

NAMES = ("scene-13", "scene-14")
Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two short videos."""
    return render_scenes(tmp_path_factory.mktemp("scenes"), NAMES).parent


@pytest.fixture
def config(scenes: Path, tmp_path: Path, write_config: Callable[..., Path]) -> str:
    """Two videos, one shard, up to their frames."""
    for name in NAMES:
        shutil.copyfile(scenes / f"videos/{name}.mp4", tmp_path / f"{name}.mp4")
    rows = [json.dumps({"uri": f"{name}.mp4"}) for name in NAMES]
    (tmp_path / "m.jsonl").write_text("\n".join(rows))
    return str(write_config("run", source={"path": str(tmp_path / "m.jsonl")}))


def run(config: str, verb: str = "run", *more: str) -> int:
    until = ("--until", "segment") if verb == "run" else ()
    return main([verb, "-c", config, "--executor", "local", *until, *more])


def parts(tmp_path: Path, root: str = "run") -> Mapping[str, bytes]:
    found = (tmp_path / root / "parts").glob("*/*/*.parquet")
    return {f"{path.parent.parent.name}/{path.name}": path.read_bytes() for path in found}


def rejects(config: str, capsys: Output) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["rejects", "-c", config, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def once_planned(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """``do`` it when the tasks are known, and none has begun."""
    write, todo = write_recipe, iter([do])

    def writing(*given: Any) -> None:
        next(todo, lambda: None)()
        write(*given)

    monkeypatch.setattr("pipeline.execution.runner.write_recipe", writing)


def test_a_video_that_is_away_fails_its_shard_and_the_others_are_read_once(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    assert run(config) == 0
    whole = parts(tmp_path)
    shutil.rmtree(tmp_path / "run")

    assert run(config, "run", "--only", "ingest") == 0
    away, there = (tmp_path / f"{name}.mp4" for name in NAMES)
    with monkeypatch.context() as patch:
        once_planned(patch, lambda: away.rename(tmp_path / "elsewhere"))
        capsys.readouterr()
        assert run(config) == FAILED
    said = capsys.readouterr().err
    assert f"{away.name}: there is no file {away.name}" in said
    assert "Traceback" not in said
    (tmp_path / "elsewhere").rename(away)
    assert not rejects(config, capsys)

    # Whoever reads the other video again finds another one.
    there.write_bytes(bytes(there.stat().st_size))
    assert run(config) == 0
    assert parts(tmp_path) == whole
    assert not list((tmp_path / "run/parts").glob("*/*/reads-*"))


def test_a_place_that_cannot_be_read_is_asked_again_by_the_next_run(
    config: str, tmp_path: Path, capsys: Output
) -> None:
    assert run(config) == 0
    whole = parts(tmp_path)
    shutil.rmtree(tmp_path / "run")
    video = tmp_path / "scene-13.mp4"
    video.rename(tmp_path / "elsewhere")
    video.symlink_to(video.name)
    capsys.readouterr()
    for _ in range(2):
        assert run(config) == FAILED
        said = capsys.readouterr().err
        assert f"{video}: {os.strerror(40)}" in said
        assert "Traceback" not in said
    video.unlink()
    (tmp_path / "elsewhere").rename(video)
    assert run(config) == 0
    assert parts(tmp_path) == whole


def test_retry_knows_a_file_that_is_there_again(
    config: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    video = tmp_path / "scene-13.mp4"
    with monkeypatch.context() as patch:
        once_planned(patch, lambda: video.rename(tmp_path / "elsewhere"))
        assert run(config) == 0
    assert run(config, "retry") == 0
    assert "nothing to retry" in capsys.readouterr().out
    (tmp_path / "elsewhere").rename(video)
    assert [row["reason"] for row in rejects(config, capsys)] == ["missing_file"]
    assert main(["retry", "-c", config, "--reason", "too_short"]) != 0
    assert main(["retry", "-c", config, "--executor", "local"]) == 0
    assert "missing_file" not in {row["reason"] for row in rejects(config, capsys)}


def test_a_file_that_is_not_there_is_refused_until_it_is(
    config: str, tmp_path: Path, capsys: Output
) -> None:
    video = tmp_path / "scene-13.mp4"
    video.rename(tmp_path / "elsewhere")
    assert run(config) == 0
    assert [row["reason"] for row in rejects(config, capsys)] == ["missing_file"]
    (tmp_path / "elsewhere").rename(video)
    assert run(config) == 0
    assert not rejects(config, capsys)
