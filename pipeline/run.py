#!/usr/bin/env python3
"""The command line of turnwise. ``python pipeline/run.py --help`` teaches it."""

import os
import sys

if __package__ != "pipeline":  # started as a script: import from the repository root instead
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

from pipeline.cli.stopping import run_until_stopped, stop_while_loading

if __name__ == "__main__":
    stop_while_loading()

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.cli.audit import audit_file
from pipeline.cli.catalogue import engines, scenes, stages
from pipeline.cli.config import show_config
from pipeline.cli.convert import convert_file
from pipeline.cli.diff import diff_corpora
from pipeline.cli.doctor import run_doctor
from pipeline.cli.export import export_files
from pipeline.cli.forecast import forecast_run
from pipeline.cli.gc import remove_unreached
from pipeline.cli.manifest import make_manifest_file
from pipeline.cli.options import DONE, FAILED, USAGE
from pipeline.cli.preview import preview_dialogues
from pipeline.cli.publish import publish_files
from pipeline.cli.rebuild import rebuild_corpus
from pipeline.cli.rejects import list_rejects, retry_rejects
from pipeline.cli.run import plan, run, status
from pipeline.cli.truth import compare_truth
from pipeline.corpus.layout import CorpusError
from pipeline.errors import ConfigError
from pipeline.execution.failure_limits import FailureLimitExceeded
from pipeline.execution.garbage import LiveRunError
from pipeline.execution.worker import collect_seldom
from pipeline.reports.reconcile_counts import CountsError
from pipeline.store.files.terminal import escaping, say_uncaught
from pipeline.store.parts import StoreError


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"turnwise {__version__}")
        raise typer.Exit


app = typer.Typer(
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

VERBS: Mapping[str, Callable[..., None]] = {
    "run": run,
    "plan": plan,
    "status": status,
    "forecast": forecast_run,
    "config": show_config,
    "stages": stages,
    "engines": engines,
    "scenes": scenes,
    "preview": preview_dialogues,
    "export": export_files,
    "publish": publish_files,
    "diff": diff_corpora,
    "rebuild": rebuild_corpus,
    "convert": convert_file,
    "audit": audit_file,
    "doctor": run_doctor,
    "manifest": make_manifest_file,
    "gc": remove_unreached,
    "truth": compare_truth,
    "rejects": list_rejects,
    "retry": retry_rejects,
}


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it and end."),
    ] = False,
) -> None:
    """Options that go before any verb."""


FAILURES = (StoreError, CountsError, FailureLimitExceeded, CorpusError, LiveRunError, OSError)

for _name, _verb in VERBS.items():
    # Not around all: typer colours its help by itself.
    app.command(_name)(escaping()(_verb))


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
    except FAILURES as error:
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
