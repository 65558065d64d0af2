"""Whole runs over a few scripted scenes, through the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

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
