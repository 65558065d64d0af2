"""The verb that finds the commits of a run's models and downloads their weights."""

from collections.abc import Mapping, Sequence
from os.path import relpath
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from pipeline.cli.exit_status import FAILED
from pipeline.cli.options import ConfigOption, ExecutorOption, SetOption
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.weights import Weights, fetch_all, gigabytes, resolve
from pipeline.errors import ConfigError
from pipeline.execution.executors import uses_ray
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig, load_config
from pipeline.workflow.machine import Machine, MachineError

COMMIT_DIGITS = 10
"""Shown of a commit."""
Wanted = Mapping[Weights, Sequence[tuple[str, VllmConfig]]]
"""The roles of each model, with their engines."""


def fetch_models(
    config: ConfigOption,
    overrides: SetOption = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write a config that extends this one by the commits."),
    ] = None,
    executor: ExecutorOption = None,
) -> None:
    """Find the commit of each model that vLLM is to run, and download its weights.

    On a Ray cluster each machine that has the GPUs of an engine downloads what it lacks. What is
    there already is left; after an interruption, give the same command again.
    """
    if out is not None and out.resolve() == config.resolve():
        raise ConfigError(f"-o: {out} is the config itself, which the new one extends")
    settings = load_config(config, overrides or ())
    found = _resolved(settings)
    if uses_ray(executor or settings.run.executor):
        failed = _on_the_cluster(found)
    else:
        failed = _said(fetch_all(list(found)))
    if out is not None:
        _write(out, config, found)
        typer.echo(f"config: {out}")
    elif found:
        typer.echo("\n" + _yaml({"engines": _pinned(found)}), nl=False)
    if failed:
        raise typer.Exit(FAILED)


def _resolved(settings: RunConfig) -> Wanted:
    """What the nodes ask and vLLM runs from the Hub; says what it leaves out.

    Raises:
        ConfigError: an engine with a folder of weights has no revision, which nothing can find.
        WeightsError: the Hub does not know a model, or does not give it.
    """
    found: dict[Weights, list[tuple[str, VllmConfig]]] = {}
    known: dict[tuple[str, str], Weights] = {}
    asked = {node.engine for node in settings.nodes.values()}
    for role, engine in settings.engines.items():
        if role not in asked:
            continue
        if not isinstance(engine, VllmConfig):
            typer.echo(f"engines.{role}: {engine.model} is of kind {engine.kind}: not fetched")
            continue
        if Path(engine.model).is_dir():
            if not engine.revision:
                raise ConfigError(f"engines.{role}.revision: a folder has none: give it a name")
            typer.echo(f"engines.{role}: {engine.model} is a folder: not fetched")
            continue
        name = engine.model, engine.revision
        if name not in known:
            known[name] = resolve(*name)
        found.setdefault(known[name], []).append((role, engine))
    for weights, roles in found.items():
        names = ", ".join(role for role, _ in roles)
        size = gigabytes(weights.size_bytes)
        typer.echo(f"{weights.model} at {weights.commit[:COMMIT_DIGITS]}: {size}, for {names}")
    return found


def _on_the_cluster(wanted: Wanted) -> bool:
    """Downloads to each machine that can run an engine; returns whether one failed."""
    from pipeline.execution.executors.ray_machines import ray_machines  # noqa: PLC0415  it loads Ray

    failed = False
    with ray_machines() as machines:
        needs: dict[Machine, Sequence[Weights]] = {
            machine: [
                weights
                for weights, roles in wanted.items()
                if any(machine.may_hold(engine) for _, engine in roles)
            ]
            for machine in machines.all
        }
        for weights, roles in wanted.items():
            if not any(weights in needed for needed in needs.values()):
                gpus = min(engine.gpus for _, engine in roles)
                typer.echo(
                    f"{weights.model}: no machine that it may go to has {gpus} GPUs", err=True
                )
                failed = True
        asked = {machine: needed for machine, needed in needs.items() if needed}
        for machine, answer in machines.call(fetch_all, asked):
            lines = ([], [str(answer)]) if isinstance(answer, MachineError) else answer
            failed |= _said(lines, f"{machine.name}  ")
    return failed


def _said(lines: tuple[Sequence[str], Sequence[str]], where: str = "") -> bool:
    """Prints what is here and what went wrong; returns whether anything did."""
    done, wrong = lines
    for line in done:
        typer.echo(f"{where}{line}")
    for line in wrong:
        typer.echo(f"{where}{line}", err=True)
    return bool(wrong)


def _write(out: Path, config: Path, found: Wanted) -> None:
    """A config that is the given one with the models pinned."""
    extends = relpath(config.resolve(), out.resolve().parent)
    text = _yaml({"extends": extends, "engines": _pinned(found)})
    head = f"# The models of {config.name}, each at the commit that fetch-models found.\n"
    Location.of(out).write_bytes((head + text).encode())


def _pinned(found: Wanted) -> dict[str, Any]:
    return {
        role: {"model": weights.model, "revision": weights.commit}
        for weights, roles in found.items()
        for role, _ in roles
    }


def _yaml(value: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True))
