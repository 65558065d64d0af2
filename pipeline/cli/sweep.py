"""The verb ``sweep``: what other values of a setting would keep."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from pipeline.cli.options import ConfigOption, JsonOption, LimitOption, SetOption, planned
from pipeline.errors import ConfigError
from pipeline.execution.replay import replay_run
from pipeline.media.decode import DecodeProcess
from pipeline.reports.sweep import (
    SweepRow,
    as_json,
    as_text,
    choices,
    kept_events,
    samples_by_task,
    scores_of,
    swept_and_fixed,
)
from pipeline.reports.sweep_plot import sweep_svg
from pipeline.scoring.truth.described import score_human
from pipeline.scoring.truth.scripted import score_plans
from pipeline.store.location import Location
from pipeline.workflow.plan import NodePlan


def sweep_settings(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", help="Folder of truth files, as the verb `scenes` writes them."),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE.svg", help="Draw it, too.")
    ] = None,
    as_data: JsonOption = False,
) -> None:
    """Show what other values of a setting would keep, from the replies that are there.

    One or two of --set have several values: `--set nodes.agree.config.min_iou=0.3,0.5,0.7`.
    For each choice the stages run again behind the setting, in a folder that is removed; replies of
    before answer their asks, and no model is asked. Where a value asks what was never asked, the
    row says how many asks it would take. The run must have been made with the settings as they are,
    which are the first row.
    """
    swept, fixed = swept_and_fixed(overrides or ())
    if plot is not None and plot.suffix != ".svg":
        raise ConfigError(f"--plot: not supported: {plot.name}; give a name that ends with .svg")
    rows = []
    for values in ({}, *choices(swept)):
        own = [*fixed, *(f"{key}={value}" for key, value in values.items())]
        rows.append(_row(planned(config, own, limit)[1], values, truth))
    if plot is not None:
        plot.write_text(sweep_svg(rows, swept), encoding="utf-8")
    typer.echo(json.dumps(as_json(rows), indent=2) if as_data else as_text(rows, swept))


def _row(plans: Sequence[NodePlan], values: Mapping[str, str], truth: Path | None) -> SweepRow:
    with _place_of_parts() as folder:
        made = replay_run(plans, folder, DecodeProcess(plans[0].tasks[0].media_root))
        row = SweepRow(values, samples_by_task(made.plans), kept_events(made.plans), made.asks)
        if truth is not None:
            return replace(row, scores=scores_of(score_plans(made.plans, truth)))
        try:
            return replace(row, scores=scores_of(score_human(made.plans)))
        except ConfigError:  # there is no truth in the manifest
            return row


@contextmanager
def _place_of_parts() -> Iterator[Location]:
    with TemporaryDirectory(prefix="turnwise-sweep-") as folder:
        yield Location.of(folder)
