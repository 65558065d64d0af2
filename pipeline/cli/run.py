"""The verbs ``run``, ``plan`` and ``status``."""

import json
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pipeline.cli.display import Display, ProgressOption
from pipeline.cli.options import (
    ConfigOption,
    ExecutorOption,
    JsonOption,
    LimitOption,
    RepliesFromOption,
    SetOption,
    need_ffmpeg,
    planned,
    run_root,
)
from pipeline.cli.progress import make_missing
from pipeline.execution.asks_ahead import asks_ahead
from pipeline.execution.runner import discard_parts
from pipeline.reports.plan import plan_rows, plan_text
from pipeline.reports.rejects import read_rejects
from pipeline.reports.status import summarize
from pipeline.store.files.text_table import wrapped
from pipeline.store.location import Location
from pipeline.workflow.graph import select, tasks_lacking
from pipeline.workflow.plan import NodePlan

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
        bool,
        typer.Option("--force", help="First discard the chosen parts; use no reply of before."),
    ] = False,
    replies_from: RepliesFromOption = None,
    executor: ExecutorOption = None,
    progress: ProgressOption = None,
) -> None:
    """Make what is missing: plan, run the shards, install the corpus.

    After an interruption, run the same command again. After an edit of a prompt or a setting, run:
    what the edit touches is made anew, and what lies below where rows changed. What was answered
    under other settings is not asked again. --force makes anew what exists, and asks models anew.
    """
    need_ffmpeg()
    with Display(progress) as display:
        settings, plans = planned(config, overrides, limit, replies_from)
        _say_lacking(plans)
        chosen = select([p.node for p in plans], only or (), start or (), until or ())
        if force:
            plans = discard_parts(plans, chosen)
        make_missing(settings, plans, chosen, executor, display)


def _say_lacking(plans: Sequence[NodePlan]) -> None:
    """Name the tasks with a share that no node makes, before anything is paid for."""
    for name, tasks in tasks_lacking([plan.node for plan in plans]).items():
        text = f"no node makes {', '.join(tasks)}: the other tasks keep their ratio"
        typer.echo(wrapped(f"nodes.{name}.config.shares: {text}", hanging=2), err=True)


def plan(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    replies_from: RepliesFromOption = None,
    count_asks: Annotated[
        bool,
        typer.Option("--asks", help="Count the asks that nobody has answered. This reads parts."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would do, node by node, and why; run nothing.

    --asks says what it would ask models: "3 of 20" are asks that no reply of before answers. Where
    frames or other rows are not there yet, or answers decide on further asks, it says so.
    """
    _, plans = planned(config, overrides, limit, replies_from)
    _say_lacking(plans)
    ahead = None
    if count_asks:
        with TemporaryDirectory(prefix="turnwise-") as aside:
            ahead = asks_ahead(plans, Location.of(aside))
    rows = plan_rows(plans, ahead)
    typer.echo(json.dumps(rows, indent=2) if as_json else plan_text(plans, ahead))


def status(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
    list_rejects: Annotated[
        bool, typer.Option("--rejects", help="The same as rejects --json.")
    ] = False,
) -> None:
    """Show what exists: per node videos, rows, rejects by reason, asks, time; and the videos."""
    settings, plans = planned(config, overrides, limit)
    if list_rejects:
        for reject in read_rejects(plans, run_root(settings)):
            typer.echo(reject.model_dump_json())
        return
    summary = summarize(plans, run_root(settings))
    typer.echo(summary.model_dump_json(indent=2) if as_json else summary.to_text())
