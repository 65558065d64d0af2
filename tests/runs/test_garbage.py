"""``gc``: what no recipe reaches goes when asked twice, and never under a run that is alive."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.run import main
from pipeline.store.heartbeat import DEAD_AFTER_S, dead_runs, heartbeat, live_runs
from pipeline.store.location import Location
from pipeline.store.process import Process

WriteConfig = Callable[..., Path]


@pytest.fixture
def made(write_config: WriteConfig) -> Path:
    """The config of a run that is done up to its frames, with parts of an earlier setting."""
    config = write_config("run")
    until = ["--limit", "2", "--until", "segment"]
    for edit in ("nodes.segment.config.jpeg_quality=50", "nodes.segment.config.jpeg_quality=90"):
        assert main(["run", "-c", str(config), "--set", edit, *until]) == 0
    return config


def test_what_is_listed_goes_when_asked_again(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "run"
    folders = {_quality(p): p.parent for p in root.glob("parts/segment/*/recipe.json")}
    old, half = folders[50], folders[90]
    (half / ".part-00000-ab.parquet.x").write_bytes(b"half")
    (half / "notes.txt").write_text("mine")
    before = {p for p in root.rglob("*") if p.is_file()}
    assert main(_command(made)) == 0
    listed = capsys.readouterr().out
    lines = listed.splitlines()
    count = len([p for p in old.rglob("*") if p.is_file()])
    assert lines[0].startswith(f"{root}: {count + 1} files, ")
    assert re.fullmatch(rf" *{count} +[\d.]+ +1 +1  other recipe: of earlier .*", lines[3])
    assert re.fullmatch(r" *1 +0.0 +1 +1  half-written: .*", lines[4])
    assert any(line.endswith(f"other recipe  {old.relative_to(root)}") for line in lines)
    assert all(len(line) <= 80 for line in lines[1:]), "the first has the user's path"
    assert "--remove" in lines[-1]
    assert {p for p in root.rglob("*") if p.is_file()} == before
    assert main(_command(made, "--files")) == 0
    every = capsys.readouterr().out
    assert every.count(f"{old.relative_to(root)}/") == count
    (token,) = re.findall(r"--remove ([0-9a-f]{8})", listed)

    assert main(_command(made, "--remove", "00000000")) == 2
    assert f"this one is {token}" in capsys.readouterr().err
    with heartbeat(Location.of(root)):
        assert main(_command(made, "--remove", token)) == 1
        assert "a run is alive" in capsys.readouterr().err
    assert {p for p in root.rglob("*") if p.is_file()} == before

    assert main(_command(made, "--remove", token)) == 0
    after = {p for p in root.rglob("*") if p.is_file()}
    assert before - after == {p for p in before if old in p.parents} | {
        half / ".part-00000-ab.parquet.x"
    }
    assert not old.exists() and (half / "notes.txt").exists()
    assert main(_command(made)) == 0
    assert "nothing to remove" in capsys.readouterr().out


def _quality(recipe: Path) -> int:
    return int(json.loads(recipe.read_text())["config"]["jpeg_quality"])


def _command(config: Path, *more: str) -> list[str]:
    return ["gc", "-c", str(config), *more]


def test_signs_of_life(tmp_path: Path) -> None:
    root = Location.of(tmp_path)
    assert live_runs(root) == []
    with heartbeat(root), heartbeat(root):
        assert len(live_runs(root)) == 2
        sign = next((tmp_path / "alive").iterdir())
        written = json.loads(sign.read_text())
        assert written["host"] == platform.node()
    assert live_runs(root) == []

    now = datetime.now(timezone.utc)
    old, own = now - timedelta(seconds=DEAD_AFTER_S + 1), asdict(Process.this())
    signs = {
        "elsewhere": {"at": now.isoformat(), "host": "other", "pid": 1},
        "silent": {"at": old.isoformat(), "host": "other", "pid": 1},
        "killed": {"at": now.isoformat(), "host": "here", **own, "pid": 1 << 22},
        "another": {"at": now.isoformat(), "host": "here", **own, "started": 1},
        "slow": {"at": old.isoformat(), "host": "here", **own},
        "no zone": {"at": "2026-01-01T00:00:00", "host": "here", **own},
        "no process": {"at": now.isoformat(), "host": "here", **own, "pid": 10**30},
    }
    for name, sign_of in signs.items():
        (root / f"alive/{name}.json").write_text(json.dumps(sign_of))
    (root / "alive/broken.json").write_text("{")
    alive = " ".join(live_runs(root))
    assert len(live_runs(root)) == 4
    assert "of other" in alive and "broken" in alive and "no zone" in alive
    assert f"process {os.getpid()} of here, last seen {old.isoformat()}" in alive
    dead = {file.stem for file in dead_runs(root)}
    assert dead == {"silent", "killed", "another", "no process"}


def test_a_sign_is_given_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.store.heartbeat.EVERY_S", 0.01)
    with heartbeat(Location.of(tmp_path)):
        (sign,) = (tmp_path / "alive").glob("*.json")
        sign.unlink()
        while not sign.exists():
            time.sleep(0.01)
