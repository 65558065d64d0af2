"""The verbs that list what there is: ``stages``, ``engines`` and ``scenes``."""

import inspect
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import (
    need_ffmpeg,
)
from pipeline.engines import KINDS
from pipeline.errors import ConfigError
from pipeline.media.scenes.render import render_scenes
from pipeline.reports.describe import describe, describe_engine, headline
from pipeline.workflow.graph import find_stage, stage_names


def stages(
    name: Annotated[str | None, typer.Argument(help="This one alone, with its settings.")] = None,
) -> None:
    """List the stages, or say what can be set on one of them."""
    if name is not None:
        typer.echo(describe(find_stage("stages", name)))
        return
    for known in stage_names():
        typer.echo(headline(find_stage("stages", known)))


def engines(
    kind: Annotated[str | None, typer.Argument(help="This one alone, with its settings.")] = None,
) -> None:
    """List the kinds of engine, or say what can be set on one of them."""
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"engines: {kind!r} is not one of {', '.join(KINDS)}")
    if kind is not None:
        typer.echo(describe_engine(kind, KINDS[kind]))
        return
    for name, config in KINDS.items():
        typer.echo(f"{name:14} {inspect.getdoc(config)}")


def scenes(
    folder: Annotated[Path, typer.Option("-o", "--out", help="Where to.")] = Path("scenes"),
) -> None:
    """Render the scripted scenes: videos, their manifest, and what is true of them."""
    need_ffmpeg()
    typer.echo(f"manifest: {render_scenes(folder)}")
