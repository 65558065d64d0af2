"""What a run shows to whoever watches its cluster: how much was done, what waits, who is busy.

Knows neither Ray nor another library of metrics: it is given the classes to record with.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from pipeline.execution.busy_clock import BusyClock
from pipeline.workflow.task import ShardResult

Tags = dict[str, str]

SHOWN_EVERY_S = 5.0
"""Ray forgets a gauge that was not set for twenty seconds."""

COUNTERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "turnwise_videos": (
        "Videos that a node took in, by outcome: out, rejected or absent.",
        ("run", "node", "outcome"),
    ),
    "turnwise_rejects": (
        "Rows that a node turned down, by reason, those of absences too.",
        ("run", "node", "reason"),
    ),
    "turnwise_asks": ("Asks of a node, those that were answered before too.", ("run", "node")),
    "turnwise_tokens": (
        "Tokens of a node's asks (in) and replies (out).",
        ("run", "node", "direction"),
    ),
}
"""Description and tags of each, added to when a shard is done."""

TASKS = (
    "turnwise_tasks",
    "Shards of a node that can start and wait, or that the cluster has (in_flight).",
    ("run", "node", "state"),
)
BUSY_SHARE = (
    "turnwise_engine_busy_share",
    "Share of the time since a replica started in which at least one ask was under way.",
    ("run", "model", "replica"),
)


class Counting(Protocol):
    """As ``ray.util.metrics.Counter``."""

    def inc(self, value: float = ..., tags: Tags = ...) -> None:
        """Add a value above 0."""
        ...


class Measuring(Protocol):
    """As ``ray.util.metrics.Gauge``."""

    def set(self, value: float | None, tags: Tags = ...) -> None:
        """Put a value in the place of the one before."""
        ...


NewCounter = Callable[[str, str, tuple[str, ...]], Counting]
NewGauge = Callable[[str, str, tuple[str, ...]], Measuring]


def counted(result: ShardResult) -> Iterator[tuple[str, Tags, int]]:
    """What a shard adds to each counter, and under which tags but the run: what ``status`` counts
    of it. Nothing of one that failed, or that had nothing to do."""
    counts = result.counts
    if not counts:
        return
    node = result.node
    for outcome in ("out", "rejected", "absent"):
        yield "turnwise_videos", {"node": node, "outcome": outcome}, counts[f"videos_{outcome}"]
    for reason, rows in counts["rejected"].items():
        yield "turnwise_rejects", {"node": node, "reason": reason}, rows
    yield "turnwise_asks", {"node": node}, counts["asks"]
    for direction in ("in", "out"):
        tags = {"node": node, "direction": direction}
        yield "turnwise_tokens", tags, counts[f"tokens_{direction}"]


class RunMetrics:
    """The metrics of the driver of a run. No failure of theirs is one of the run: the first is a
    line on standard error, and nothing is recorded after it."""

    def __init__(self, run: str, new_counter: NewCounter, new_gauge: NewGauge) -> None:
        """``run``: the name of the run."""
        self._run = run
        self._new_counter, self._new_gauge = new_counter, new_gauge
        self._counters: dict[str, Counting] = {}
        self._tasks: Measuring | None = None
        self._shown_s = float("-inf")
        self._failed = False

    def add(self, result: ShardResult) -> None:
        """A shard ended."""
        self._record(lambda: self._add(result))

    def show(self, waiting: Mapping[str, int], in_flight: Mapping[str, int]) -> None:
        """How many tasks of each node are in which state now. Recorded now and then, and so to be
        called as often as one likes."""
        if time.monotonic() - self._shown_s >= SHOWN_EVERY_S:
            self._shown_s = time.monotonic()
            self._record(lambda: self._show({"waiting": waiting, "in_flight": in_flight}))

    def _add(self, result: ShardResult) -> None:
        for name, tags, n in counted(result):
            if name not in self._counters:
                self._counters[name] = self._new_counter(name, *COUNTERS[name])
            if n:
                self._counters[name].inc(n, {"run": self._run, **tags})

    def _show(self, tasks: Mapping[str, Mapping[str, int]]) -> None:
        if self._tasks is None:
            self._tasks = self._new_gauge(*TASKS)
        for state, by_node in tasks.items():
            for node, n in by_node.items():
                self._tasks.set(n, {"run": self._run, "node": node, "state": state})

    def _record(self, recording: Callable[[], None]) -> None:
        if self._failed:
            return
        try:
            recording()
        except Exception as error:  # noqa: BLE001  whatever it is, the run goes on
            self._failed = True
            print(f"metrics are no longer recorded: {error!r}", file=sys.stderr)


def show_busy_share(busy: BusyClock, tags: Tags, every_s: float, new_gauge: NewGauge) -> None:
    """Show the share of an engine for as long as its process lives. To be run in a thread of its
    own, which a failure ends and nothing else."""
    gauge = new_gauge(*BUSY_SHARE)
    while True:
        gauge.set(busy.share(), tags)
        time.sleep(every_s)
