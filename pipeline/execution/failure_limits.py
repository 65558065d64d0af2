"""Stops a run early when a node fails or rejects more than its limits allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from pipeline.engines.errors import PASSING_ERRORS, UNANSWERED
from pipeline.errors import CommandError
from pipeline.store.part_names import rejects_path
from pipeline.store.parts import read_table
from pipeline.workflow.graph import Node
from pipeline.workflow.task import ShardResult

_COMMONEST = 3
_DETAIL_CHARACTERS = 300


class FailureLimitExceeded(CommandError):
    """A node passed one of its limits."""


@dataclass
class _Totals:
    asks: int = 0
    videos: int = 0
    videos_failed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class FailureMonitor:
    """Adds up the counts of a run's shards, node by node, and checks them against the limits."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Shards of earlier runs do not count: their faults may be mended."""
        self._nodes = {node.name: node for node in nodes}
        self._totals = {name: _Totals() for name in self._nodes}

    def check(self, result: ShardResult) -> None:
        """Add a result.

        Raises:
            FailureLimitExceeded: the node is now over a limit; the message says what to look at.
        """
        if result.error is not None or result.unchanged:
            return
        node, totals = self._nodes[result.node], self._totals[result.node]
        totals.asks += result.counts["asks"]
        totals.videos += result.counts["videos_in"]
        totals.videos_failed += result.counts["videos_failed"]
        refused = result.counts["rejected"].items()
        by_design = node.stage.absences | node.stage.policies
        totals.reasons.update({r: n for r, n in refused if r not in by_design})
        failed = Counter({r: n for r, n in totals.reasons.items() if r in UNANSWERED})
        limits = node.limits
        if node.stage.answer is not None and totals.asks >= limits.after:
            share = failed.total() / totals.asks
            if share > limits.unanswered:
                fact = f"{share:.0%} of {totals.asks} asks have no valid answer"
                raise _exceeded(node, fact, "unanswered", failed, result)
        if totals.videos >= limits.after:
            share = totals.videos_failed / totals.videos
            if share > limits.rejected:
                fact = f"{share:.0%} of {totals.videos} videos were rejected"
                raise _exceeded(node, fact, "rejected", totals.reasons, result)


def _exceeded(
    node: Node, fact: str, limit: str, reasons: Counter[str], result: ShardResult
) -> FailureLimitExceeded:
    common = reasons.most_common(_COMMONEST)
    named = ", ".join(f"{reason} {n}" for reason, n in common)
    lines = [
        f"stopped: {node.name}: {fact}, more than nodes.{node.name}.limits.{limit} ="
        f" {getattr(node.limits, limit):g} ({named})",
        *_example(result, [reason for reason, _ in common]),
        f"look at: rejects --node {node.name}" + (", doctor" if node.engine else ""),
        f"then: run, which goes on with what is missing; --set nodes.{node.name}.limits.{limit}=1"
        " if this is as it should be",
    ]
    if passing := [reason for reason, _ in common if reason in PASSING_ERRORS]:
        lines.append(f"and for what failed until here: retry --reason {','.join(passing)}")
    return FailureLimitExceeded("\n".join(lines))


def _example(result: ShardResult, reasons: Collection[str]) -> list[str]:
    """One reject of the last shard, of the first of ``reasons`` that occurs in it."""
    tables = (
        read_table(rejects_path(part), ("video_id", "reason", "detail")) for _, part in result.parts
    )
    rows = [row for table in tables for row in table.to_pylist() if row["reason"] in reasons]
    if not rows:
        return []
    row = min(rows, key=lambda row: [*reasons].index(row["reason"]))
    reason, detail = row["reason"], " ".join(row["detail"].split())[:_DETAIL_CHARACTERS]
    text = detail if detail.startswith(reason) else f"{reason}: {detail}"
    return [f"such as: {row['video_id']}: {text}"]
