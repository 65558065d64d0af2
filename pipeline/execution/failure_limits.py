"""Whether a node still does work that is worth its cost: a run whose node does not stops early."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from pipeline.engines.errors import PASSING_ERRORS, UNANSWERED
from pipeline.store.parts import read_table, rejects_path
from pipeline.workflow.graph import Node
from pipeline.workflow.task import ShardResult

_COMMONEST = 3
_DETAIL_CHARACTERS = 300


class FailureLimitExceeded(RuntimeError):
    """A node passed one of its limits; no further shard is worth starting."""


@dataclass
class _Tally:
    asks: int = 0
    videos: int = 0
    videos_rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


class FailureMonitor:
    """Adds up what the shards of a run come to, node by node."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        """Shards of earlier runs do not count: what was wrong with them may be mended."""
        self._nodes = {node.name: node for node in nodes}
        self._tallies = {name: _Tally() for name in self._nodes}

    def check(self, result: ShardResult) -> None:
        """Adds a result.

        Raises:
            FailureLimitExceeded: with it the node passes a limit; the message says what to look at.
        """
        if result.error is not None:
            return
        node, tally = self._nodes[result.node], self._tallies[result.node]
        tally.asks += result.counts["asks"]
        tally.videos += result.counts["videos_in"]
        tally.videos_rejected += result.counts["videos_rejected"]
        tally.reasons.update(result.counts["rejected"])
        failed = Counter({r: n for r, n in tally.reasons.items() if r in UNANSWERED})
        limits = node.limits
        if node.stage.answer is not None and tally.asks >= limits.after:
            share = failed.total() / tally.asks
            if share > limits.unanswered:
                said = f"{share:.0%} of {tally.asks} asks have no valid answer"
                raise _collapse(node, said, "unanswered", failed, result)
        if tally.videos >= limits.after:
            share = tally.videos_rejected / tally.videos
            if share > limits.rejected:
                said = f"{share:.0%} of {tally.videos} videos were rejected"
                raise _collapse(node, said, "rejected", tally.reasons, result)


def _collapse(
    node: Node, said: str, limit: str, reasons: Counter[str], result: ShardResult
) -> FailureLimitExceeded:
    common = reasons.most_common(_COMMONEST)
    named = ", ".join(f"{reason} {n}" for reason, n in common)
    lines = [
        f"stopped: {node.name}: {said}, more than nodes.{node.name}.limits.{limit} ="
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
    """A reject of the last shard, of the commonest of the reasons that it has."""
    table = read_table(rejects_path(result.part), ("video_id", "reason", "detail"))
    rows = [row for row in table.to_pylist() if row["reason"] in reasons]
    if not rows:
        return []
    row = min(rows, key=lambda row: [*reasons].index(row["reason"]))
    reason, detail = row["reason"], " ".join(row["detail"].split())[:_DETAIL_CHARACTERS]
    said = detail if detail.startswith(reason) else f"{reason}: {detail}"
    return [f"such as: {row['video_id']}: {said}"]
