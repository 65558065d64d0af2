"""The state of a run: counts of every node, and the status of every video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from pipeline.media.folder import passed_over_text
from pipeline.records import Video
from pipeline.reports.node_summary import NodeSummary, ask_lines, listed
from pipeline.reports.outcomes import VideoOutcomes, outcomes_of
from pipeline.reports.plan import passed_over
from pipeline.reports.reconcile_counts import check_reasons, check_videos, checked_counts
from pipeline.reports.summary_key import summary_key
from pipeline.store.files.text_table import text_table
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.store.run_log import Attempts, read_attempts
from pipeline.store.summary_file import read_summary
from pipeline.workflow.plan import NodePlan


class StreamSummary(BaseModel):
    """The streams that nodes made so far: ``made = annotated + rejected + absent + open``."""

    model_config = ConfigDict(frozen=True)

    made: int
    annotated: int
    open: int
    rejected: dict[str, int]
    absent: dict[str, int]

    def lines(self) -> Iterator[str]:
        """The same in words."""
        rejected, absent = sum(self.rejected.values()), sum(self.absent.values())
        yield (
            f"streams: {self.made:,} made = {self.annotated:,} annotated + {rejected:,} rejected"
            + f" + {absent:,} absent" * (absent > 0)
            + f" + {self.open:,} not finished" * (self.open > 0)
        )
        yield from listed("rejected", self.rejected)
        yield from listed("absent", self.absent)


class RunSummary(BaseModel):
    """Every node, and the videos.

    ``videos_in = videos_out + videos_rejected + videos_absent + videos_open + videos_in_streams``.
    A video is out when it has a dialogue. One without, in a shard whose dialogues are done, counts
    as rejected; of the nodes that rejected it, the one with most nodes below it gives the reason
    (``reports.rejects`` lists them all). Where nothing was refused, and the reasons are absences
    alone, or its dialogues were not wanted, it is absent. ``videos_open`` are in shards without
    dialogues so far. ``videos_in_streams`` have no dialogue of their own and are clips of streams,
    which are counted apart.
    """

    model_config = ConfigDict(frozen=True)

    nodes: list[NodeSummary]
    videos_in: int
    videos_out: int
    videos_open: int
    videos_rejected: dict[str, int]
    videos_absent: dict[str, int]
    videos_in_streams: int = 0
    streams: StreamSummary | None = None
    """None where no node makes any."""
    samples: dict[str, int]
    """Dialogues by task, negatives among them."""
    negatives: dict[str, int]
    """Of these, the negatives by task: what is asked for does not occur."""
    passed_over: dict[str, int]
    """Files of a folder as the source that are no videos by their names, by suffix. They are no
    part of ``videos_in``."""
    placed: dict[str, int]
    """Responses by placement flag: merged, shifted, clamped, postponed, …"""
    open_annotations: dict[str, int]
    """Annotations so far by task, of the videos that are open."""
    open_annotated: int
    """So many of the videos that are open have some."""

    def to_text(self) -> str:
        """Tables of the nodes, and the totals."""
        rejected, absent = sum(self.videos_rejected.values()), sum(self.videos_absent.values())
        lines = [
            *self._node_lines(),
            "",
            *ask_lines(self.nodes),
            f"videos: {self.videos_in:,} in = {self.videos_out:,} annotated + {rejected:,} rejected"
            + f" + {absent:,} absent" * (absent > 0)
            + f" + {self.videos_in_streams:,} in streams" * (self.streams is not None)
            + f" + {self.videos_open:,} not finished" * (self.videos_open > 0),
            *listed("rejected", self.videos_rejected),
            *listed("absent", self.videos_absent),
            *(self.streams.lines() if self.streams else ()),
            *filter(None, [passed_over_text(self.passed_over)]),
        ]
        if self.open_annotated or self.videos_open:
            count = sum(self.open_annotations.values())
            of = f" of {self.open_annotated:,} of the videos not finished" if count else ""
            lines.append(f"annotations so far: {count:,}{of}")
            lines += listed("by task", self.open_annotations)
        if self.samples or not self.videos_open:
            lines.append(f"samples: {sum(self.samples.values()):,}")
            lines += listed("by task", self.samples)
            lines += listed("of these negative", self.negatives)
            lines += listed("responses by placement flag", self.placed)
        return "\n".join(lines)

    def _node_lines(self) -> Iterator[str]:
        head, *rows = text_table(map(_row, self.nodes), _HEADS).split("\n")
        yield head
        for node, row in zip(self.nodes, rows, strict=True):
            yield row
            if node.shards_failed:
                yield f"  {node.shards_failed} shards failed"
            yield from listed("rejected", node.rejected)
            yield from listed("absent", node.absent)


_SUMS = (
    *("videos_in", "videos_out", "videos_rejected", "videos_absent", "rows_out"),
    *("asks", "asks_filtered", "asks_reused"),
    *("tokens_in", "tokens_out", "tokens_cached", "replies"),
)
_HEADS = (*("node", ">shards", ">videos", ">out", ">rejected", ">absent", ">rows", ">time"),)


def _row(n: NodeSummary) -> tuple[object, ...]:
    shards = f"{n.shards_done}/{n.shards}"
    if not n.shards_done:
        return n.node, shards, "", "", "", "", "", _time(n.seconds) if n.seconds else ""
    videos = n.videos_in, n.videos_out, n.videos_rejected, n.videos_absent
    return n.node, shards, *videos, n.rows_out, _time(n.seconds)


def _time(seconds: float) -> str:
    """A length of time in few characters."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def summarize(plans: Sequence[NodePlan], root: Location) -> RunSummary:
    """The summary of the parts that exist now: the one that was kept of these very parts, or else
    added up.

    Raises:
        CountsError: their counts do not add up.
        StoreError: a file is absent or damaged.
    """
    kept = read_summary(root, summary_key(plans, root))
    return RunSummary.model_validate(kept) if kept else _added_up(plans, root)


