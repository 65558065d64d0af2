"""Whether what the parts say of themselves adds up. A table that does not is worth nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.store.parts import read_counts, read_rows, rejects_path, replies_path
from pipeline.workflow.task import ShardTask

UNEXPLAINED = "unexplained"
"""In the place of a reason: a node above is to be made again, or a video was lost."""


class AccountError(RuntimeError):
    """The counts of a run do not add up; the message names the node and the numbers."""


def account_of(task: ShardTask) -> tuple[dict[str, Any], dict[str, Any]]:
    """The counts of a part and of its replies. Reads footers alone.

    Raises:
        AccountError: they do not add up, or are not those of the rows that are there.
        StoreError: a file is absent or damaged.
    """
    counts = read_counts(task.part)
    _equal(task, "videos in", counts["videos_in"], {
        "out": counts["videos_out"], "rejected": counts["videos_rejected"],
    })  # fmt: skip
    _equal(task, "rows", read_rows(task.part), {"counted": counts["rows_out"]})
    _equal(task, "rejects", read_rows(rejects_path(task.part)), dict(counts["rejected"]))
    if task.engine is None:
        return counts, {}
    replies = read_counts(replies_path(task.part))
    _equal(task, "replies", read_rows(replies_path(task.part)), {"counted": replies["replies"]})
    asked, answered = counts["asks"], replies["replies"]
    if answered < asked:
        raise AccountError(f"{_name(task)}: {asked} asks, but {answered} replies to them")
    return counts, replies


def check_videos(rows: int, annotated: int, rejected: Mapping[str, int], unfinished: int) -> None:
    """Nothing, if each row of the manifest has one fate; ``rejected`` counts them by reason.

    Raises:
        AccountError: it has not.
    """
    refused = sum(rejected.values())
    if rows != annotated + refused + unfinished:
        raise AccountError(
            f"{rows} rows of the manifest, but {annotated} annotated + {refused} rejected +"
            f" {unfinished} not finished"
        )


def check_fates(rejected: Mapping[str, int]) -> None:
    """Nothing, if each video that a complete run rejected has a reason.

    Raises:
        AccountError: one has none.
    """
    if lost := rejected.get(UNEXPLAINED, 0):
        raise AccountError(f"{lost} videos were neither annotated nor rejected by any node")


def _equal(task: ShardTask, what: str, whole: int, parts: Mapping[str, int]) -> None:
    if whole != sum(parts.values()):
        said = " + ".join(f"{n} {name}" for name, n in parts.items()) or "none counted"
        raise AccountError(
            f"{_name(task)}: {whole} {what}, but {said}: remove {task.part} and run again"
        )


def _name(task: ShardTask) -> str:
    return f"{task.node}, shard {task.shard}, {task.part.name}"
