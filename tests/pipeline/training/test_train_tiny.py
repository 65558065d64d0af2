"""The example that trains goes from scenes to figures. What it learns is not for a test to say:
``make train-tiny`` trains for minutes. It needs PyTorch: ``make test-vllm`` has one."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipeline.corpus.read import read_corpus
from pipeline.records import DialogueHead
from pipeline.scoring.leaks import leaks

torch = pytest.importorskip("torch", reason="make test-vllm runs these")
EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "train_tiny"
SMALL = ("--train=6", "--validation=1", "--test=3", "--watched=4", "--steps=2", "--seeds=0")


def example(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of it; they import each other by their bare names."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    return import_module(name)


def study(folder: Path, *more: str) -> str:
    """What it prints."""
    command = [sys.executable, str(EXAMPLE / "study.py"), str(folder), *SMALL, *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_goes_from_scenes_to_figures(tmp_path: Path) -> None:
    said = study(tmp_path, "--negatives", "with", "without")
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert results["silence"]["ovo_timing F1"] == 0.0
    assert {*results["trained"]} == {"paper, with negatives", "paper, without negatives"}
    assert all(seconds > 0 for seconds in results["cpu_s"].values())
    assert "| nothing: always silent |" in said
    # A second call does nothing of it again, and one with other settings what they change.
    table = said[said.index("| trained with") :]
    assert study(tmp_path, "--negatives", "with", "without") == table
    other = study(tmp_path, "--negatives", "without", "--steps=3")
    assert other.startswith("train-paper-without-0\nstream-test-paper-without-0\n| trained with")
    heads: dict[str, list[DialogueHead]] = {}
    for sample in read_corpus(tmp_path / "run" / "corpus", frames=False):
        for dialogue in sample.dialogues:
            heads.setdefault(dialogue.split or "", []).append(dialogue)
    assert heads["train"] and heads["test"]
    assert not [*leaks(heads["test"], heads["train"])]


def test_no_two_scenes_are_the_same_video(monkeypatch: pytest.MonkeyPatch) -> None:
    scenes = example("scenes", monkeypatch)

    draw = Random(0)
    scripts = [scenes.scene("", draw) for _ in range(1000)]
    quiet = [each for each in scripts if len(each.actors) == 1]
    assert len(quiet) > 150
    assert len({*scripts}) == len(scripts)


def test_dialogues_of_one_video_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    train = example("train", monkeypatch)
    monkeypatch.setattr(train, "BATCH", 8)

    none = torch.empty(0)
    videos = [train.Video(none, none) for _ in range(10)]
    samples = [train.Sample(none, none, none, video) for video in videos for _ in range(3)]
    seen = []
    for _, batch in zip(range(10), train.batches(samples, Random(0)), strict=False):
        assert train.BATCH <= len(batch) < train.BATCH + 3
        own = [each.video for each in batch]
        assert all(own.count(video) == 3 for video in own)
        seen += own
    # Ten batches of three videos: each of the ten three times.
    assert all(seen.count(video) == 9 for video in videos)


def test_any_state_stands_in_place_of_each_and_nothing_else_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train = example("train", monkeypatch)

    torch.manual_seed(0)
    states = torch.tensor([7, 8, 9])
    ids = torch.tensor([1, 7, 2, 8] * 5000)
    found = train.spoilt(ids, states)
    assert torch.equal(found[ids < 7], ids[ids < 7])
    for was in (7, 8):
        for now in states:
            share = (found[ids == was] == now).float().mean().item()
            assert share == pytest.approx(1 / 3, abs=0.02)


def test_equal_seeds_are_no_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    module = example("study", monkeypatch)

    assert module.interval([0.5]) == "0.500"
    assert module.interval([0.5, 0.5, 0.5]) == "0.500 (all alike)"
    # Three values with the deviation 0.1: 4.30 * 0.1 / sqrt(3).
    assert module.interval([0.4, 0.5, 0.6]) == "0.500 ± 0.248"


def test_a_model_that_does_not_listen_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = example("study", monkeypatch)

    def row(name: str, video: str, *states: str) -> str:
        messages = [{"role": "assistant", "content": f"</{state}>"} for state in states]
        return json.dumps({"sample_id": name, "video_name": video, "messages": messages}) + "\n"

    made = module.Study(tmp_path, Namespace(on="test"))
    (tmp_path / "export").mkdir()
    rows = [row("a", "v", "Silence"), row("b", "v", "Standby")]
    # Of the second video silence is right to both: it says nothing of who listens.
    rows += [row("c", "w", "Silence"), row("d", "w", "Silence")]
    (tmp_path / "export" / "test.jsonl").write_text("".join(rows), "utf-8")
    said = tmp_path / "said.jsonl"
    for b, heeded in (("standby", 1.0), ("silence", 0.0)):
        states = {"a": "silence", "b": b, "c": "silence", "d": "standby"}
        lines = [json.dumps({"sample_id": k, "states": [v]}) + "\n" for k, v in states.items()]
        said.write_text("".join(lines), "utf-8")
        assert made._heeded(said) == heeded
