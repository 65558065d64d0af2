"""What an engine is: asks in, replies out, in the same order and number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from pipeline.engines.errors import ErrorName


class EngineConfig(BaseModel):
    """Which model answers, and how to reach it. Each kind of engine has its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: str
    model: str
    revision: str

    def identity(self) -> dict[str, Any]:
        """What bears on the meaning of an answer: the model, never the transport."""
        return {"model": self.model, "revision": self.revision}

    def replica_configs(self) -> Sequence[EngineConfig]:
        """For each replica of the engine, how it is opened in a process that it has to itself.

        Roles that are given the same config share them. An engine without any is so light that
        each worker opens its own.
        """
        return ()

    @property
    def gpus(self) -> int:
        """How many GPUs one replica takes."""
        return 0

    @property
    def shards_in_flight(self) -> int:
        """How many shards one replica is given at once, so that it always has asks to answer."""
        return 1


class EmbeddedConfig(EngineConfig):
    """No weights, no network: a baseline that reads pixels, for dry runs."""

    kind: Literal["embedded"] = "embedded"
    model: Literal["embedded"] = "embedded"
    """Its rows go by this name, and by no other."""
    revision: Literal["1"] = "1"
    """Raised when its answers change."""


@dataclass(frozen=True)
class Frame:
    """A frame to show: the stored JPEG, and its presentation time in the video."""

    time_s: float
    jpeg: bytes


@dataclass(frozen=True)
class Ask:
    """One question to a model.

    ``text`` is the rendered prompt and ``variables`` are the values it was rendered with.
    ``frames`` are in order of time. ``answer_schema`` is the JSON schema of the answer; its
    ``title`` names the kind of answer.
    """

    request_id: str
    text: str
    answer_schema: Mapping[str, Any]
    frames: tuple[Frame, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    """The system part, the same for all asks of a node; sent before the rest."""


@dataclass(frozen=True)
class Sampling:
    """How to sample. Part of the identity of an annotation."""

    samples: int = 1
    temperature: float = 0.0
    max_tokens: int = 1024
    seed: int = 0


@dataclass(frozen=True)
class Reply:
    """One sample. Exactly one of ``text`` and ``error`` is set."""

    request_id: str
    text: str | None = None
    error: ErrorName | None = None
    detail: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    """Of ``tokens_in``, those that the engine had from an earlier ask, where it says."""
    latency_s: float = 0.0
    """From the moment the engine took up the ask to its answer, all tries of it included."""
    engine_version: str = ""
    """``Engine.version`` when it was given. Engines leave it to who keeps the reply."""


Heard = Callable[[int, Sequence[Reply]], None]
"""What is told of an ask that has all of its replies: its place among the asks, and they."""


def unheard(place: int, replies: Sequence[Reply]) -> None:
    """Nobody waits for single asks."""


class EngineError(RuntimeError):
    """The engine itself is gone; asking it another row is pointless."""


class Engine(Protocol):
    """Safe to call from several threads at once."""

    @property
    def version(self) -> str:
        """Of the software that answers, for provenance."""
        ...

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling, heard: Heard = unheard
    ) -> Sequence[Sequence[Reply]]:
        """``sampling.samples`` replies per ask, in the order of ``asks``.

        A row that fails yields a ``Reply`` with an ``error``. ``heard`` is called once for each
        ask, as soon as it has its replies and before another is taken up in its place, from any
        thread, one call at a time; whatever ends this call early, what was heard was answered.

        Raises:
            EngineError: no further row can be answered.
        """
        ...


class OpenEngine(Engine, Protocol):
    """An engine for who opened it."""

    def close(self) -> None:
        """Gives back what the engine holds. What is under way ends with EngineError."""
        ...
