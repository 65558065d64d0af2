"""The run configuration: the YAML files under ``configs/``, as validated models.

A file with ``extends: other.yaml`` overrides the other key by key. Unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
)

from pipeline.corpus.layout import CorpusSettings
from pipeline.engines import KINDS
from pipeline.engines.base import EngineConfig
from pipeline.engines.placement import LabelSelector
from pipeline.errors import ConfigError, did_you_mean, explain
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.settings import DEFAULT_LANGUAGE, LanguageCode, Settings
from pipeline.store.location import Location
from pipeline.workflow.config_file import read_config_file
from pipeline.workflow.curation import Curation
from pipeline.workflow.withdrawal import Exclusion

Role = Literal[
    "narrator",
    "captioner",
    "editor",
    "grounder",
    "change_detector",
    "verifier",
    "embedder",
    "student",
]
ExecutorName = Literal["auto", "local", "ray"]


def _address(text: str) -> str:
    if "\0" in text:
        raise ValueError("a path has no NUL")
    Location.of(text)
    return text


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


Address = Annotated[str, BeforeValidator(_text), Field(min_length=1), AfterValidator(_address)]
"""A path, or an address in an object store: ``s3://``, ``gs://``."""
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$")]
"""It names the folder of the node's parts."""


class RunSection(Settings):
    """Where a run writes its parts and how it runs. Only ``videos_per_shard`` bears identity."""

    name: str = Field(
        "run",
        description="name of the run, as the log, the card of the corpus and a cluster have it",
    )
    root: Address = Field(
        "runs/run", description="folder of everything the run leaves; a path, s3:// or gs://"
    )
    executor: ExecutorName = Field(
        "auto",
        description="what runs the shards. auto: Ray inside a Ray job, processes of this machine"
        " elsewhere",
    )
    workers: int | None = Field(
        None,
        ge=1,
        le=10_000,
        description="worker processes on this machine; when null one for each CPU that no engine"
        " keeps (placement.cpus). On Ray the cluster decides",
    )
    worker_silence_s: float = Field(
        600.0,
        ge=10,
        le=1_000_000,
        description="seconds without a sign of life after which a worker process of this machine,"
        " such as one that was stopped, is killed and another takes its shards. On Ray there is no"
        " such limit for a worker: Ray gives up machines that do not answer",
    )
    videos_per_shard: int = Field(
        64,
        ge=1,
        le=1_000_000,
        description="rows of the manifest in a shard, the unit of work and of what a failure costs:"
        " fewer spread over more workers, more make fewer files. Another value makes every part"
        " anew",
    )


class SourceSection(Settings):
    """Where the videos come from."""

    kind: Literal["manifest", "folder", "scenes"] = Field(
        "manifest",
        description="a JSONL or Parquet manifest; a folder of videos, one video, or a tar, zip or"
        " Parquet file of videos; or the scripted scenes",
    )
    path: Address = Field(
        description="the manifest (a path, s3:// or gs://), the folder or the video, or where to"
        " render scenes"
    )
    suffixes: tuple[str, ...] = Field(
        VIDEO_SUFFIXES,
        description="for a folder: which files are videos, also in tars, zips and Parquet files"
        " there; an empty list takes every file as one. Others are passed over and counted",
    )
    source: str = Field("", description="for a folder: name of the dataset the videos belong to")
    licence: str = Field("", description="for a folder: licence of the videos")
    split: str = Field("train", description="for a folder: split they belong to")


class Execution(Settings):
    """What one shard of a node needs. Never part of its identity."""

    cpus: float = Field(
        1,
        gt=0,
        le=10_000,
        description="CPU cores that Ray keeps for a shard; on one machine run.workers decides",
    )
    gpus: float = Field(
        0,
        ge=0,
        le=10_000,
        description="GPUs that Ray keeps for a shard, also a part of one; an engine with a process"
        " to itself has its own",
    )
    memory_gib: float = Field(
        0,
        ge=0,
        le=1_000_000,
        description="GiB of memory that Ray keeps for a shard; with 0 its CPUs alone decide",
    )
    label_selector: LabelSelector = Field(
        {},
        description="labels that a machine must have in Ray: by name a value, !value, in(a,b) or"
        " !in(a,b)",
    )


class Limits(Settings):
    """Shares above which a node stops the run; 1 is no limit. Never part of its identity."""

    unanswered: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of its asks that have no valid answer. Above a half something is wrong"
        " with the engine or the prompt, and more asks only cost",
    )
    rejected: float = Field(
        0.98,
        ge=0,
        le=1,
        description="share of its videos that are rejected for a fault of theirs, of the engine or"
        " of what the model answers. What rules and policies turn down is no fault: if they leave"
        " nothing, the run ends without samples, and `forecast` says so of a pilot",
    )
    after: int = Field(
        20,
        ge=1,
        description="so many asks, or videos, of a run before it is judged, so that a bad start"
        " alone stops nothing",
    )


