"""How the verbs that make parts run the shards and show progress and the result."""

from collections.abc import Collection, Iterator, Sequence

import typer

from pipeline.cli.display import Display
from pipeline.cli.exit_status import FAILED, PARTLY
from pipeline.cli.options import run_root
from pipeline.corpus.facts import RunFacts
from pipeline.execution.executors import open_executor
from pipeline.execution.install import install_corpus
from pipeline.execution.runner import execute, missing_tasks, save_settings
from pipeline.records import ShardFile
from pipeline.reports.corpus_facts import corpus_facts
from pipeline.reports.status import summarize
from pipeline.reports.summary_key import summary_key
from pipeline.store.heartbeat import heartbeat
from pipeline.store.summary_file import keep_summary
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
    chosen_executor = open_executor(
        executor or how.executor, how.workers, how.worker_silence_s, how.name
    )
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
        plans = planned_again(plans) if tasks else plans
        summary = summarize(plans, root)
        keep_summary(root, summary_key(plans, root), summary.model_dump(mode="json"))
        typer.echo(summary.to_text())
        if not failed and _is_written(plans):
            facts = corpus_facts(settings, plans, summary)
            if install_corpus(plans, root / "corpus", facts):
                typer.echo(f"corpus: {root / 'corpus'}")
                for line in not_found(settings, facts):
                    typer.echo(line, err=True)
    for result in failed:
        what = f"{result.node} failed on shard {result.shard}"
        is_line = "\n" not in (result.error or "")
        typer.echo(f"{what}: {result.error}" if is_line else f"\n{what}:\n{result.error}", err=True)
    if failed:
        typer.echo(f"{len(failed)} shards failed, {blocked} below them not started", err=True)
        raise typer.Exit(PARTLY if len(failed) + blocked < len(tasks) else FAILED)


def _is_written(plans: Sequence[NodePlan]) -> bool:
    return any(plan.node.stage.writes is ShardFile and plan.parts for plan in plans)


def not_found(settings: RunConfig, facts: RunFacts) -> Iterator[str]:
    """Ids that are to be withdrawn, and have no dialogue: most likely one is misspelt."""
    videos = {each.reason: each.videos for each in facts.withdrawn}
    for reason in dict.fromkeys(each.reason for each in settings.corpus.exclude):
        same = [each for each in settings.corpus.exclude if each.reason == reason]
        ids = {video_id for each in same for video_id in each.videos}
        missing = len(ids) - videos.get(reason, 0)
        if missing > 0 and not any(each.sources for each in same):
            yield (
                f"corpus.exclude: {missing} of {len(ids)} videos have no dialogue here ({reason})"
            )
