"""The verbs ``stages`` and ``engines``, which list what a config can name, and ``scenes``."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import need_ffmpeg
from pipeline.media.scenes.render import render_scenes
from pipeline.reports.describe import (
    describe_engine,
    describe_stage,
    list_engines,
    list_stages,
)


def stages(
    name: Annotated[str | None, typer.Argument(help="Only this one, with its settings.")] = None,
) -> None:
    """List the stages, or the settings of one of them."""
    typer.echo(list_stages() if name is None else describe_stage(name))


def engines(
    kind: Annotated[str | None, typer.Argument(help="Only this one, with its settings.")] = None,
) -> None:
    """List the kinds of engine, or the settings of one of them."""
    typer.echo(list_engines() if kind is None else describe_engine(kind))


def scenes(
    folder: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")] = Path("scenes"),
) -> None:
    """Render the scripted scenes: videos, their manifest, and their truth."""
    need_ffmpeg()
    typer.echo(f"manifest: {render_scenes(folder)}")