def _added_up(plans: Sequence[NodePlan], root: Location) -> RunSummary:
    log = read_attempts(root)
    hours = _hours(plans)
    nodes = [_node(plan, log, hours) for plan in plans]
    found = outcomes_of(plans)
    rows = sum(sum(plan.manifest_rows) for plan in plans)
    in_streams = found.in_streams
    check_videos(rows, found.annotated, found.rejected, found.absent, found.open, in_streams)
    makers = {plan.node.name for plan in plans if plan.node.stage.scope == "streams"}
    made = sum(node.rows_out for node in nodes if node.node in makers)
    streams = _streams(found.streams, made) if found.streams else None
    if all(node.shards_done == node.shards for node in nodes):
        check_reasons(found.rejected + (found.streams.rejected if found.streams else Counter()))
    return RunSummary(
        nodes=nodes,
        videos_in=rows,
        videos_out=found.annotated,
        videos_open=found.open,
        videos_rejected=dict(sorted(found.rejected.items())),
        videos_absent=dict(sorted(found.absent.items())),
        videos_in_streams=in_streams,
        streams=streams,
        samples=dict(sorted(found.samples.items())),
        negatives=dict(sorted(found.negatives.items())),
        passed_over=dict(passed_over(plans)),
        placed=dict(sorted(found.placed.items())),
        open_annotations=dict(sorted(found.open_annotations.items())),
        open_annotated=found.open_annotated,
    )


def _streams(found: VideoOutcomes, made: int) -> StreamSummary:
    """Raises CountsError where one of them has no status."""
    check_videos(
        *(made, found.annotated, found.rejected, found.absent, found.open), what="streams were made"
    )
    return StreamSummary(
        made=made,
        annotated=found.annotated,
        open=found.open,
        rejected=dict(sorted(found.rejected.items())),
        absent=dict(sorted(found.absent.items())),
    )


def _hours(plans: Sequence[NodePlan]) -> Mapping[int, float]:
    """The length of the videos, or streams, of each shard."""
    return {
        shard: sum(row["duration_s"] for row in read_table(part, ("duration_s",)).to_pylist())
        / 3600
        for plan in plans
        if issubclass(plan.node.stage.writes, Video)
        for shard, part in plan.parts.items()
    }


def _node(
    plan: NodePlan, log: Mapping[tuple[str, str], Attempts], hours: Mapping[int, float]
) -> NodeSummary:
    totals: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    absences = plan.node.stage.absences
    done = list(plan.done())
    for made in done:
        counts, replies = checked_counts(made, plan.node.stage)
        reasons.update(counts.pop("rejected"))
        errors.update(replies.pop("errors", {}))
        totals["asks_reused"] += replies.pop("reused", 0)
        totals.update(counts)
        totals.update(replies)
    name = plan.node.name
    attempts = [log.get((name, slot.name), Attempts()) for slot in plan.slots.values()]
    missing = [
        log.get((name, slot.name), Attempts())
        for shard, slot in plan.slots.items()
        if shard not in plan.parts
    ]
    return NodeSummary(
        node=name,
        stage=plan.node.stage.name,
        shards=len(plan.shards),
        shards_done=len(done),
        shards_failed=sum(each.failed for each in missing),
        rejected={name: n for name, n in sorted(reasons.items()) if name not in absences},
        absent={name: n for name, n in sorted(reasons.items()) if name in absences},
        seconds=round(sum(each.seconds for each in attempts), 3),
        **{name: totals[name] for name in _SUMS},
        video_hours=sum(hours.get(shard, 0.0) for shard in plan.parts),
        reply_errors=dict(sorted(errors.items())),
        latency_s=round(float(totals["latency_s"]), 3),
    )
