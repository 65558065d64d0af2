"""Decisions of people are applied by the next run, ask nobody, and are undone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.corpus.read import read_corpus
from pipeline.execution import journaled_engine
from pipeline.records import Dialogue
from tests.runs.raw_files import call

Capture = pytest.CaptureFixture[str]


def dialogues(root: Path) -> dict[str, Dialogue]:
    samples = read_corpus(root / "corpus", frames=False)
    return {d.sample_id: d for each in samples for d in each.dialogues}


def parts(root: Path) -> dict[str, set[str]]:
    """By node, the names of parts without their recipe."""
    return {
        node.name: {part.name for part in node.glob("*/part-*.parquet")}
        for node in (root / "parts").iterdir()
    }


def test_the_next_run_applies_them_and_undoes_them(
    finished_config: Callable[..., Path],
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(_: object) -> None:
        raise AssertionError("a model was asked")

    config, root = finished_config("run"), tmp_path / "run"
    monkeypatch.setattr(journaled_engine, "open_engine", closed)
    before, made = dialogues(root), parts(root)
    run = ("run", "-c", config, "--limit", 2, "--set", "run.executor=local")
    first = next(iter(before.values())).video_id
    own = [d for d in before.values() if d.video_id == first]
    changed = next(d for d in own if d.task == "event_caption")
    response = changed.responses[0]
    gone = next(d for d in own if d.task == "narration")
    change = {"sample_id": changed.sample_id, "decision": "change", "rid": response.rid}
    change |= {"who": "ann", "at": "2026-11-29T09:00:00+00:00"}
    lines: list[dict[str, object]] = [
        {"sample_id": gone.sample_id, "decision": "reject"},
        {"end_s": response.end_s + 2, **change},
    ]
    file = root / "decisions.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    assert call(capsys, *run)[0] == 0
    after = dialogues(root)
    assert before.keys() - after.keys() == {gone.sample_id} and not after.keys() - before.keys()
    differ = {name for name, each in after.items() if each != before[name]}
    assert differ == {changed.sample_id}
    said = next(r for r in after[changed.sample_id].responses if r.rid == response.rid)
    assert said.end_s == response.end_s + 2 and said.turn > response.turn
    now = parts(root)
    new = {node: len(now[node] - made[node]) for node in now if now[node] - made[node]}
    assert new["dialogue"] == new["write_files"] == 1, "rows and files of one video"
    assert new.keys() <= {
        "dialogue",
        "plan_mixture",
        "apply_mixture",
        "write_files",
        "write_corpus",
    }
    out = call(capsys, "status", "-c", config, "--limit", 2, "--rejects")[1]
    assert "rejected_by_person" in out
    for path in (root / "corpus").glob("*.yaml"):
        assert "decisions" not in path.read_text(encoding="utf-8").partition("\nrun:")[2]

    with file.open("a", encoding="utf-8") as more:
        for line in lines:
            more.write(json.dumps({**line, "decision": "none"}) + "\n")
    assert call(capsys, *run)[0] == 0
    assert dialogues(root) == before
    file.write_text('{"sample_id": 1}\n', encoding="utf-8")
    status, _, error = call(capsys, *run)
    assert status == 2 and "decisions.jsonl, line 1" in error and error.count("\n") == 1
