"""What an engine is: it takes asks and yields the replies to each as soon as it has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field

from pipeline.engines.errors import ErrorName
from pipeline.engines.frame_label import FrameLabel
from pipeline.engines.placement import Placement
from pipeline.settings import Settings

Temperature = Annotated[float, Field(ge=0, le=2)]
Answers = Literal["texts", "vectors"]
"""What an engine gives: texts by a schema, or the vectors of texts and pictures (``Embedding``)."""


_MILLION = 1_000_000


class Prices(Settings):
    """What a million tokens cost, for the card of the corpus."""

    currency: str = Field("USD", description="of the prices")
    tokens_in: float = Field(0.0, ge=0, description="of prompts, frames among them")
    tokens_cached: float | None = Field(
        None, ge=0, description="of those that the server had computed before; null: as tokens_in"
    )
    tokens_out: float = Field(0.0, ge=0, description="of answers")

    def cost(self, tokens_in: int, tokens_cached: int, tokens_out: int) -> float:
        """Of so many tokens, in the currency; ``tokens_cached`` are some of ``tokens_in``."""
        again = self.tokens_in if self.tokens_cached is None else self.tokens_cached
        fresh = tokens_in - tokens_cached
        paid = fresh * self.tokens_in + tokens_cached * again + tokens_out * self.tokens_out
        return paid / _MILLION


class EngineConfig(Settings):
    """Which model answers, and how to run or reach it. Each kind of engine has a subclass."""

    kind: str = Field(description="kind of engine")
    model: str = Field(description="name of the model")
    revision: str = Field(description="of the model; goes into every row")
    prices: Prices | None = Field(
        None, description="per million tokens, for the cost on the card; null states none"
    )

    IDENTITY: ClassVar[tuple[str, ...]] = ("model", "revision")
    """The settings that change the answers, never where or how fast the model is served."""

    def identity(self) -> dict[str, Any]:
        """The settings of ``IDENTITY``, as plain data."""
        return self.model_dump(mode="json", include=set(self.IDENTITY))

    def replica_configs(self) -> Sequence[EngineConfig]:
        """A config for each replica of the engine, which has a process to itself.

        Roles with equal configs share the replicas. An engine without replicas is so light that
        each worker opens its own.
        """
        return ()

    @property
    def least_replicas(self) -> int:
        """How many of them are asked for whether or not a machine has space; the others go where
        there is space that nobody waits for."""
        return len(self.replica_configs())

    @property
    def place(self) -> Placement:
        """What one replica takes of a cluster beside its GPUs."""
        return Placement()

    @property
    def timed_frames(self) -> bool:
        """Whether a model is shown each frame with its time, so that no text need say it."""
        return True

    @property
    def gives(self) -> frozenset[Answers]:
        """What it can be asked for."""
        return frozenset({"texts"})

    @property
    def gpus(self) -> int:
        """GPUs of one replica."""
        return 0

    @property
    def shards_in_flight(self) -> int:
        """Shards that one replica works on at once, so that it always has asks to answer."""
        return 1


class SamplingConfig(EngineConfig):
    """Settings that engines which sample from a model have in common."""

    IDENTITY = (*EngineConfig.IDENTITY, "quantisation", "frame_label", "temperatures", "repair")

    answers: Answers = Field(
        "texts",
        description="texts: a model that writes; vectors: an embedding model, for the role"
        " embedder",
    )
    quantisation: str = Field(
        "",
        description="of the weights, such as fp8; empty for none. Part of the identity of rows",
    )
    frame_label: FrameLabel = Field(
        "seconds",
        description="text before each frame. seconds: [12.5 s]; qwen3_vl: <12.5 seconds>",
    )
    temperatures: tuple[Temperature, ...] = Field(
        (0.3, 0.7),
        description="temperatures of further tries, in turn, when an answer does not parse, is cut"
        " or goes round in circles: a greedy model repeats itself, a warmer one does not. Empty"
        " tries no more",
    )
    repair: bool = Field(
        True, description="repair invalid JSON if those tries failed too; the reply says so"
    )
    shards: int = Field(
        8,
        ge=1,
        description="shards under way at once for each replica, so that it always has asks to"
        " answer",
    )
    placement: Placement = Field(
        Placement(),
        description="where on a cluster a replica goes, and what it takes there beside its GPUs",
    )

    @property
    def place(self) -> Placement:
        """See ``EngineConfig.place``."""
        return self.placement

    @property
    def shards_in_flight(self) -> int:
        """See ``EngineConfig.shards_in_flight``."""
        return self.shards

    @property
    def gives(self) -> frozenset[Answers]:
        """See ``EngineConfig.gives``."""
        return frozenset({self.answers})

    @property
    def timed_frames(self) -> bool:
        """See ``EngineConfig.timed_frames``. An embedding model is shown the frame and no more."""
        return self.answers == "vectors" or self.frame_label != "none"


class EmbeddedConfig(EngineConfig):
    """A baseline for dry runs that reads pixels, without weights or network."""

    kind: Literal["embedded"] = Field(
        "embedded", description="kind of engine, also without this key"
    )
    model: Literal["embedded"] = Field("embedded", description="the name in its rows")
    revision: Literal["1"] = Field("1", description="raised when its answers change")

    @property
    def gives(self) -> frozenset[Answers]:
        """See ``EngineConfig.gives``."""
        return frozenset({"texts", "vectors"})


BASELINE = EmbeddedConfig().model


def for_training(models: Iterable[str]) -> bool:
    """Whether to train on rows that these models, each ``model@revision``, had a part in.

    Those of the baseline are not for training: it stands in for a model in dry runs.
    """
    return all(model.partition("@")[0] != BASELINE for model in models)


@dataclass(frozen=True)
class Frame:
    """A frame of a video: the stored JPEG, and its presentation time in seconds."""

    time_s: float
    jpeg: bytes


@dataclass(frozen=True)
class Ask:
    """One question to a model.

    A model is shown ``system`` as the system message, if it is not empty, then ``frames`` and
    ``text`` as the user message. ``text`` is the rendered prompt, ``variables`` are the values it
    was rendered with, and ``frames`` are in order of time. ``answer_schema`` is the JSON schema of
    the answer; its ``title`` names the kind of answer.
    """

    request_id: str
    text: str
    answer_schema: Mapping[str, Any]
    frames: tuple[Frame, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict)
    system: str = ""
    """The same for all asks of a node, so that an engine can reuse what it computed of it."""
    video_id: str = ""
    """The video it is about, by which its replies are found again. No model sees it."""


@dataclass(frozen=True)
class Sampling:
    """Parameters of sampling. Part of the identity of an annotation."""

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
    """Those of ``tokens_in`` that the engine had cached, if it reports them."""
    latency_s: float = 0.0
    """From when the engine took up the ask to its answer, with all tries."""
    engine_version: str = ""
    """``Engine.version`` at the time of the answer. Engines leave it empty; the journal sets it."""


class EngineError(RuntimeError):
    """The engine itself has failed: no further ask can be answered."""


class Engine(Protocol):
    """Answers asks. Safe to use from several threads at once."""

    @property
    def version(self) -> str:
        """Version of the software that answers, for provenance."""
        ...

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """Yields ``(index of the ask, its sampling.samples replies)`` once for each ask.

        An ask is yielded as soon as it has its replies, in any order. One that fails has replies
        with an ``error``. Work starts with the first ``next`` and goes on between two of them, but
        no ask is taken up in the place of another before the caller has come back for more after
        that one: a caller that does not come back stops the work, and whatever ends the process
        costs the asks under way and no more. Closing the iterator early, or an exception in
        ``next`` such as KeyboardInterrupt, ends the work under way.

        Raises:
            EngineError: no further ask can be answered. What had its replies before is yielded
                first.
        """
        ...


class OpenEngine(Engine, Protocol):
    """An engine as its owner sees it."""

    def close(self) -> None:
        """Releases what the engine holds. Work under way ends with EngineError."""
        ...
