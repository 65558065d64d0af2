"""The run configuration: the YAML files under ``configs/``, as validated models.

A file with ``extends: other.yaml`` (relative to itself) overrides the other key by key. Unknown
keys are errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
)

from pipeline.corpus.layout import CorpusSettings
from pipeline.engines import KINDS
from pipeline.engines.base import EngineConfig
from pipeline.errors import ConfigError, did_you_mean, explain
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.store.files.yaml_files import load_yaml, read_mapping
from pipeline.store.location import Location

Role = Literal["narrator", "captioner", "editor", "grounder", "change_detector", "verifier"]
ExecutorName = Literal["auto", "local", "ray"]


def _address(text: str) -> str:
    Location.of(text)
    return text


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


Address = Annotated[str, BeforeValidator(_text), Field(min_length=1), AfterValidator(_address)]
"""A path, or an address in an object store: ``s3://``, ``gs://``."""
NodeName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,99}$")]
"""It names the folder of the node's parts."""


class Section(BaseModel):
    """Base of every section: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunSection(Section):
    """Where a run writes its parts and how it runs. Only ``videos_per_shard`` bears identity."""

    name: str = Field("run", description="name of the run, for the corpus and the log")
    root: Address = Field(
        "runs/run", description="folder of everything the run leaves; a path, s3:// or gs://"
    )
    executor: ExecutorName = Field(
        "auto", description="auto: Ray inside a Ray job, this machine's processes otherwise"
    )
    workers: int | None = Field(None, ge=1, description="local processes; one a CPU when null")
    videos_per_shard: int = Field(64, ge=1, description="manifest rows a shard")


class SourceSection(Section):
    """Where the videos come from."""

    kind: Literal["manifest", "folder", "scenes"] = Field(
        "manifest",
        description="a JSONL or Parquet manifest, a folder of videos or one video, or the scripted"
        " scenes",
    )
    path: Address = Field(
        description="the manifest (a path, s3:// or gs://), the folder or the video, or where to"
        " render scenes"
    )
    suffixes: tuple[str, ...] = Field(
        VIDEO_SUFFIXES,
        description="for a folder: which files are videos; an empty list takes every file. Others"
        " are passed over and counted",
    )
    source: str = Field("", description="for a folder: name of the dataset the videos belong to")
    licence: str = Field("", description="for a folder: licence of the videos")
    split: str = Field("train", description="for a folder: split they belong to")


class Execution(Section):
    """What one shard of a node needs. Never part of its identity."""

    cpus: float = Field(1, gt=0)
    gpus: float = Field(0, ge=0)


class Limits(Section):
    """Shares above which a node stops the run; 1 is no limit. Never part of its identity."""

    unanswered: float = Field(
        0.5, ge=0, le=1, description="share of its asks that have no valid answer"
    )
    rejected: float = Field(0.98, ge=0, le=1, description="share of its videos that are rejected")
    after: int = Field(50, ge=1, description="asks, or videos, of a run before it is judged")


class NodeSection(Section):
    """A node: a stage in the run."""

    stage: str
    after: tuple[str, ...] = ()
    engine: Role | None = None
    config: dict[str, Any] = {}
    execution: Execution = Execution()
    limits: Limits = Limits()


class RunConfig(Section):
    """A complete run."""

    run: RunSection = RunSection()
    source: SourceSection
    engines: dict[Role, SerializeAsAny[EngineConfig]] = {}
    nodes: dict[NodeName, NodeSection]
    corpus: CorpusSettings = CorpusSettings()
    """Defaults of every node whose stage config extends ``CorpusSettings``."""

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
    raw = _read(path, ())
    for override in overrides:
        _apply(raw, override)
    if isinstance(raw.get("engines"), dict):
        # Here too, so that the error names the key alone.
        raw["engines"] = {role: _engine(role, value) for role, value in raw["engines"].items()}
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(explain(error, RunConfig)) from None


def _engine(role: str, section: Any) -> Any:
    """The section of a role as the config of its kind of engine; no mapping is left as it is."""
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
        raise ConfigError(explain(error, KINDS[kind], f"engines.{role}")) from None


def _read(path: Path, below: tuple[Path, ...]) -> dict[str, Any]:
    resolved = path.resolve()
    if resolved in below:
        raise ConfigError(f"{path}: extends itself")
    raw = read_mapping(path, "of sections")
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    if not isinstance(parent, str):
        raise ConfigError(f"{path}: extends: must be a path, not {parent!r}")
    return _merge(_read(path.parent / parent, (*below, resolved)), raw)


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    names = key.split(".")
    if not equals or not all(names):
        raise ConfigError(f"--set {override!r}: must be section.key=value")
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override!r}: the value is not YAML: {error}") from None
    inner = raw
    for name in names[:-1]:
        inner = inner.setdefault(name, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {name!r} is not a section")
    inner[names[-1]] = value
