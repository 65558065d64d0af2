"""``explain``: every sample reaches its frames and prompts; what is gone is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.corpus.read import read_corpus
from pipeline.records import Dialogue
from tests.runs.raw_files import call

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def config(finished_config: Callable[..., Path]) -> Path:
    return finished_config("run")


def dialogues(config: Path) -> list[Dialogue]:
    root = Path(yaml.safe_load(config.read_text(encoding="utf-8"))["run"]["root"])
    return [d for each in read_corpus(root / "corpus", frames=False) for d in each.dialogues]


def explained(capsys: Capture, config: Path, sample: str) -> Any:
    status, out, error = call(capsys, "explain", sample, "-c", config, "--limit", 2, "--json")
    assert status == 0, error
    return json.loads(out)


def test_each_task_reaches_frames_prompts_replies_and_files(config: Path, capsys: Capture) -> None:
    """One sample of each task and aspect."""
    kinds = {(d.task, d.aspect): d for d in dialogues(config)}
    assert len(kinds) > 4
    for dialogue in kinds.values():
        found = explained(capsys, config, dialogue.sample_id)
        asks = [ask for step in found["steps"] for ask in step["asks"]]
        assert not found["gone"] and found["frames"]
        assert {call.request_id for call in dialogue.provenance} <= {
            ask["call"]["request_id"] for ask in asks
        }
        if dialogue.provenance:
            assert any(ask["frames"] for ask in asks)
        for ask in asks:
            assert ask["text"] and ask["replies"] and ask["call"]["model"] == "embedded"
        places = [*found["places"], *(row for step in found["steps"] for row in step["rows"])]
        assert any(place["file"].startswith("corpus/data/") for place in places)
        for place in places:
            assert (Path(found["root"]) / place["file"]).is_file()


def test_it_is_read_by_people(config: Path, capsys: Capture) -> None:
    dialogue = next(d for d in dialogues(config) if d.task == "tsqa")
    status, text, _ = call(capsys, "explain", dialogue.sample_id[:10], "-c", config, "--limit", 2)
    assert status == 0 and "\x1b" not in text, "no pictures in a pipe"
    for wanted in (
        *("change_points\n", "prompt  ", "reply   ", "frames  ", "tokens in", "verify.md"),
        *("answerable passed 1", f"response {dialogue.responses[0].rid} in turn"),
        "nodes.dialogue.config.collision: merge",
    ):
        assert wanted in text, wanted
    for name, said in (("0" * 16, "near ones are"), ("", "samples begin with")):
        status, _, error = call(capsys, "explain", name, "-c", config, "--limit", 2)
        assert status == 2 and said in error and error.count("\n") == 1


def test_replies_that_are_gone_are_said(config: Path, tmp_path: Path, capsys: Capture) -> None:
    dialogue = next(d for d in dialogues(config) if d.task == "event_caption")
    for file in (tmp_path / "run" / "parts" / "ground").glob("*/replies-*"):
        file.unlink()
    found = explained(capsys, config, dialogue.sample_id)
    replies = {s["node"]: [ask["replies"] for ask in s["asks"]] for s in found["steps"]}
    assert not any(replies["ground"]) and all(replies["rewrite"])
    text = call(capsys, "explain", dialogue.sample_id, "-c", config, "--limit", 2)[1]
    assert "gone: no reply is kept to this very ask" in text and "prompt  " in text
