"""A new task is one stage file, one prompt and one entry in the config (CONTRIBUTING.md)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"


def block(name: str) -> str:
    """The code block of CONTRIBUTING.md that follows the file name ``name``."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    found = re.search(rf"`{re.escape(name)}`.*?```\w*\n(.*?)```", text, re.DOTALL)
    assert found, f"CONTRIBUTING.md shows no {name}"
    return found.group(1)


def test_the_three_steps_of_contributing(
    checkout: Path, cli: Callable[..., Any], finished_config: Callable[..., Path], tmp_path: Path
) -> None:
    config = finished_config("toy", extends=checkout / "configs" / "streamo.yaml")
    arguments = ("-c", str(config), "--limit", "2")

    (checkout / "stages" / "counting.py").write_text(block("stages/counting.py"))
    (checkout / "prompts" / "counting.md").write_text(block("prompts/counting.md"))
    nodes = yaml.safe_load(block("configs/streamo.yaml"))
    whole = yaml.safe_load((checkout / "configs" / "streamo.yaml").read_text())
    whole["nodes"] |= {"counting": nodes["counting"]}
    whole["nodes"]["dialogue"]["after"].append("counting")
    (checkout / "configs" / "streamo.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))

    plan = json.loads(cli(checkout, "plan", *arguments, "--json").stdout)
    assert {row["node"] for row in plan if row["to_do"]} == {
        *("counting", "dialogue", "plan_mixture", "apply_mixture", "write_files", "write_corpus")
    }
    cli(checkout, "run", *arguments)
    files = sorted((tmp_path / "toy" / "corpus" / "data" / "counting").glob("*.parquet"))
    samples = [row for file in files for row in pq.read_table(file).to_pylist()]
    assert len(samples) == 2
    for sample in samples:
        said = [turn["text"] for turn in sample["turns"] if turn["state"] == "response"]
        assert said and all(re.fullmatch(r"\d+", text) for text in said)
