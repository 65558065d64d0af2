"""Whole runs over a few scripted scenes, through the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipeline.run import main
from tests.conftest import MadeOnce

EXTENDS = Path(__file__).resolve().parents[2] / "configs" / "streamo.yaml"


@pytest.fixture
def write_config(scenes: Path, tmp_path: Path) -> Callable[..., Path]:
    """``write_config(name, …)``: a run of the first scenes, two a shard, root ``tmp_path/name``."""

    def write(name: str, extends: Path = EXTENDS, **sections: object) -> Path:
        run = {"name": name, "root": str(tmp_path / name), "videos_per_shard": 2, "workers": 2}
        config = {
            "extends": str(extends),
            "run": run,
            "source": {"kind": "manifest", "path": str(scenes / "manifest.jsonl")},
            **sections,
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        return path

    return write


@pytest.fixture
def finished_config(
    write_config: Callable[..., Path], made_once: MadeOnce, tmp_path: Path
) -> Callable[..., Path]:
    """``finished_config(name, …)``: as ``write_config``, one video a shard and one shard a group,
    and its root is that of a run whose first two videos are done."""

    def finished(root: Path) -> None:
        config = write_config("finished")
        one = ("run.videos_per_shard=1", "corpus.shards_per_group=1", f"run.root={root}")
        settings = [argument for each in one for argument in ("--set", each)]
        assert main(["run", "-c", str(config), "--limit", "2", *settings]) == 0

    def write(name: str, **sections: object) -> Path:
        path = write_config(name, **sections)
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        config["run"]["videos_per_shard"] = 1
        config.setdefault("corpus", {})["shards_per_group"] = 1
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        shutil.copytree(made_once("finished run", finished), tmp_path / name)
        return path

    return write
