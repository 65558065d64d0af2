"""The verbs that list rejects and retry them."""

from collections.abc import Sequence
from typing import Annotated

import typer

from pipeline.cli.display import Display, ProgressOption
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
from pipeline.execution.retry import give_up_parts, parts_to_retry, remove_journals
from pipeline.reports.rejects import check_names, passing_reasons, read_rejects, rejects_text
from pipeline.workflow.plan import planned_again

NodeOption = Annotated[
    list[str] | None,
    typer.Option("--node", metavar="NODE", help="Only of this node. May be repeated."),
]
ReasonOption = Annotated[
    list[str] | None,
    typer.Option("--reason", metavar="A,B", help="Only for these reasons. May be repeated."),
]


def list_rejects(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    node: NodeOption = None,
    reason: ReasonOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the rejects by node and reason, and say what each means; with --json list them.

    The class of a reason is its cause: the input, the engine (the same ask may be answered another
    time: see retry), the ask, the answer of a model, or a rule. Absence is no refusal: there was
    nothing to do, or it was not wanted.
    """
    settings, plans = planned(config, overrides, limit)
    reasons = _reasons(reason)
    check_names(plans, node or (), reasons)
    rows = read_rejects(plans, run_root(settings), node or (), reasons)
    if not as_json:
        typer.echo(rejects_text(rows, plans))
        return
    for row in rows:
        typer.echo(row.model_dump_json())


def retry_rejects(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    node: NodeOption = None,
    reason: ReasonOption = None,
    executor: ExecutorOption = None,
    progress: ProgressOption = None,
) -> None:
    """Ask again what was rejected for these reasons, and make anew what was made without it.

    Without --reason: for passing causes, such as timeout, or missing_file where the file is there
    now. Shards with such rejects are made again, and what lies below them where their rows change;
    but an engine is asked only what failed, and what it was never asked before. Other missing parts
    are made too, as by run.
    """
    need_ffmpeg()
    with Display(progress) as display:
        settings, plans = planned(config, overrides, limit)
        reasons = _reasons(reason) or passing_reasons(plans)
        check_names(plans, node or (), reasons)
        chosen = parts_to_retry(plans, reasons, node or ())
        if not chosen:
            back = " (for want of a file that is there now)" if "missing_file" in reasons else ""
            typer.echo(f"nothing to retry: nothing was rejected as {', '.join(reasons)}{back}")
            return
        plans = give_up_parts(plans, chosen, reasons)
        try:
            make_missing(settings, plans, [plan.node.name for plan in plans], executor, display)
        finally:
            remove_journals(chosen, planned_again(plans))


def _reasons(options: Sequence[str] | None) -> list[str]:
    """The reasons in the options, each once, in order."""
    named = [name.strip() for option in options or () for name in option.split(",")]
    return list(dict.fromkeys(filter(None, named)))
