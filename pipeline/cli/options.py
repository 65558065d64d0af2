"""Options, exit status and the plan of a run, as the verbs share them."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.engines.base import EngineConfig
from pipeline.engines.vllm.config import VllmConfig
from pipeline.errors import ConfigError, did_you_mean
from pipeline.execution.executors.ray_job import in_ray_job
from pipeline.store.location import Location
from pipeline.workflow.config import ExecutorName, RunConfig, load_config
from pipeline.workflow.curation import DECISIONS, Curation, read_decisions
from pipeline.workflow.graph import build_graph, refusal_of
from pipeline.workflow.plan import NodePlan, make_plan
from pipeline.workflow.source import read_source

ConfigOption = Annotated[Path, typer.Option("-c", "--config", help="The run, a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help="Set a key of the config. May be repeated."),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="Only the first so many videos of the source.")
]
RepliesFromOption = Annotated[
    list[str] | None,
    typer.Option(
        "--replies-from",
        metavar="ROOT",
        help="Do not ask what was answered in this root of another run. May be repeated.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON instead of a table.")]
ExecutorOption = Annotated[
    ExecutorName | None, typer.Option("--executor", help="Over run.executor of the config.")
]


def planned(
    config: Path,
    overrides: Sequence[str] | None,
    limit: int | None,
    replies_from: Sequence[str] | None = None,
) -> tuple[RunConfig, Sequence[NodePlan]]:
    """The settings of a run, and its plan. ``replies_from``: see ``RepliesFromOption``.

    Raises:
        ConfigError: the config, an override or the source is wrong.
    """
    settings = load_config(config, overrides or ())
    settings = with_decisions(settings, run_root(settings))
    _check_pinned(config, settings)
    nodes = build_graph(settings)
    source = read_source(settings.source, limit, refusal_of(nodes))
    others = [_other_root(each) for each in replies_from or ()]
    size = settings.run.videos_per_shard
    return settings, make_plan(nodes, source, size, run_root(settings), others)


def _other_root(address: str) -> Location:
    """Raises ConfigError where no run has been."""
    root = Location.of(address)
    if not (root / "parts").folders():
        raise ConfigError(f"--replies-from: {root} is no root of a run: there are no parts in it")
    return root


def with_decisions(settings: RunConfig, root: Location) -> RunConfig:
    """The settings with what people decided of the run at ``root``, where they do not say it
    themselves.

    Raises:
        ConfigError: the file cannot be read.
    """
    if "decisions" in settings.curate.model_fields_set:
        return settings
    try:
        found = Curation(decisions=read_decisions(root / DECISIONS))
    except ValueError as error:
        raise ConfigError(f"curate.decisions: {error}") from None
    return settings.model_copy(update={"curate": found})


def _check_pinned(config: Path, settings: RunConfig) -> None:
    """Raises ConfigError for a model without a revision, which goes into every row."""
    asked = {node.engine for node in settings.nodes.values()}
    for role, engine in settings.engines.items():
        if role in asked and not engine.revision:
            todo = f"write the commit of {engine.model} that is served"
            if isinstance(engine, VllmConfig):
                todo = f"`turnwise fetch-models -c {config} -o pinned.yaml` writes a config with it"
            raise ConfigError(f"engines.{role}.revision is empty, and goes into every row: {todo}")


def run_root(settings: RunConfig) -> Location:
    """``run.root``. The folder of a Ray job is a copy that is removed after it, so a relative root
    starts from ``$TURNWISE_HOME`` or ``~/turnwise`` there."""
    place = Location.of(settings.run.root)
    if place.path is None:
        return place
    root = Path(settings.run.root.removeprefix("file://")).expanduser()
    if in_ray_job() and not root.is_absolute():
        root = Path(os.environ.get("TURNWISE_HOME", "~/turnwise")).expanduser() / root
    return Location.of(root.resolve())


def engine_of(settings: RunConfig, role: str) -> EngineConfig:
    """The engine of a role.

    Raises:
        ConfigError: the config has none.
    """
    found = {str(name): each for name, each in settings.engines.items()}
    if role not in found:
        raise ConfigError(f"the config has no engine {role!r}{did_you_mean(role, found)}")
    return found[role]


def need_ffmpeg() -> None:
    """Raises ConfigError where ffmpeg is not installed."""
    if shutil.which("ffmpeg") is None:
        raise ConfigError(
            "ffmpeg is not on PATH: install the package ffmpeg, or run"
            " `make install` and then `. .venv/bin/activate`"
        )
