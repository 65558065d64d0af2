"""The verb that compares a run with what is true of its videos."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import ConfigOption, JsonOption, LimitOption, SetOption, planned
from pipeline.errors import ConfigError
from pipeline.reports.scoring.human_report import HumanReport
from pipeline.reports.scoring.human_score import score_human
from pipeline.reports.scoring.truth import TruthReport, load_truths, score_truth
from pipeline.workflow.outputs import read_annotations, read_dialogues
from pipeline.workflow.plan import NodePlan


def compare_truth(
    config: ConfigOption,
    folder: Annotated[
        Path | None,
        typer.Option("--truth", help="Folder of truth files, as the verb `scenes` writes them."),
    ] = None,
    overrides: SetOption = None,
    limit: LimitOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a run with what is true of its videos.

    That is what people described in them, as the manifest has it (annotations of the kinds event
    and step, origin human); or with --truth, what is known of the scripted scenes.
    """
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"--truth: there is no folder {folder}")
    _, plans = planned(config, overrides, limit)
    report = _with_people(plans) if folder is None else _with_scripts(plans, folder)
    typer.echo(report.model_dump_json(indent=2) if as_json else report.to_text())


def _with_people(plans: Sequence[NodePlan]) -> HumanReport:
    report = score_human(plans)
    if not report.videos:
        raise ConfigError("truth: no video of this run has been admitted yet: run it first")
    if not report.spans:
        possible = f" that can be: {report.spans_impossible} cannot" * bool(report.spans_impossible)
        raise ConfigError(
            f"truth: no video of this run has a human span{possible}; that is an annotation in the"
            " manifest of the kind event or step, with start_s, end_s and the origin human; for the"
            " scripted scenes there is --truth FOLDER"
        )
    return report


def _with_scripts(plans: Sequence[NodePlan], folder: Path) -> TruthReport:
    known = {truth.video_id: truth for truth in load_truths(folder)}
    rows = (row for shard in plans[0].manifest or () for row in shard.rows)
    truths = [known[name] for name in dict.fromkeys(r["video_id"] for r in rows) if name in known]
    if not truths:
        raise ConfigError(f"--truth: {folder} has no truth of a video of this run")
    return score_truth(truths, read_annotations(plans), read_dialogues(plans))
