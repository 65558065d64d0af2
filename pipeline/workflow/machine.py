"""The machines that a run can use, as what prepares or checks them sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pipeline.engines.base import EngineConfig
from pipeline.engines.placement import matches

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True)
class Machine:
    """A machine of a cluster."""

    name: str
    """Its address, with a number where several nodes of the cluster share one."""
    key: str
    """What the cluster calls it."""
    cpus: float
    gpus: float
    """How many the cluster counts, whether or not they work."""
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What selectors of labels look at."""

    def may_hold(self, engine: EngineConfig) -> bool:
        """Whether a replica may come to live here, in whole or, across machines, in part."""
        gpus = min(1, engine.gpus) if engine.place.across_machines else engine.gpus
        return gpus <= self.gpus and matches(self.labels, engine.place.label_selector)


class MachineError(RuntimeError):
    """A machine did not do what it was asked; the message is one line."""


class Machines(Protocol):
    """All machines of a cluster."""

    @property
    def all(self) -> Sequence[Machine]:
        """By name."""
        ...

    def call(
        self, function: Callable[[A], R], asked: Mapping[Machine, A]
    ) -> Iterator[tuple[Machine, R | MachineError]]:
        """``function`` of its argument on each of these machines at once, in order of the answers.
        Both, and what comes back, must be picklable."""
        ...
