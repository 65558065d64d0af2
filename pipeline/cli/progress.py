"""How the verbs that make parts run the shards and show progress and the result."""

from collections.abc import Collection, Sequence

import typer

from pipeline.cli.display import Display
from pipeline.cli.options import FAILED, PARTLY, run_root
from pipeline.corpus.card import Intake
from pipeline.execution.executors import open_executor
from pipeline.execution.install import install_corpus
from pipeline.execution.runner import execute, missing_tasks, save_settings
from pipeline.reports.status import summarize
from pipeline.store.heartbeat import heartbeat
from pipeline.workflow.config import ExecutorName, RunConfig
from pipeline.workflow.plan import NodePlan, planned_again


def make_missing(
    settings: RunConfig,
    plans: Sequence[NodePlan],
    chosen: Collection[str],
    executor: ExecutorName | None,
    display: Display,
) -> None:
    """Make the missing parts of the chosen nodes, show on ``display`` how far that is, then the
    status of the run, and install the corpus if nothing failed.

    Raises:
        ConfigError: they read parts that do not exist.
        typer.Exit: shards failed.
    """
    root = run_root(settings)
    tasks = missing_tasks(plans, chosen)
    how = settings.run
    chosen_executor = open_executor(executor or how.executor, how.workers, how.worker_silence_s)
    failed = []
    blocked = 0
    with heartbeat(root):
        save_settings(settings, [plan.node for plan in plans], root)
        with display.tasks(plans, tasks, chosen_executor):
            for result in execute(plans, tasks, chosen_executor, root):
                display.add(result)
                blocked += result.blocked
                if result.error and not result.blocked:
                    failed.append(result)
        plans = planned_again(plans)
        summary = summarize(plans, root)
        typer.echo(summary.to_text())
        intake = Intake(
            videos=summary.videos_in,
            annotated=summary.videos_out,
            rejected=summary.videos_rejected,
            absent=summary.videos_absent,
            unfinished=summary.videos_open,
        )
        if not failed and install_corpus(plans, root / "corpus", intake):
            typer.echo(f"corpus: {root / 'corpus'}")
    for result in failed:
        typer.echo(f"\n{result.node} failed on shard {result.shard}:\n{result.error}", err=True)
    if failed:
        typer.echo(f"{len(failed)} shards failed, {blocked} below them not started", err=True)
        raise typer.Exit(PARTLY if len(failed) + blocked < len(tasks) else FAILED)
