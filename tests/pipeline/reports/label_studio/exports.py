"""What Label Studio exports of a task, after somebody has judged it."""

from __future__ import annotations

import copy
from typing import Any

Task = dict[str, Any]
AT = "2026-11-29T09:00:00.123456Z"


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
