"""Samples go to Label Studio and come back; the next run has what people changed, asks nobody."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest

from pipeline.execution import journaled_engine
from tests.pipeline.reports.label_studio.exports import (
    Task,
    annotated,
    draw,
    move,
    remove,
    results,
)
from tests.runs.raw_files import call
from tests.runs.test_curate import dialogues

Capture = pytest.CaptureFixture[str]
LABEL = ("label", "export", "--limit", 2, "--media-prefix", "/data/")
BY = "label_studio:3@2026-11-29T09:00:00.123456+00:00"


def exported(capsys: Capture, config: Path, folder: Path, *more: object) -> list[Task]:
    """The tasks that are written for the first two videos."""
    status = call(capsys, *LABEL, "-c", config, "-o", folder, *more)[0]
    assert status == 0
    tasks: list[Task] = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    return tasks


def sample_of(task: Task) -> str:
    return str(task["data"]["turnwise"]["sample_id"])


def rids_of(task: Task) -> list[str]:
    return [response["rid"] for response in task["data"]["turnwise"]["responses"]]


def test_out_and_back(
    finished_config: Callable[..., Path],
    scenes: Path,
    tmp_path: Path,
    capsys: Capture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def closed(_: object) -> None:
        raise AssertionError("a model was asked")

    config, root = finished_config("run"), tmp_path / "run"
    monkeypatch.setattr(journaled_engine, "open_engine", closed)
    tasks, before = exported(capsys, config, tmp_path / "all"), dialogues(root)
    assert before.keys() == {sample_of(task) for task in tasks}
    view = xml.parse(tmp_path / "all" / "label_config.xml")
    assert {each.get("value") for each in view.iter("Label")} == {d.task for d in before.values()}
    assert all(task["data"]["video"].startswith("/data/") for task in tasks)

    captions = [task for task in tasks if task["data"]["task"] == "event_caption"]
    chosen = next(task for task in captions if len(rids_of(task)) > 1)
    kept, gone = rids_of(chosen)[:2]
    judged, untouched = annotated(chosen), annotated(next(t for t in tasks if t is not chosen))
    last = next(r for r in results(judged) if r["id"] == kept)["value"]["ranges"][0]["end"] - 3
    move(judged, kept, end=last)
    remove(judged, gone)
    draw(judged, "new", 1, 10, "Nothing moves.")
    export, file = tmp_path / "export.json", root / "decisions.jsonl"
    export.write_text(json.dumps([judged, untouched, {"id": 3}]), encoding="utf-8")
    take = ("label", "import", export, "-c", config, "--limit", 2)
    status, out, error = call(capsys, *take)
    assert status == 3 and "not read: a row that is no task" in error
    assert "(accept " in out and "change 1, reject 1)" in out
    lines = file.read_bytes()
    assert "decisions: 0 new, " in call(capsys, *take)[1] and file.read_bytes() == lines

    run = ("run", "-c", config, "--limit", 2, "--set", "run.executor=local")
    assert call(capsys, *run)[0] == 0
    after, name = dialogues(root), sample_of(chosen)
    said = {r.rid: r for r in after[name].responses}
    assert gone not in said and said[kept].end_s == last / chosen["data"]["frames_per_s"]
    human = [(c.rid, c.model) for c in after[name].checks if c.name == "human"]
    assert (kept, BY) in human
    differ = {sample for sample, each in after.items() if each != before.get(sample)}
    assert differ == {name, sample_of(untouched)}
    now = exported(capsys, config, tmp_path / "now", "--task", "event_caption")
    assert {task["data"]["task"] for task in now} == {"event_caption"}
    assert gone not in rids_of(next(task for task in now if sample_of(task) == name))

    made = tmp_path / "labelled.jsonl"
    folders = ("--annotations", root / "labelled", "--videos", scenes)
    status, _, error = call(capsys, "manifest", "table", *folders, "-o", made)
    assert status == 0, error
    (row,) = [json.loads(line) for line in made.read_text(encoding="utf-8").splitlines()]
    (entry,) = row["annotations"]
    assert (entry["text"], entry["kind"], entry["origin"]) == ("Nothing moves.", "event", "human")
    assert entry["annotator"] == BY


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export",), "-o: label export needs a folder"),
        (("import",), "FILE: label import needs a JSON export"),
        (("import", "e.json", "-o", "x"), "-o: of `label export`, not of `label import`"),
        (("export", "-o", "x", "--who", "ann"), "--who: of `label import`, not of `label export`"),
        (("import", "none.json"), "there is no file none.json"),
    ],
)
def test_what_is_missing_or_does_not_belong_is_said(
    arguments: tuple[str, ...], said: str, tmp_path: Path, capsys: Capture
) -> None:
    status, _, error = call(capsys, "label", *arguments, "-c", tmp_path / "none.yaml")
    assert status == 2 and said in error
