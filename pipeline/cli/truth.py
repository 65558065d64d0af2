"""The verb that scores a run against the truth of its videos."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import ConfigOption, JsonOption, LimitOption, SetOption, planned
from pipeline.reports.scoring.human_score import score_human
from pipeline.reports.scoring.truth import score_plans


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
    """Score a run against the truth of its videos.

    The truth is what people described in them, as the manifest has it (annotations of the kinds
    event and step, origin human); or with --truth, the script of the scripted scenes.
    """
    _, plans = planned(config, overrides, limit)
    report = score_human(plans) if folder is None else score_plans(plans, folder)
    typer.echo(report.model_dump_json(indent=2) if as_json else report.to_text())
