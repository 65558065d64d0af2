#!/usr/bin/env python3
"""The command line of turnwise. ``python pipeline/run.py --help`` teaches it."""

import os
import sys

if __package__ != "pipeline":  # started as a script: import from the repository root instead
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

import inspect
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.corpus.layout import CorpusError
from pipeline.engines import KINDS
from pipeline.graph import find_stage, select, stage_names
from pipeline.guard import CollapseError
from pipeline.insight.account import AccountError
from pipeline.insight.rejects import read_rejects
from pipeline.insight.settings import describe, describe_engine, headline
from pipeline.insight.summary import summarize
from pipeline.media.scenes import render_scenes
from pipeline.options import (
    DONE,
    FAILED,
    USAGE,
    ConfigOption,
    ExecutorOption,
    JsonOption,
    LimitOption,
    SetOption,
    need_ffmpeg,
    planned,
    run_root,
)
from pipeline.run_doctor import examine_run
from pipeline.run_files import audit_file, convert_file, export_files
from pipeline.run_garbage import remove_unreached
from pipeline.run_manifest import make_manifest_file
from pipeline.run_rejects import list_rejects, retry_rejects
from pipeline.run_shards import make_missing
from pipeline.run_truth import compare_truth
from pipeline.runner import discard_parts
from pipeline.store import StoreError
from pipeline.suggest import ConfigError
from pipeline.worker import collect_seldom

OnlyOption = Annotated[
    list[str] | None, typer.Option(metavar="NODE", help="Only this node. May be repeated.")
]

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


app.command("export")(export_files)
app.command("convert")(convert_file)
app.command("audit")(audit_file)
app.command("doctor")(examine_run)
app.command("manifest")(make_manifest_file)
app.command("gc")(remove_unreached)
app.command("truth")(compare_truth)
app.command("rejects")(list_rejects)
app.command("retry")(retry_rejects)


@app.command()
def run(
    config: ConfigOption,
    overrides: SetOption = None,
    only: OnlyOption = None,
    start: Annotated[
        list[str] | None, typer.Option("--from", metavar="NODE", help="This node and all below.")
    ] = None,
    until: Annotated[
        list[str] | None, typer.Option(metavar="NODE", help="This node and all above.")
    ] = None,
    limit: LimitOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="First discard the chosen parts and all below.")
    ] = False,
    executor: ExecutorOption = None,
) -> None:
    """Do what is missing: plan, run the shards, put the corpus in place.

    Interrupted? Give the same command again. Edited a prompt or a setting? Just run: what that
    touches is made anew. --force redoes what is already there.
    """
    need_ffmpeg()
    settings, plans = planned(config, overrides, limit)
    chosen = select([p.node for p in plans], only or (), start or (), until or ())
    if force:
        plans = discard_parts(plans, chosen)
    make_missing(settings, plans, chosen, executor)


@app.command()
def plan(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a run would do, node by node, and why; run nothing."""
    _, plans = planned(config, overrides, limit)
    if as_json:
        rows = [
            {
                "node": p.node.name,
                "recipe": p.node.fingerprint,
                "shards": len(p.tasks),
                "to_do": len(p.missing),
                "cause": p.cause,
            }
            for p in plans
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for p in plans:
        state = f"{len(p.missing)}/{len(p.tasks)} shards to do" if p.missing else "done"
        typer.echo(f"{p.node.name:16} {p.node.fingerprint}  {state:22} {p.cause}".rstrip())


@app.command()
def status(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
    list_rejects: Annotated[
        bool, typer.Option("--rejects", help="The same as rejects --json.")
    ] = False,
) -> None:
    """Say what is there: rows, rejects by reason, tokens, seconds, per node; and the videos."""
    settings, plans = planned(config, overrides, limit)
    if list_rejects:
        for reject in read_rejects(plans, run_root(settings)):
            typer.echo(reject.model_dump_json())
        return
    summary = summarize(plans, run_root(settings))
    typer.echo(summary.model_dump_json(indent=2) if as_json else summary.to_text())


@app.command()
def stages(
    name: Annotated[str | None, typer.Argument(help="This one alone, with its settings.")] = None,
) -> None:
    """List the stages, or say what can be set on one of them."""
    if name is not None:
        typer.echo(describe(find_stage("stages", name)))
        return
    for known in stage_names():
        typer.echo(headline(find_stage("stages", known)))


@app.command()
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


@app.command()
def scenes(
    folder: Annotated[Path, typer.Option("-o", "--out", help="Where to.")] = Path("scenes"),
) -> None:
    """Render the scripted scenes: videos, their manifest, and what is true of them."""
    need_ffmpeg()
    typer.echo(f"manifest: {render_scenes(folder)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    collect_seldom()
    try:
        app(args=arguments)
    except SystemExit as stop:
        return int(stop.code or DONE)
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        return USAGE
    except (StoreError, AccountError, CollapseError, CorpusError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        return FAILED
    return DONE


if __name__ == "__main__":
    # As Ctrl-C does: what is under way ends, and this says that it is not alive any more.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    sys.exit(main())
