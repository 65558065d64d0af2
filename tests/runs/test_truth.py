"""The promise of the demo: what is measured on scenes whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.run import main

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "demo.yaml"


@pytest.mark.slow
def test_the_demo_keeps_time(
    scenes: Path,
    write_config: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = {"kind": "scenes", "path": str(scenes)}
    config = str(write_config("demo", extends=CONFIG, source=source))
    assert main(["run", "-c", config]) == 0
    tasks = {path.name for path in (tmp_path / "demo" / "corpus" / "data").iterdir()}
    assert tasks == {
        "narration",
        "event_caption",
        "action_caption",
        "event_grounding",
        "tsqa",
        "offline_qa",
    }
    capsys.readouterr()
    assert main(["truth", "-c", config, "--truth", str(scenes / "truth"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["videos"] >= 10
    assert report["changes"]["recall"]["share"] >= 0.9
    assert report["changes"]["spurious"]["share"] <= 0.1
    assert report["answers"]["right"]["share"] >= 0.9
    assert report["answers"]["right"]["whole"] >= 50
    assert report["answers"]["chosen"]["share"] == report["answers"]["distractors"]["share"] == 1
    assert report["answers"]["chosen"]["whole"] >= 10
    negatives = report["negatives"]["absent"]
    assert negatives["part"] == negatives["whole"] >= 15, "none asks for what is in its video"
    assert report["negatives"]["unscored"] == 0
    for spans in report["spans"]:
        assert spans["agreed"]["share"] >= 0.9
        assert spans["agreed"]["whole"] >= 10
    assert main(["truth", "-c", config, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    (together,) = (spans for spans in report["found"] if spans["task"] == "any")
    assert together["recall"]["whole"] == report["spans"] >= 40
    assert together["recall"]["at_0_7"] >= 0.9
    (located,) = report["grounded"]
    assert located["captions"]["whole"] == report["spans"] - 2, "two have two spans each"
    assert 0.7 <= located["captions"]["at_0_7"] < 1, "some words are unknown to the engine"


def test_truth_is_that_of_the_videos_asked_for(
    scenes: Path, write_config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(write_config("run"))
    truth = ["truth", "-c", config, "--truth", str(scenes / "truth"), "--json"]
    assert main([*truth, "--limit", "2"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["videos"] == 2
    assert report["changes"]["recall"]["share"] is None, "nothing was run"
    assert main(["truth", "-c", config, "--truth", str(scenes / "videos")]) == 2
