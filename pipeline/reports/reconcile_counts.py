"""Checks that the counts of a run add up, part by part and over the whole manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import CommandError
from pipeline.store.part_names import rejects_path, replies_path
from pipeline.store.parts import read_counts, read_rows, read_table
from pipeline.workflow.plan import NodePart
from pipeline.workflow.stage import Stage
from pipeline.workflow.video_counts import videos_absent

UNEXPLAINED = "unexplained"
"""The reason of a video without a reject: a part above is to be made again, or it was lost."""


class CountsError(CommandError):
    """The counts of a run do not add up; the message names the node and the numbers."""


def checked_counts(made: NodePart, stage: Stage[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The counts of a part and of its replies. Reads footers alone, unless an earlier version made
    the part, which counted absence as refusal.

    Raises:
        CountsError: they do not add up, or differ from the number of rows.
        StoreError: a file is absent or damaged.
    """
    counts = read_counts(made.part)
    if "videos_absent" not in counts:
        counts["videos_absent"] = _absent(made, stage, counts["rejected"])
        counts["videos_rejected"] -= counts["videos_absent"]
    _equal(made, "videos in", counts["videos_in"], {
        "out": counts["videos_out"],
        "rejected": counts["videos_rejected"],
        "absent": counts["videos_absent"],
    })  # fmt: skip
    _equal(made, "rows", read_rows(made.part), {"counted": counts["rows_out"]})
    _equal(made, "rejects", read_rows(rejects_path(made.part)), dict(counts["rejected"]))
    if not made.asked:
        return counts, {}
    replies = read_counts(replies_path(made.part))
    _equal(made, "replies", read_rows(replies_path(made.part)), {"counted": replies["replies"]})
    asks, answered = counts["asks"], replies["replies"]
    if answered < asks:
        raise CountsError(f"{_name(made)}: {asks} asks, but {answered} replies to them")
    return counts, replies


def check_videos(
    rows: int,
    annotated: int,
    rejected: Mapping[str, int],
    absent: Mapping[str, int],
    unfinished: int,
    in_streams: int = 0,
    what: str = "rows of the manifest",
) -> None:
    """Check that each row of the manifest, or each stream, has one status. ``rejected`` and
    ``absent`` count rows by reason.

    Raises:
        CountsError: there are not as many statuses as rows.
    """
    refused, without = sum(rejected.values()), sum(absent.values())
    if rows != annotated + refused + without + unfinished + in_streams:
        raise CountsError(
            f"{rows} {what}, but {annotated} annotated + {refused} rejected + {without} absent +"
            f" {unfinished} not finished + {in_streams} in streams"
        )


def check_reasons(rejected: Mapping[str, int]) -> None:
    """Check that each video that a complete run rejected has a reason.

    Raises:
        CountsError: a video has none.
    """
    if lost := rejected.get(UNEXPLAINED, 0):
        raise CountsError(f"{lost} videos were neither annotated nor rejected by any node")


def _absent(made: NodePart, stage: Stage[Any], rejected: Mapping[str, int]) -> int:
    if not stage.absences & rejected.keys():
        return 0
    out = {row["video_id"] for row in read_table(made.part, ("video_id",)).to_pylist()}
    rejects = read_table(rejects_path(made.part), ("video_id", "reason")).to_pylist()
    return videos_absent(stage, out, [(row["video_id"], row["reason"]) for row in rejects])


def _equal(made: NodePart, what: str, whole: int, parts: Mapping[str, int]) -> None:
    if whole != sum(parts.values()):
        terms = " + ".join(f"{n} {name}" for name, n in parts.items()) or "none counted"
        raise CountsError(
            f"{_name(made)}: {whole} {what}, but {terms}: remove {made.part} and run again"
        )


def _name(made: NodePart) -> str:
    return f"{made.node}, shard {made.shard}, {made.part.name}"
