"""How far a run is: a tally of the results so far, and what it says at a moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.records import Dialogue
from pipeline.workflow.config import ExecutorName
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import PlannedTask, ShardResult

Event = Literal["planning", "start", "running", "end", "finishing"]

_LINE_CHARACTERS = 100
"""Of the names of nodes in a line."""


class Moment(BaseModel):
    """What a command that makes parts is doing: ``planning`` reads the config and the manifest,
    ``finishing`` adds up the status and installs the corpus."""

    model_config = ConfigDict(frozen=True)

    event: Event
    elapsed_s: float
    """Since the event began; of a ``Snapshot`` since its ``start``."""

    def to_text(self) -> str:
        """One line."""
        return f"{self.event}, {clock_text(self.elapsed_s)} so far"


class Snapshot(Moment):
    """How far the tasks of a run are. Counts and rates are of this run alone, and of the tasks that
    have ended: nothing is known of a shard before."""

    executor: ExecutorName
    workers: int | None
    """Local processes; None on Ray, whose machines come and go."""
    nodes: int
    """Those with tasks in this run."""
    tasks: int
    tasks_done: int
    tasks_unchanged: int
    """Of those done: they had nothing to do, for what they read came out as it was."""
    tasks_failed: int
    tasks_blocked: int
    """Not started, because a task above failed."""
    tasks_in_flight: Mapping[str, int]
    """By node: those that a worker has. On Ray those submitted, some of which wait for a worker."""
    remaining_s: int | None
    """For the tasks left of the nodes that have ended one, at their mean seconds a task so far.
    None where nothing is known, or where it takes longer than was estimated."""
    nodes_untimed: Sequence[str]
    """Nodes that have ended no task so far: ``remaining_s`` lacks theirs, and is the least."""
    videos_per_s: float
    """Through one node, on average over the nodes of the run."""
    videos_kept: int
    """Videos that have a dialogue; without a node of dialogues, that passed the last node."""
    videos_rejected: int
    """Videos that the source or that node rejected."""
    tokens_in: int
    tokens_out: int
    tokens_in_per_s: float
    """Replies that an earlier run left in a journal count with the shard that ends now."""
    tokens_out_per_s: float

    def to_text(self) -> str:
        """One line."""
        if self.event == "start":
            workers = f", {self.workers} workers" if self.workers else ""
            return f"start: {self.tasks} tasks of {self.nodes} nodes, {self.executor}{workers}"
        left = [] if self.event == "end" else [self.remaining_text]
        facts = ", ".join([f"{self.tasks_text} tasks", *left, self.videos_text])
        now = "" if self.event == "end" else f"; {self.in_flight_text(_LINE_CHARACTERS)}"
        return f"{self.event}: {clock_text(self.elapsed_s)}, {facts}{now}"

    @property
    def tasks_text(self) -> str:
        """``12/40``, and what failed."""
        failed = self.tasks_failed + self.tasks_blocked
        text = f"{self.tasks_done}/{self.tasks}"
        text += f" ({self.tasks_unchanged} unchanged)" * bool(self.tasks_unchanged)
        return text + f" ({failed} failed or blocked)" * bool(failed)

    @property
    def remaining_text(self) -> str:
        """How long it will take, no more precise than it is known."""
        if self.remaining_s is None:
            return "time left unknown"
        lacking = f" ({len(self.nodes_untimed)} nodes not timed)" if self.nodes_untimed else ""
        return f"{'at least' if lacking else 'about'} {_about(self.remaining_s)} left{lacking}"

    @property
    def videos_text(self) -> str:
        """Rates, and what was kept and rejected."""
        tokens = f", tokens/s {_rate(self.tokens_in_per_s)} in {_rate(self.tokens_out_per_s)} out"
        return (
            f"{_rate(self.videos_per_s)} videos/s, {self.videos_kept} kept,"
            f" {self.videos_rejected} rejected" + tokens * bool(self.tokens_in or self.tokens_out)
        )

    def in_flight_text(self, most_characters: int) -> str:
        """As many of the nodes with tasks in flight as fit, those with most first."""
        busy = sorted(self.tasks_in_flight.items(), key=lambda item: -item[1])
        names = [f"{node} {n}" for node, n in busy]
        text = ", ".join(names) or "nothing"
        while names and len(text) + len("in flight: ") > most_characters:
            names.pop()
            text = ", ".join([*names, f"{len(busy) - len(names)} more"])
        return f"in flight: {text}"


@dataclass
class _Node:
    """Tasks of one node: all, those that ended in whatever way, those that were done, and those
    that had nothing to do."""

    tasks: int = 0
    ended: int = 0
    done: int = 0
    unchanged: int = 0
    seconds: float = 0.0


class Tally:
    """Adds up results. It holds a few numbers a node, whatever the number of shards."""

    def __init__(
        self,
        plans: Sequence[NodePlan],
        tasks: Sequence[PlannedTask],
        executor: ExecutorName,
        workers: int | None,
    ) -> None:
        """Of ``tasks``, of nodes of ``plans``. See ``Snapshot`` for the others."""
        self._executor: ExecutorName = executor
        self._workers = workers
        self._nodes: dict[str, _Node] = {}
        for task in tasks:
            self._nodes.setdefault(task.node, _Node()).tasks += 1
        chosen = [plan for plan in plans if plan.node.name in self._nodes]
        self._by_shard = {p.node.name for p in chosen if p.node.stage.by_shard}
        self._rows = next((p.manifest_rows for p in plans if p.manifest_rows), ())
        self._judges = _judges(chosen)
        self._failed = self._blocked = self._rows_done = self._tokens_in = self._tokens_out = 0
        self._kept = self._rejected = 0
        self._last_s = 0.0

    def add(self, result: ShardResult, elapsed_s: float) -> None:
        """A task ended so long after the start."""
        node = self._nodes[result.node]
        node.ended += 1
        self._last_s = elapsed_s
        if result.error is not None:
            self._failed += not result.blocked
            self._blocked += result.blocked
            return
        if result.unchanged:
            node.unchanged += 1
            return
        node.done += 1
        node.seconds += result.seconds
        counts = result.counts
        self._tokens_in += counts["tokens_in"]
        self._tokens_out += counts["tokens_out"]
        if result.node in self._by_shard:
            of_manifest = result.shard < len(self._rows)
            self._rows_done += self._rows[result.shard] if of_manifest else counts["videos_in"]
        if result.node in self._judges:
            self._rejected += counts["videos_rejected"]
        if [result.node] == self._judges[-1:]:
            self._kept += counts["videos_out"]

    def snapshot(self, event: Event, elapsed_s: float, in_flight: Mapping[str, int]) -> Snapshot:
        """All of it, so long after the start; ``in_flight`` counts tasks by node."""
        left = {name: node for name, node in self._nodes.items() if node.ended < node.tasks}
        since_s = max(elapsed_s, 1e-9)
        return Snapshot(
            event=event,
            elapsed_s=round(elapsed_s, 1),
            executor=self._executor,
            workers=self._workers,
            nodes=len(self._nodes),
            tasks=sum(node.tasks for node in self._nodes.values()),
            tasks_done=sum(node.done + node.unchanged for node in self._nodes.values()),
            tasks_unchanged=sum(node.unchanged for node in self._nodes.values()),
            tasks_failed=self._failed,
            tasks_blocked=self._blocked,
            tasks_in_flight={name: n for name, n in in_flight.items() if n > 0},
            remaining_s=self._remaining_s(elapsed_s, left.values()),
            nodes_untimed=[name for name, node in left.items() if not node.done],
            videos_per_s=_rounded(self._rows_done / max(1, len(self._by_shard)) / since_s),
            videos_kept=self._kept,
            videos_rejected=self._rejected,
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
            tokens_in_per_s=_rounded(self._tokens_in / since_s),
            tokens_out_per_s=_rounded(self._tokens_out / since_s),
        )

    def _remaining_s(self, elapsed_s: float, left: Iterable[_Node]) -> int | None:
        """As many tasks go on at once as did so far, and no more than are left. From the last
        result on time only passes."""
        timed = [(node.tasks - node.ended, node.seconds / node.done) for node in left if node.done]
        worked_s = sum(node.seconds for node in self._nodes.values())
        if not timed or not worked_s or not self._last_s:
            return None
        at_once = min(worked_s / self._last_s, sum(n for n, _ in timed))
        work_s = sum(n * mean_s for n, mean_s in timed)
        remaining_s = work_s / at_once - (elapsed_s - self._last_s)
        return round(remaining_s) if remaining_s > 0 else None


def _judges(chosen: Sequence[NodePlan]) -> Sequence[str]:
    """The nodes that say what became of a video: the source, and the first that makes dialogues of
    it, else the last. A mixture of dialogues judges samples, and waits for all of them."""
    of_videos = [plan.node for plan in chosen if plan.node.stage.by_shard]
    source = [node.name for node in of_videos if node.stage.scope == "source"]
    dialogues = [node.name for node in of_videos if node.stage.writes is Dialogue]
    last = dialogues[:1] or [node.name for node in of_videos][-1:]
    return list(dict.fromkeys([*source, *last]))


def clock_text(seconds: float) -> str:
    """``1:02:03``, or ``2:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _about(seconds: float) -> str:
    """A time as coarse as an estimate is."""
    if seconds < 90:
        return f"{max(10, 10 * round(seconds / 10))} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36 * 3600 else f"{seconds / 86400:.1f} days"


def _rate(per_s: float) -> str:
    return f"{per_s:.0f}" if per_s >= 10 else f"{per_s:.2g}"


def _rounded(value: float) -> float:
    """Three digits."""
    return float(f"{value:.3g}")
