"""What a run came to: counts of every node, and the fate of every video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipeline.reports.reconcile_counts import UNEXPLAINED, account_of, check_fates, check_videos
from pipeline.store.location import Location
from pipeline.store.parts import read_table, rejects_path
from pipeline.store.run_log import Attempts, read_attempts
from pipeline.workflow.graph import downstream
from pipeline.workflow.outputs import done_tasks, last_dialogues
from pipeline.workflow.plan import NodePlan


class NodeSummary(BaseModel):
    """Counts of one node over the shards that are done.

    ``videos_in = videos_out + videos_rejected``; ``rejected`` counts refused rows by reason;
    ``seconds`` is worker time, summed over the shards whose making is in this run's log;
    ``latency_s`` is the time that the engine had an ask, summed over its ``replies``, of which
    ``reply_errors`` counts those without an answer by error.
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
    """Every node, and the account of the videos: ``videos_in = videos_out + rejected + open``.

    A video is out when a dialogue was made of it. One that is not, although the dialogues of its
    shard are done, counts as rejected; of the nodes that turned it down, the one with most nodes
    below it gives the reason (``insight.rejects`` has them all).
    ``videos_open`` are in shards that have not come to their dialogues.
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
    """Responses that stand otherwise than they asked to, by flag."""

    def to_text(self) -> str:
        """A table for people."""
        names = ("shards", "videos", "rows", "asks", "tokens", "s")
        widths = (9, 13, 8, 7, 9, 8)
        lines = [" ".join([f"{'node':16}", *map(str.rjust, names, widths)])]
        for n in self.nodes:
            failed = f" !{n.shards_failed}" if n.shards_failed else ""
            shards = f"{n.shards_done}/{n.shards}{failed}"
            videos = f"{n.videos_in}={n.videos_out}+{n.videos_rejected}"
            tokens = n.tokens_in + n.tokens_out
            lines.append(
                f"{n.node:16} {shards:>9} {videos:>13} {n.rows_out:>8} {n.asks:>7} {tokens:>9}"
                f" {n.seconds:>8.1f}  {_reasons(n.rejected)}"
            )
        rejected = sum(self.videos_rejected.values())
        lines += [
            "(videos: in = out + rejected; after the table's numbers: rejected rows by reason)",
            "",
            *self._asked(),
            f"videos: {self.videos_in} in = {self.videos_out} annotated + {rejected} rejected"
            + (f" + {self.videos_open} not finished" if self.videos_open else "")
            + (f"  ({_reasons(self.videos_rejected)})" if rejected else ""),
            f"samples: {sum(self.samples.values())}  ({_reasons(self.samples) or 'none'})",
            f"responses placed otherwise than they asked: {_reasons(self.placed) or 'none'}",
        ]
        return "\n".join(lines)

    def _asked(self) -> list[str]:
        """What asking came to, in a line."""
        replies = sum(n.replies for n in self.nodes)
        if not replies:
            return []
        tokens_in = sum(n.tokens_in for n in self.nodes)
        errors = sum((Counter(n.reply_errors) for n in self.nodes), Counter[str]())
        cached = sum(n.tokens_cached for n in self.nodes) / max(1, tokens_in)
        mean_s = sum(n.latency_s for n in self.nodes) / replies
        return [
            f"asked: {sum(n.asks for n in self.nodes)} times, {replies} replies of {mean_s:.2f} s"
            f" on average, {errors.total()} without an answer ({_reasons(errors) or 'none'});"
            f" tokens: {tokens_in} in ({cached:.0%} cached),"
            f" {sum(n.tokens_out for n in self.nodes)} out"
        ]


def summarize(plans: Sequence[NodePlan], root: Location) -> RunSummary:
    """The summary of everything that a plan's parts hold now.

    Raises:
        AccountError: what they hold does not add up.
        StoreError: a file is absent or damaged.
    """
    log = read_attempts(root)
    nodes = [_node(plan, log) for plan in plans]
    fates, samples, placed = _fates(plans)
    out, unfinished = fates.pop("", 0), fates.pop("open", 0)
    rows = sum(sum(plan.manifest_rows) for plan in plans)
    check_videos(rows, out, fates, unfinished)
    if all(node.shards_done == node.shards for node in nodes):
        check_fates(fates)
    return RunSummary(
        nodes=nodes,
        videos_in=rows,
        videos_out=out,
        videos_open=unfinished,
        videos_rejected=dict(sorted(fates.items())),
        samples=dict(sorted(samples.items())),
        placed=dict(sorted(placed.items())),
    )


def _node(plan: NodePlan, log: Mapping[tuple[str, str], Attempts]) -> NodeSummary:
    totals: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    done = list(done_tasks([plan]))
    for task in done:
        counts, measured = account_of(task)
        reasons.update(counts.pop("rejected"))
        errors.update(measured.pop("errors", {}))
        totals.update(counts)
        totals.update(measured)
    none = Attempts()
    attempts = [log.get((task.node, task.part.name), none) for task in plan.tasks]
    missing = [log.get((task.node, task.part.name), none) for task in plan.missing]
    return NodeSummary(
        node=plan.node.name,
        stage=plan.node.stage.name,
        shards=len(plan.tasks),
        shards_done=len(done),
        shards_failed=sum(each.failed for each in missing),
        rejected=dict(sorted(reasons.items())),
        seconds=round(sum(each.seconds for each in attempts), 3),
        videos_in=totals["videos_in"],
        videos_out=totals["videos_out"],
        videos_rejected=totals["videos_rejected"],
        rows_out=totals["rows_out"],
        asks=totals["asks"],
        tokens_in=totals["tokens_in"],
        tokens_out=totals["tokens_out"],
        tokens_cached=totals["tokens_cached"],
        replies=totals["replies"],
        reply_errors=dict(sorted(errors.items())),
        latency_s=round(float(totals["latency_s"]), 3),
    )


def _fates(plans: Sequence[NodePlan]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """Manifest rows by fate: "" when annotated, "open", or why rejected; samples by task; and
    responses by flag. One shard is held at a time."""
    samples: Counter[str] = Counter()
    placed: Counter[str] = Counter()
    fates: Counter[str] = Counter()
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
            fates["open"] += rows
            continue
        admitted = parts.pop(source.node.name)
        # Each row of the manifest is a row here or a reject.
        fates.update(_texts(read_table(rejects_path(admitted), ("reason",)), "reason"))
        finished = bool(dialogues) and dialogues <= parts.keys()
        reasons = _first_reasons([parts[name] for name in upper_first if name in parts])
        for video_id in _texts(read_table(admitted, ("video_id",)), "video_id"):
            if video_id in annotated:
                fates[""] += 1
            else:
                fates[reasons.get(video_id, UNEXPLAINED) if finished else "open"] += 1
    return fates, samples, placed


def _texts(table: pa.Table, name: str) -> list[str]:
    return list(map(str, table.column(name).to_pylist()))


def _done_by_shard(plans: Sequence[NodePlan]) -> Mapping[int, dict[str, Location]]:
    """The parts there are of each shard, by node; those of all shards at once are left out."""
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
    """For each video with a reject, the reason in the first of these parts of a shard."""
    reasons: dict[str, str] = {}
    for part in parts:
        for row in read_table(rejects_path(part), ("video_id", "reason")).to_pylist():
            reasons.setdefault(row["video_id"], row["reason"])
    return reasons


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {n}" for reason, n in counts.items())
