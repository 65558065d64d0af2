"""The verb ``config``: what can stand in a config, one to start from, and what one comes to."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from pipeline.cli.options import SetOption
from pipeline.errors import ConfigError
from pipeline.reports.config_example import example_config
from pipeline.reports.describe import describe_config
from pipeline.reports.resolved_config import part_of, resolved_config
from pipeline.store.files.terminal import escaped
from pipeline.workflow.config import load_config


def show_config(
    section: Annotated[
        str | None,
        typer.Argument(help="Only this one, such as source, nodes, engines.http, run.workers."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("-c", "--config", help="Show what this config comes to, as YAML."),
    ] = None,
    overrides: SetOption = None,
    example: Annotated[
        bool, typer.Option("--example", help="Write a commented config to start from.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="New file for it; standard output otherwise."),
    ] = None,
) -> None:
    """List every key of a config with its default and meaning, by section.

    With -c, what stands in a config when all is said: what it extends, --set, and defaults.
    """
    if example and (section or config or overrides):
        raise ConfigError("--example goes with -o alone")
    if overrides and config is None:
        raise ConfigError("--set: give the config too (-c)")
    if example:
        text = example_config()
    elif config is None:
        text = describe_config(section) + "\n"
    else:
        whole = resolved_config(load_config(config, overrides or ()))
        shown = whole if section is None else part_of(whole, section)
        text = yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
        if escaped(text, keep="\n") != text:  # an escape outside of quotes would be text of its own
            text = yaml.safe_dump(shown, sort_keys=False)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise ConfigError(f"{out}: exists already; nothing was written") from None
    typer.echo(f"wrote {out}")
