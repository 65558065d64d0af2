"""The verb ``label``: samples out to Label Studio, and what people changed there back in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.exit_status import PARTLY
from pipeline.cli.file_options import check_source, new_folder
from pipeline.cli.options import ConfigOption, LimitOption, SetOption, planned, run_root
from pipeline.errors import ConfigError, did_you_mean
from pipeline.records import Dialogue, Video
from pipeline.reports.label_studio.project import CONFIG, TASKS, write_project
from pipeline.reports.label_studio.taken import ANNOTATIONS, Taken, take
from pipeline.reports.viewer.shards import shown_nodes
from pipeline.store.files.text_table import in_brackets
from pipeline.store.parts import read_table
from pipeline.workflow.config import load_config
from pipeline.workflow.curation import DECISIONS
from pipeline.workflow.plan import NodePlan


def label_samples(
    action: Annotated[
        Literal["export", "import"], typer.Argument(help="export a project, or import its export.")
    ],
    exported: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Of import: Label Studio's JSON export.")
    ] = None,
    *,
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Of export: folder to make.")
    ] = None,
    tasks: Annotated[
        list[str] | None,
        typer.Option("--task", help="Of export: only this task. May be repeated."),
    ] = None,
    media_prefix: Annotated[
        str,
        typer.Option(
            help="Of export: put before the path of each video, as"
            " /data/local-files/?d=videos/ where Label Studio serves files of its machine."
        ),
    ] = "",
    who: Annotated[
        str, typer.Option(help="Of import: sign so, not with Label Studio's number of the person.")
    ] = "",
) -> None:
    """Write samples as a Label Studio project, or take in what people changed there.

    export writes the labelling config and a task for each sample: its responses are regions of the
    video's timeline, each with its text. import adds to decisions.jsonl of the run: a moved span or
    another text is a change, a removed region a rejection, an untouched sample accepted. The next
    run applies it. Regions that are new become annotations by people, in a file for `manifest
    table`. What cannot be read is counted by why (exit status 3). Twice adds nothing.
    """
    of_import: dict[str, object] = {"FILE": exported, "--who": who}
    of_export: dict[str, object] = {"-o": out, "--task": tasks, "--media-prefix": media_prefix}
    other = "import" if action == "export" else "export"
    for name, value in (of_import if action == "export" else of_export).items():
        if value:
            raise ConfigError(f"{name}: of `label {other}`, not of `label {action}`")
    if action == "export":
        _export(config, overrides, limit, out, tasks or [], media_prefix)
    else:
        _import(config, overrides, limit, exported, who)


def _export(
    config: Path,
    overrides: list[str] | None,
    limit: int | None,
    out: Path | None,
    tasks: list[str],
    media_prefix: str,
) -> None:
    if out is None:
        raise ConfigError("-o: label export needs a folder to make")
    folder = new_folder(out)
    plans = planned(config, overrides, limit)[1]
    shown = [plan for plan in shown_nodes(plans) if plan.parts]
    if not shown:
        raise ConfigError(
            "the run has no dialogues yet, or none with what people decided: call `turnwise run`"
        )
    known = _values(shown, "task") if tasks else ()
    for task in tasks:
        if task not in known:
            raise ConfigError(f"--task: no sample is of {task}{did_you_mean(task, known)}")
    videos = [plan for plan in plans if issubclass(plan.node.stage.writes, Video)]
    done = write_project(shown, videos, folder, tasks, media_prefix)
    typer.echo(f"tasks: {done.tasks.total():,}{in_brackets(done.tasks)}")
    typer.echo(f"label: {out / CONFIG}, {out / TASKS}")
    for why, count in done.left_out.items():
        typer.echo(f"not supported: {why}: {count:,} samples", err=True)
    if done.left_out:
        raise typer.Exit(PARTLY)


def _import(
    config: Path,
    overrides: list[str] | None,
    limit: int | None,
    exported: Path | None,
    who: str,
) -> None:
    if exported is None:
        raise ConfigError("FILE: label import needs a JSON export of Label Studio")
    check_source(exported)
    if "decisions" in load_config(config, overrides or ()).curate.model_fields_set:
        raise ConfigError(
            "curate.decisions: not supported by label import, which adds to decisions.jsonl below"
            " run.root: the next run would not read it"
        )
    settings, plans = planned(config, overrides, limit)
    undecided = planned(config, [*(overrides or ()), "curate.decisions=[]"], limit)[1]
    made = [each for each in (*plans, *undecided) if each.node.stage.writes is Dialogue]
    root = run_root(settings)
    taken = take(exported, root, _values(made, "sample_id"), who)
    typer.echo(f"decisions: {taken.new.total():,} new{in_brackets(taken.new)}{_beside(taken)}")
    if taken.annotations:
        typer.echo(f"annotations: {taken.annotations:,} new, in {root / ANNOTATIONS}")
    if taken.new:
        typer.echo(f"{root / DECISIONS}: the next `turnwise run -c {config}` applies them")
    for why, count in sorted(taken.problems.items()):
        typer.echo(f"not read: {why}: {count:,}", err=True)
    if taken.problems:
        raise typer.Exit(PARTLY)


def _beside(taken: Taken) -> str:
    counts = {
        "known": taken.known,
        "older than what was decided since": taken.older,
        "tasks that nobody judged": taken.idle,
    }
    return "".join(f", {count:,} {name}" for name, count in counts.items() if count)


def _values(plans: Sequence[NodePlan], column: str) -> set[str]:
    """Of a column of their parts."""
    parts = {part for plan in plans for part in plan.parts.values()}
    return {str(each) for part in parts for each in read_table(part, [column])[column].to_pylist()}
