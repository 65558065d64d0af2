"""What work takes of a machine of a cluster, and which machine it fills best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.engines.base import EngineConfig
from pipeline.engines.placement import GIB, matches
from pipeline.workflow.task import Task

Amounts = Mapping[str, float]
"""How much of each resource, by the name that Ray has for it."""

_GONE = "REMOVED"


@dataclass(frozen=True)
class Size:
    """What a task, or a replica of an engine, takes of a machine, and which machines it may take it
    of."""

    cpus: float
    gpus: float
    memory_gib: float = 0
    labels: tuple[tuple[str, str], ...] = ()
    """A ``LabelSelector``, in order."""
    across: bool = False
    """Whether its GPUs may lie on several machines."""

    @classmethod
    def of_task(cls, task: Task) -> Size:
        """Of a task that no engine process runs."""
        return cls(task.cpus, task.gpus, task.memory_gib, _ordered(task.label_selector))

    @classmethod
    def of_engine(cls, engine: EngineConfig) -> Size:
        """Of one replica."""
        place = engine.place
        across = place.across_machines and engine.gpus > 1
        labels = _ordered(place.label_selector)
        return cls(place.cpus, engine.gpus, place.memory_gib, labels, across)

    def __str__(self) -> str:
        """As messages have it."""
        memory = f" and {self.memory_gib:g} GiB" if self.memory_gib else ""
        labels = "".join(f", {key}={value}" for key, value in self.labels)
        return f"{self.cpus:g} CPUs and {self.gpus:g} GPUs{memory}{labels}"

    @property
    def amounts(self) -> Amounts:
        """What is kept for it."""
        kept = {"CPU": self.cpus, "GPU": self.gpus, "memory": self.memory_gib * GIB}
        return {name: amount for name, amount in kept.items() if amount}

    @property
    def bundles(self) -> Sequence[Amounts]:
        """What a placement group keeps for it: all on one machine or, across machines, a bundle a
        GPU, as vLLM wants them. The process itself takes the first one; none if it needs nothing.
        """
        if not self.across:
            return [self.amounts] if self.amounts else []
        return [{**self.amounts, "GPU": 1}, *({"GPU": 1} for _ in range(int(self.gpus) - 1))]

    @property
    def options(self) -> dict[str, Any]:
        """Of the task or actor, in the terms of Ray."""
        chosen: dict[str, Any] = {"num_cpus": self.cpus, "num_gpus": self.gpus}
        if self.memory_gib:
            chosen["memory"] = int(self.memory_gib * GIB)
        if self.labels:
            chosen["label_selector"] = dict(self.labels)
        return chosen


@dataclass(frozen=True)
class Node:
    """A machine that is alive."""

    id: str
    resources: Amounts
    labels: Mapping[str, str] = field(default_factory=dict)

    def left(self, resource: str) -> float:
        """How much of it there is."""
        return self.resources.get(resource, 0.0)

    def places(self, size: Size) -> float:
        """How many of a size it can hold, when it holds nothing else."""
        if not matches(self.labels, dict(size.labels)):
            return 0
        needed = [(self.left(name), n) for name, n in size.amounts.items()]
        if size.across:
            return min(has / n for has, n in needed)
        return min((int(has / n) for has, n in needed), default=1)


def _ordered(selector: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(selector.items()))


def best_fit(size: Size, free: Iterable[Node]) -> str | None:
    """Of the machines with space the one that has least, of GPUs above all, so that others stay
    whole; None where none has space. ``free``: with what is free on each."""
    with_space = [node for node in free if node.places(size) >= 1]
    best = min(with_space, key=lambda n: (n.left("GPU"), n.left("CPU"), n.id), default=None)
    return None if best is None else best.id


def free_nodes(
    nodes: Sequence[Node], groups: Iterable[Mapping[str, Any]], hinted: Iterable[tuple[str, Size]]
) -> Sequence[Node]:
    """The machines with what placement groups leave free. What tasks hold is not seen: of an engine
    that finds no space after all, Ray chooses the machine.

    ``groups``: as Ray's table has them. ``hinted``: those that it has not placed yet.
    """
    free = {node.id: dict(node.resources) for node in nodes}

    def take(node: str, amounts: Amounts) -> None:
        for name, amount in amounts.items() if node in free else ():
            free[node][name] = free[node].get(name, 0) - amount

    for group in groups:
        for number, node in group["bundles_to_node_id"].items() if group["state"] != _GONE else ():
            take(node, group["bundles"][number])
    for node, size in hinted:
        take(node, size.amounts)
    return [Node(node.id, free[node.id], node.labels) for node in nodes]