class NodeSection(Settings):
    """A node: a stage in the run."""

    stage: str = Field(description="name of its stage; the verb stages lists them")
    after: tuple[str, ...] = Field(
        (), description="the nodes whose rows it reads; their order means nothing"
    )
    engine: Role | None = Field(
        None,
        description="role in engines of the model that it asks; null for a stage that asks none",
    )
    config: dict[str, Any] = Field({}, description="settings of the stage; each stage has its own")
    execution: Execution = Field(Execution(), description="what one shard of it needs")
    limits: Limits = Field(Limits(), description="when it stops the run")


class CorpusSection(CorpusSettings, Exclusion):
    """How the corpus is written, and what is taken out of it."""


class RunConfig(Settings):
    """A complete run."""

    run: RunSection = Field(RunSection(), description="where and how it runs")
    source: SourceSection = Field(description="where the videos come from")
    language: LanguageCode = Field(
        DEFAULT_LANGUAGE,
        description="language that models write in and that the card names, as a code; every stage"
        " that asks has it",
    )
    engines: dict[Role, SerializeAsAny[EngineConfig]] = Field(
        {}, description="role: which model answers in it, and how it is reached"
    )
    nodes: dict[NodeName, NodeSection] = Field(
        description="name: a stage in the run, and the nodes that it reads"
    )
    corpus: CorpusSection = Field(
        CorpusSection(),
        description="defaults of the settings of every node that writes a corpus (write_files,"
        " write_corpus) or chooses what goes into it (apply_mixture)",
    )
    curate: Curation = Field(
        Curation(),
        description="what people decided of samples; every node that makes dialogues has it",
    )

    @field_validator("engines", mode="before")
    @classmethod
    def _of_their_kinds(cls, engines: Any) -> Any:
        if not isinstance(engines, dict):
            return engines
        return {role: _engine(role, section) for role, section in engines.items()}


def load_config(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Load a config from a file and apply ``a.b=value`` overrides, whose values are YAML.

    Raises:
        ConfigError: the file cannot be read, or a key or value in it is wrong; the message names
            the key and, where one is close, the right one.
    """
    raw = read_config_file(path, overrides)
    _check_nodes(raw.get("nodes"))
    if isinstance(raw.get("engines"), dict):
        # Here too, so that the error names the key alone.
        raw["engines"] = {role: _engine(role, value) for role, value in raw["engines"].items()}
    try:
        config = RunConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, RunConfig)) from None
    _check_roles(config, overrides)
    return config


def _check_nodes(nodes: Any) -> None:
    """A node without a stage is most likely another one, misspelt."""
    if not isinstance(nodes, dict):
        return
    whole = [name for name, node in nodes.items() if isinstance(node, dict) and "stage" in node]
    for name, node in nodes.items():
        if not whole or not isinstance(node, dict) or "stage" in node:
            continue
        hint = did_you_mean(str(name), whole)
        if hint.endswith("?"):
            raise ConfigError(f"nodes.{name}: there is no node {name!r}{hint}")
        if node.keys() <= NodeSection.model_fields.keys():
            new = "; a new one needs the key stage"
            raise ConfigError(f"nodes.{name}: there is no node {name!r}{new}{hint}")


def _check_roles(config: RunConfig, overrides: Sequence[str]) -> None:
    """What is set on a role that no node has would be lost silently."""
    used = sorted({node.engine for node in config.nodes.values() if node.engine is not None})
    for override in overrides:
        section, _, key = override.partition("=")[0].partition(".")
        role = key.partition(".")[0]
        if section == "engines" and role and role not in used:
            raise ConfigError(f"engines.{role}: no node asks {role!r}{did_you_mean(role, used)}")


def _engine(role: str, section: Any) -> Any:
    """The section of a role as the config of its kind of engine; no mapping is left as it is."""
    roles = get_args(Role)
    if role not in roles:
        hint = did_you_mean(str(role), roles)
        raise ConfigError(f"engines.{role}: {role!r} is not one of {', '.join(roles)}{hint}")
    if not isinstance(section, dict):
        return section
    kind = section.get("kind", "embedded")
    if kind not in KINDS:
        known = ", ".join(KINDS)
        hint = did_you_mean(str(kind), KINDS)
        raise ConfigError(f"engines.{role}.kind: {kind!r} is not one of {known}{hint}")
    try:
        return KINDS[kind].model_validate(section)
    except ValidationError as error:
        text = explain(error, KINDS[kind], f"engines.{role}")
        others = [k for k, config in KINDS.items() if section.keys() <= config.model_fields.keys()]
        if others and kind not in others:
            text += f"\nengines.{role}.kind: it is {kind!r}; these are keys of {', '.join(others)}"
        raise ConfigError(text) from None
