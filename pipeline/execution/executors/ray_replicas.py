"""The replicas of engines on Ray: an actor each, in the placement group that was asked for it.

Ray spreads groups of one bundle over the machines with most that is free: two engines of 4 GPUs
then leave no machine whole for one of 8. So each group has a hint, the machine that it fills best.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from uuid import uuid4

import ray
from ray.util.metrics import Gauge as RayGauge
from ray.util.placement_group import (
    PlacementGroup,
    placement_group,
    placement_group_table,
    remove_placement_group,
)
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from pipeline.engines import close_engines
from pipeline.engines.base import EngineConfig
from pipeline.execution.busy_clock import BusyClock
from pipeline.execution.executors.machine_sizes import Node, Size, best_fit, free_nodes
from pipeline.execution.executors.run_metrics import SHOWN_EVERY_S, show_busy_share
from pipeline.execution.worker import run_shard
from pipeline.workflow.task import ShardResult, ShardTask


@ray.remote(max_restarts=0)
class _EngineProcess:
    """Runs the shards of one engine, several at once, in threads that share it."""

    def __init__(self, tags: dict[str, str], shown_every_s: float) -> None:
        """``tags`` of its metric."""
        self._busy = BusyClock()
        shown = self._busy, tags, shown_every_s, RayGauge
        Thread(target=show_busy_share, args=shown, daemon=True).start()

    def run(self, task: ShardTask) -> ShardResult:
        """See ``run_shard``."""
        return run_shard(task, self._busy)

    def node(self) -> str:
        """Where it lives, once it does."""
        return str(ray.get_runtime_context().get_node_id())

    def close(self) -> None:
        """Frees what the engine holds."""
        close_engines()


@dataclass(frozen=True)
class Place:
    """A replica of an engine as the cluster shows it: what replaces it has the same."""

    run: str
    model: str
    number: int
    """From 1, over all replicas of the model in the run."""

    @property
    def name(self) -> str:
        """Unique on a cluster: its job has one run."""
        job: str = ray.get_runtime_context().get_job_id()
        return f"{self.run} {job}: {self.model} {self.number}"

    @property
    def tags(self) -> dict[str, str]:
        """Of its metric."""
        return {"run": self.run, "model": self.model, "replica": str(self.number)}


@dataclass
class Replica:
    """An actor, the engine that its tasks open there, and the tasks it is running."""

    actor: Any
    engine: EngineConfig
    place: Place
    group: PlacementGroup | None
    """What is kept for it; None where it needs nothing."""
    hint: str | None
    """The machine that the group was to go to."""
    ready: ray.ObjectRef[str]
    """The id of its node, once the cluster has placed it."""
    node: str | None = None
    is_ready: bool = False
    running: dict[ray.ObjectRef[ShardResult], ShardTask] = field(default_factory=dict)

    def end(self) -> None:
        """Kill the process, and give back what was kept for it."""
        ray.kill(self.actor)
        if self.group is not None:
            remove_placement_group(self.group)

    def again(self) -> Replica:
        """Kill the process; another takes what is kept for it."""
        ray.kill(self.actor)
        return _started(self.engine, self.place, self.group, self.hint)


def best_machine(size: Size, nodes: Sequence[Node], replicas: Iterable[Replica]) -> str | None:
    """The machine that a replica should go to; None where none has space. What tasks take of a
    machine is not seen: where that leaves no space, Ray chooses.

    ``replicas``: those of this run, some of which the cluster may not have placed yet.
    """
    groups = list(placement_group_table().values())
    placed = {group["placement_group_id"] for group in groups if group["state"] == "CREATED"}
    coming = [
        (replica.hint, Size.of_engine(replica.engine))
        for replica in replicas
        if replica.group is not None and replica.group.id.hex() not in placed and replica.hint
    ]
    return best_fit(size, free_nodes(nodes, groups, coming))


def reserve(size: Size, name: str, hint: str | None) -> PlacementGroup | None:
    """Ask for what a replica takes, which an autoscaler sees until there is space; None where that
    is nothing. ``hint``: the machine to prefer."""
    if not size.bundles:
        return None
    further: dict[str, Any] = {}
    if size.labels:
        further["bundle_label_selector"] = [dict(size.labels)] * len(size.bundles)
    if hint is not None and not size.across:
        further["_soft_target_node_id"] = hint
    bundles = [dict(bundle) for bundle in size.bundles]
    strategy = "PACK" if size.across else "STRICT_PACK"
    group: PlacementGroup = placement_group(bundles, strategy=strategy, name=name, **further)
    return group


def start_replica(engine: EngineConfig, place: Place, hint: str | None) -> Replica:
    """Ask for a replica, which starts when a machine has space. ``hint``: the one to prefer."""
    return _started(engine, place, reserve(Size.of_engine(engine), place.name, hint), hint)


def close_replicas(replicas: Sequence[Replica], timeout_s: float) -> None:
    """End processes, those that answer after their engines have freed what they hold."""
    closing = [replica.actor.close.remote() for replica in replicas if replica.is_ready]
    if closing:
        ray.wait(closing, num_returns=len(closing), timeout=timeout_s)
    for replica in replicas:
        replica.end()


def _started(
    engine: EngineConfig, place: Place, group: PlacementGroup | None, hint: str | None
) -> Replica:
    try:
        actor = _process(engine, place, group, place.name)
    except ValueError:  # the one before it, which was killed, still has the name
        actor = _process(engine, place, group, f"{place.name} {uuid4().hex[:4]}")
    return Replica(actor, engine, place, group, hint, actor.node.remote())


def _process(engine: EngineConfig, place: Place, group: PlacementGroup | None, name: str) -> Any:
    """Raises ValueError where an actor of this job has the name."""
    size = Size.of_engine(engine)
    options = size.options
    if group is not None:
        # The group has been chosen by the labels, and Ray takes no selector beside it.
        options.pop("label_selector", None)
        options["scheduling_strategy"] = PlacementGroupSchedulingStrategy(group, 0)
    if size.across:
        options["num_gpus"] = 0  # vLLM's own workers take the GPUs of the group
    # One thread more than shards, so that ``close`` can run beside all of them.
    options["max_concurrency"] = engine.shards_in_flight + 1
    actor: Any = _EngineProcess
    return actor.options(name=name, **options).remote(place.tags, SHOWN_EVERY_S)
