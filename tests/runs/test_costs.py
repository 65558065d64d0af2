"""What a run costs: forecast by a pilot, then beside the fact; and what was saved, by ``status``
and the card."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.run import main
from tests.runs.answering_server import Server, serving
from tests.runs.asking import write_asking
from tests.runs.raw_files import call

pytestmark = [pytest.mark.faults, pytest.mark.long]

PILOT = ("--limit", "1")
GPUS = ("--gpu-rate", "1000,500", "--gpu-rate", "narrator=100,50", "--gpu-price", "2.5")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def config(write_config: Callable[..., Path], server: Server, scenes: Path, tmp_path: Path) -> str:
    """Three short scenes, each a shard of its own."""
    path = write_asking(write_config, "run", server, shard=1)
    rows = [json.loads(line) for line in (scenes / "manifest.jsonl").read_text().splitlines()]
    chosen = [row for row in rows if row["video_id"] in ("scene-01", "scene-05", "scene-14")]
    listed = [row | {"uri": str(scenes / row["uri"])} for row in chosen]
    manifest = tmp_path / "three.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in listed))
    settings = yaml.safe_load(path.read_text())
    settings["source"]["path"] = str(manifest)
    path.write_text(yaml.safe_dump(settings))
    return str(path)


def test_costs_are_forecast_and_come_true(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(verb: str, *options: str) -> Any:
        status, out, _ = call(capsys, verb, "-c", config, *options, "--json")
        assert status == 0
        return json.loads(out)

    assert main(["run", "-c", config, *PILOT]) == 0
    spent = {node["node"]: node for node in said("status", *PILOT)["nodes"]}
    before = said("forecast", *PILOT, *GPUS)
    assert before["facts"] == []
    takes = {each["node"]: each for each in before["takes"]}
    for name, rate in (("narrate", (100, 50)), ("caption", (1000, 500))):
        node, took = spent[name], takes[name]
        fresh = node["tokens_in"] - node["tokens_cached"]
        hours = (fresh / rate[0] + node["tokens_out"] / rate[1]) / 3600
        assert took["asks"] == 3 * node["asks"] > 0
        assert took["gpu_hours"] == pytest.approx(3 * hours)
        assert took["cost"] == pytest.approx(3 * hours * 2.5)
    assert takes["segment"]["gpu_hours"] is None and takes["segment"]["stored_bytes"] > 3 * 10_000
    for wrong in ("1000", "0,5", "nobody=1,2"):
        assert call(capsys, "forecast", "-c", config, *PILOT, "--gpu-rate", wrong)[0] == 2

    assert main(["run", "-c", config]) == 0
    whole = said("status")
    after = said("forecast", *PILOT, *GPUS)
    assert after["takes"] == before["takes"]
    facts = {each["node"]: each for each in after["facts"]}
    for node in whole["nodes"]:
        fact = facts[node["node"]]
        assert [fact["asks"], fact["tokens_in"]] == [node["asks"], node["tokens_in"]]
    folder = tmp_path / "run/parts/segment"
    assert facts["segment"]["stored_bytes"] == sum(
        file.stat().st_size for file in folder.rglob("*-*") if file.is_file()
    )
    _, text, _ = call(capsys, "forecast", "-c", config, *PILOT, *GPUS, "--gpus", "8")
    assert "forecast, and fact" in text and "hours on 8 GPUs" in text
    assert max(map(len, text.splitlines())) <= 80

    # What was saved, and what an hour of video takes.
    (narrate,) = (node for node in whole["nodes"] if node["node"] == "narrate")
    assert narrate["asks_filtered"] > 20 and narrate["video_hours"] == pytest.approx(48 / 3600)
    assert narrate["asks"] + narrate["asks_filtered"] == 45
    _, text, _ = call(capsys, "status", "-c", config)
    assert f"asks saved: by the still filter {narrate['asks_filtered']}" in text
    card = (tmp_path / "run/corpus/README.md").read_text()
    for line in (text, card):
        assert f"{narrate['asks_filtered']}" in line and "hour" in line
    asks = sum(node["asks"] / node["video_hours"] for node in whole["nodes"] if node["asks"])
    assert f"{36 * asks:,.0f} tokens fresh, {64 * asks:,.0f} cached" in text
    edit = ("--set", "nodes.polish.config.min_gap_s=9")
    assert main(["run", "-c", config, *edit]) == 0
    reused = {node["node"]: node["asks_reused"] for node in said("status", *edit)["nodes"]}
    (polish,) = (node for node in whole["nodes"] if node["node"] == "polish")
    assert reused["polish"] == polish["asks"] > polish["asks_reused"]
