#!/usr/bin/env python3
"""The command line of turnwise. ``python pipeline/run.py --help`` teaches it."""

import os
import sys

if __package__ != "pipeline":  # started as a script: import from the repository root instead
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

from pipeline.cli.stopping import run_until_stopped, stop_while_loading

if __name__ == "__main__":
    stop_while_loading()

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.cli.exit_status import DONE, FAILED, USAGE
from pipeline.cli.verbs import VerbGroup
from pipeline.errors import CommandError, ConfigError
from pipeline.execution.collector import collect_seldom
from pipeline.store.files.terminal import escaping, say_uncaught


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"turnwise {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=VerbGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=(
        "Make a verified corpus of streaming-video dialogues.\n\n"
        "A run is a YAML file (see configs/). Its nodes leave parts under run.root; a part that"
        " exists is never made twice, so the same command starts, resumes and extends a run.\n\n"
        "Exit status: 0 all done, 1 failed, 2 wrong usage or config, 3 finished but some shards"
        " failed.\n\n"
        "On a cluster: ray job submit --working-dir . -- python pipeline/run.py run -c CONFIG"
    ),
)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    """Options that go before any verb."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    collect_seldom()
    given = sys.argv[1:] if arguments is None else arguments
    try:
        # What is wrong with an argument is said with the argument, which may be a file's name.
        with nullcontext() if "".join(given).isprintable() else escaping():
            app(args=arguments)
    except SystemExit as stop:
        return int(stop.code or DONE)
    except ConfigError as error:
        return _failed(USAGE, f"error: {error}")
    except (CommandError, OSError) as error:
        return _failed(FAILED, f"error: {error}")
    return DONE


def _failed(status: int, text: str) -> int:
    with escaping():
        typer.echo(text, err=True)
    return status


def main_process() -> int:
    """``main`` as a process of its own, which Ctrl-C and SIGTERM end in good order."""
    try:
        return run_until_stopped(main)
    finally:
        sys.excepthook = say_uncaught  # typer has put its own there


if __name__ == "__main__":
    sys.exit(main_process())
