"""The verbs ``run``, ``plan`` and ``status``."""

import json
from typing import Annotated

import typer

from pipeline.cli.options import (
    ConfigOption,
    ExecutorOption,
    JsonOption,
    LimitOption,
    SetOption,
    need_ffmpeg,
    planned,
    run_root,
)
from pipeline.cli.progress import make_missing
from pipeline.execution.runner import discard_parts
from pipeline.reports.rejects import read_rejects
from pipeline.reports.status import summarize
from pipeline.workflow.graph import select

OnlyOption = Annotated[
    list[str] | None, typer.Option(metavar="NODE", help="Only this node. May be repeated.")
]


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
                "recipe": p.node.recipe_digest,
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
        typer.echo(f"{p.node.name:16} {p.node.recipe_digest}  {state:22} {p.cause}".rstrip())


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
