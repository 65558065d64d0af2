"""The state of a run: counts of every node, and the status of every video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipeline.reports.reconcile_counts import (
    UNEXPLAINED,
    check_reasons,
    check_videos,
    checked_counts,
)
from pipeline.store.files.text_table import text_table
from pipeline.store.location import Location
from pipeline.store.parts import read_table, rejects_path
from pipeline.store.run_log import Attempts, read_attempts
from pipeline.workflow.graph import downstream
from pipeline.workflow.outputs import done_tasks, last_dialogues
from pipeline.workflow.plan import NodePlan


class NodeSummary(BaseModel):
    """Counts of one node over the shards that are done.

    ``videos_in = videos_out + videos_rejected``; ``rejected`` counts rejects by reason; ``seconds``
    is worker time, summed over the shards in the log of the run; ``latency_s`` is summed over the
    ``replies``; ``reply_errors`` counts replies without an answer by error.
    """

    model_config = ConfigDict(frozen=True)

    node: str
    stage: str
    shards: int
    shards_done: int
    shards_failed: int
    videos_in: int
    videos_out: int
    videos_rejected: int
    rows_out: int
    rejected: dict[str, int]
    asks: int
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    replies: int
    reply_errors: dict[str, int]
    latency_s: float
    seconds: float


class RunSummary(BaseModel):
    """Every node, and the videos: ``videos_in = videos_out + videos_rejected + videos_open``.

    A video is out when it has a dialogue. One without, in a shard whose dialogues are done, counts
    as rejected; of the nodes that rejected it, the one with most nodes below it gives the reason
    (``reports.rejects`` lists them all). ``videos_open`` are in shards without dialogues so far.
    """

    model_config = ConfigDict(frozen=True)

    nodes: list[NodeSummary]
    videos_in: int
    videos_out: int
    videos_open: int
    videos_rejected: dict[str, int]
    samples: dict[str, int]
    """Dialogues by task."""
    placed: dict[str, int]
    """Responses by placement flag: merged, shifted, clamped, postponed, …"""

    def to_text(self) -> str:
        """A table of the nodes, and the totals."""
        rejected = sum(self.videos_rejected.values())
        lines = [
            text_table(map(_row, self.nodes), _HEADS),
            "",
            *self._replies(),
            f"videos: {self.videos_in} in = {self.videos_out} annotated + {rejected} rejected"
            + (f" + {self.videos_open} not finished" if self.videos_open else "")
            + (f"  ({_named(self.videos_rejected)})" if rejected else ""),
            f"samples: {sum(self.samples.values())}  ({_named(self.samples) or 'none'})",
            f"responses by placement flag: {_named(self.placed) or 'none'}",
        ]
        return "\n".join(lines)

    def _replies(self) -> list[str]:
        replies = sum(n.replies for n in self.nodes)
        if not replies:
            return []
        tokens_in = sum(n.tokens_in for n in self.nodes)
        errors = sum((Counter(n.reply_errors) for n in self.nodes), Counter[str]())
        cached = sum(n.tokens_cached for n in self.nodes) / max(1, tokens_in)
        mean_s = sum(n.latency_s for n in self.nodes) / replies
        return [
            f"asks: {sum(n.asks for n in self.nodes)}; replies: {replies} in {mean_s:.2f} s on"
            f" average, {errors.total()} without an answer ({_named(errors) or 'none'});"
            f" tokens: {tokens_in} in ({cached:.0%} cached),"
            f" {sum(n.tokens_out for n in self.nodes)} out"
        ]


_SUMS = (
    *("videos_in", "videos_out", "videos_rejected", "rows_out"),
    *("asks", "tokens_in", "tokens_out", "tokens_cached", "replies"),
)
_HEADS = (
    "node", ">shards", ">videos in", ">out", ">rejected", ">rows", ">asks", ">tokens", ">seconds",
    "rejects by reason",
)  # fmt: skip


def _row(n: NodeSummary) -> tuple[object, ...]:
    shards = f"{n.shards_done}/{n.shards}" + f", {n.shards_failed} failed" * (n.shards_failed > 0)
    return (
        n.node, shards, n.videos_in, n.videos_out, n.videos_rejected, n.rows_out, n.asks,
        n.tokens_in + n.tokens_out, f"{n.seconds:.1f}", _named(n.rejected),
    )  # fmt: skip


def summarize(plans: Sequence[NodePlan], root: Location) -> RunSummary:
    """The summary of the parts that exist now.

    Raises:
        CountsError: their counts do not add up.
        StoreError: a file is absent or damaged.
    """
    log = read_attempts(root)
    nodes = [_node(plan, log) for plan in plans]
    statuses, samples, placed = _statuses(plans)
    out, unfinished = statuses.pop("", 0), statuses.pop("open", 0)
    rows = sum(sum(plan.manifest_rows) for plan in plans)
    check_videos(rows, out, statuses, unfinished)
    if all(node.shards_done == node.shards for node in nodes):
        check_reasons(statuses)
    return RunSummary(
        nodes=nodes,
        videos_in=rows,
        videos_out=out,
        videos_open=unfinished,
        videos_rejected=dict(sorted(statuses.items())),
        samples=dict(sorted(samples.items())),
        placed=dict(sorted(placed.items())),
    )


def _node(plan: NodePlan, log: Mapping[tuple[str, str], Attempts]) -> NodeSummary:
    totals: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    done = list(done_tasks([plan]))
    for task in done:
        counts, replies = checked_counts(task)
        reasons.update(counts.pop("rejected"))
        errors.update(replies.pop("errors", {}))
        totals.update(counts)
        totals.update(replies)
    attempts = [log.get((task.node, task.part.name), Attempts()) for task in plan.tasks]
    missing = [log.get((task.node, task.part.name), Attempts()) for task in plan.missing]
    return NodeSummary(
        node=plan.node.name,
        stage=plan.node.stage.name,
        shards=len(plan.tasks),
        shards_done=len(done),
        shards_failed=sum(each.failed for each in missing),
        rejected=dict(sorted(reasons.items())),
        seconds=round(sum(each.seconds for each in attempts), 3),
        **{name: totals[name] for name in _SUMS},
        reply_errors=dict(sorted(errors.items())),
        latency_s=round(float(totals["latency_s"]), 3),
    )


def _statuses(plans: Sequence[NodePlan]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Manifest rows by status: "" for annotated, "open", or the reason of the reject; samples by
    task; responses by flag. Holds one shard at a time."""
    samples: Counter[str] = Counter()
    placed: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    done = _done_by_shard(plans)
    source = next(plan for plan in plans if plan.node.stage.scope == "source")
    dialogues = {plan.node.name for plan in last_dialogues(plans)}
    upper_first = _upper_first(plans)
    for shard, rows in enumerate(source.manifest_rows):
        parts = done.get(shard, {})
        annotated: set[str] = set()
        for part in (part for node, part in parts.items() if node in dialogues):
            table = read_table(part, ("video_id", "task", "responses"))
            placed.update(_flags(table.column("responses")))
            annotated |= set(_texts(table, "video_id"))
            samples.update(_texts(table, "task"))
        if source.node.name not in parts:
            statuses["open"] += rows
            continue
        admitted = parts.pop(source.node.name)
        # Each row of the manifest is a row here or a reject.
        statuses.update(_texts(read_table(rejects_path(admitted), ("reason",)), "reason"))
        finished = bool(dialogues) and dialogues <= parts.keys()
        reasons = _first_reasons([parts[name] for name in upper_first if name in parts])
        for video_id in _texts(read_table(admitted, ("video_id",)), "video_id"):
            if video_id in annotated:
                statuses[""] += 1
            else:
                statuses[reasons.get(video_id, UNEXPLAINED) if finished else "open"] += 1
    return statuses, samples, placed


