"""A task, what Label Studio exports of it after somebody has judged it, and a run that takes it."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from benchmarks.many_samples import dialogue, plain
from pipeline.reports.label_studio.project import task_of
from pipeline.reports.label_studio.taken import Taken, take
from pipeline.store.location import Location
from pipeline.workflow.curation import read_decisions

Task = dict[str, Any]
AT = "2026-11-29T09:00:00.123456Z"
RATE = 25.0
SAMPLE = f"{0:016x}"


def task(**fields: Any) -> Task:
    """Of a sample with the spans [8, 12), [26, 30) and [44, 48); its video has 25 frames/s."""
    return task_of(dialogue(0, plain).model_copy(update=fields), RATE, "")


class Run:
    """The root of a run with that sample, to which exports come."""

    def __init__(self, folder: Path) -> None:
        self.root, self._file = Location.of(folder / "run"), folder / "export.json"
        (folder / "run").mkdir()

    def take(self, *tasks: Any, who: str = "") -> Taken:
        self._file.write_text(json.dumps(tasks), encoding="utf-8")
        return take(self._file, self.root, {SAMPLE}, who)

    @property
    def said(self) -> dict[str, tuple[Any, ...]]:
        """What holds, by ``rid``."""
        last = {each.rid: each for each in read_decisions(self.root / "decisions.jsonl")}
        return {rid: (d.decision, d.start_s, d.end_s, d.text) for rid, d in last.items()}

    @property
    def added(self) -> list[dict[str, Any]]:
        file = Path(self.root / "labelled" / "annotations.jsonl")
        return (
            [json.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []
        )


def annotated(task: Task, *, at: str = AT, by: Any = 3) -> Task:
    """The task as it is exported when its predictions were submitted as they were."""
    result = copy.deepcopy(task["predictions"][0]["result"])
    for each in result:
        each["origin"] = "prediction"
    one = {"id": 7, "result": result, "was_cancelled": False, "completed_by": by}
    one |= {"created_at": at, "updated_at": at, "lead_time": 4.2, "ground_truth": False}
    return {"id": 1, "data": copy.deepcopy(task["data"]), "annotations": [one], "predictions": []}


def results(task: Task) -> list[dict[str, Any]]:
    """Of the first annotation, to be changed in place."""
    found: list[dict[str, Any]] = task["annotations"][0]["result"]
    return found


def move(task: Task, rid: str, **frames: int) -> None:
    """Drag an edge of a region, of which the region's text has a copy."""
    for each in results(task):
        if each["id"] == rid:
            each["value"]["ranges"][0].update(frames)


def say(task: Task, rid: str, *texts: str) -> None:
    """Another text for a region."""
    for each in results(task):
        if each["id"] == rid and each["type"] == "textarea":
            each["value"]["text"] = list(texts)


def remove(task: Task, *rids: str) -> None:
    """Delete regions."""
    task["annotations"][0]["result"] = [e for e in results(task) if e["id"] not in rids]


def draw(task: Task, name: str, start: int, end: int, *texts: str) -> None:
    """A new region, perhaps with a text."""
    value: dict[str, Any] = {"ranges": [{"start": start, "end": end}]}
    common = {"id": name, "to_name": "video", "origin": "manual"}
    labels = {"value": {**value, "timelinelabels": ["tsqa"]}, "from_name": "span"}
    results(task).append({**common, **labels, "type": "timelinelabels"})
    if texts:
        said = {"value": {**value, "text": list(texts)}, "from_name": "text"}
        results(task).append({**common, **said, "type": "textarea"})
