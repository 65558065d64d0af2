"""How many videos of a shard a stage turned down, and in what sense."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from pipeline.workflow.stage import Stage


def videos_absent(
    stage: Stage[Any], out: Collection[str], rejects: Iterable[tuple[str, str]]
) -> int:
    """How many videos of a shard have no accepted row, and were turned down for absences alone.

    ``out``: the ids of the videos with an accepted row. ``rejects``: video and reason of each
    reject; of a source each is a video of its own. A stage of scope ``group`` or ``dataset`` loses
    none.
    """
    return sum(reasons <= stage.absences for reasons in _left(stage, out, rejects))


def videos_failed(
    stage: Stage[Any], out: Collection[str], rejects: Iterable[tuple[str, str]]
) -> int:
    """How many have none for a fault: of theirs, of the engine, or of what a model answers. A video
    that was turned down by design too (``Stage.policies``) is none of them."""
    left = _left(stage, out, rejects)
    return sum(not reasons <= stage.absences and not reasons & stage.policies for reasons in left)


def _left(
    stage: Stage[Any], out: Collection[str], rejects: Iterable[tuple[str, str]]
) -> Collection[set[str]]:
    """The reasons for which each video without an accepted row was turned down."""
    if not stage.by_shard:
        return ()
    if stage.scope == "source":
        return [{reason} for _, reason in rejects]
    left: dict[str, set[str]] = {}
    for video_id, reason in rejects:
        if video_id not in out:
            left.setdefault(video_id, set()).add(reason)
    return left.values()