def _texts(table: pa.Table, name: str) -> list[str]:
    return list(map(str, table.column(name).to_pylist()))


def _done_by_shard(plans: Sequence[NodePlan]) -> Mapping[int, dict[str, Location]]:
    """The parts that exist of each shard, by node, without those of stages of scope dataset."""
    found: dict[int, dict[str, Location]] = {}
    for plan in plans:
        if plan.node.stage.scope != "dataset":
            for task in plan.done():
                found.setdefault(task.shard, {})[task.node] = task.part
    return found


def _flags(responses: pa.ChunkedArray[Any]) -> list[str]:
    flags = pc.struct_field(pc.list_flatten(responses), "flags")
    found: list[str] = pc.list_flatten(flags).to_pylist()
    return found


def _upper_first(plans: Sequence[NodePlan]) -> Sequence[str]:
    """The nodes, those with most nodes below them first."""
    nodes = [plan.node for plan in plans]
    below = {node.name: len(downstream(nodes, {node.name})) for node in nodes}
    return sorted(below, key=lambda name: -below[name])


def _first_reasons(parts: Sequence[Location]) -> dict[str, str]:
    """For each rejected video, the reason in the first of these parts of a shard that has one."""
    reasons: dict[str, str] = {}
    for part in parts:
        for row in read_table(rejects_path(part), ("video_id", "reason")).to_pylist():
            reasons.setdefault(row["video_id"], row["reason"])
    return reasons


def _named(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items())
