"""How the verbs that make parts run the shards and show progress and the result."""

from collections import Counter
from collections.abc import Collection, Sequence

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.cli.options import FAILED, PARTLY, run_root
from pipeline.corpus.card import Intake
from pipeline.execution.executors import open_executor
from pipeline.execution.executors.base import Executor
from pipeline.execution.runner import execute, install_corpus, missing_tasks, save_settings
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from pipeline.workflow.config import ExecutorName, RunConfig
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardResult, ShardTask


def make_missing(
    settings: RunConfig,
    plans: Sequence[NodePlan],
    chosen: Collection[str],
    executor: ExecutorName | None,
) -> None:
    """Make the missing parts of the chosen nodes, show the status of the run, and install the
    corpus if nothing failed.

    Raises:
        ConfigError: they read parts that do not exist.
        typer.Exit: shards failed.
    """
    root = run_root(settings)
    tasks = missing_tasks(plans, chosen)
    save_settings(settings, [plan.node for plan in plans], root)
    chosen_executor = open_executor(executor or settings.run.executor, settings.run.workers)
    results = _watch(plans, tasks, chosen_executor, root)
    summary = summarize(plans, root)
    typer.echo(summary.to_text())
    failed = [result for result in results if result.error and not result.blocked]
    intake = Intake(
        videos=summary.videos_in,
        annotated=summary.videos_out,
        rejected=summary.videos_rejected,
        absent=summary.videos_absent,
        unfinished=summary.videos_open,
        absent=summary.videos_absent,
    )
    if not failed and install_corpus(plans, root / "corpus", intake):
        typer.echo(f"corpus: {root / 'corpus'}")
    for result in failed:
        typer.echo(f"\n{result.node} failed on shard {result.shard}:\n{result.error}", err=True)
    if failed:
        blocked = sum(result.blocked for result in results)
        typer.echo(f"{len(failed)} shards failed, {blocked} below them not started", err=True)
        raise typer.Exit(PARTLY if len(failed) + blocked < len(tasks) else FAILED)


def _watch(
    plans: Sequence[NodePlan], tasks: Sequence[ShardTask], executor: Executor, root: Location
) -> Sequence[ShardResult]:
    """All results; on a terminal, with a progress bar for each node."""
    results = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as bars:
        totals = Counter(task.node for task in tasks)
        bar = {node: bars.add_task(node, total=total) for node, total in totals.items()}
        for result in execute(plans, tasks, executor, root):
            results.append(result)
            bars.advance(bar[result.node])
    return results
