"""The verb that says what a whole manifest will give, by a pilot."""

from typing import Annotated

import typer

from pipeline.cli.options import (
    ConfigOption,
    JsonOption,
    LimitOption,
    SetOption,
    run_root,
    with_decisions,
)
from pipeline.reports.forecast.forecast import forecast
from pipeline.reports.forecast.pilot import pilot_plans, read_pilot
from pipeline.reports.forecast.population import doubts, population_of
from pipeline.reports.forecast.text import forecast_text
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph, refusal_of
from pipeline.workflow.plan import make_plan
from pipeline.workflow.source import read_source


def forecast_run(
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    pilot: Annotated[
        str | None,
        typer.Option(metavar="ROOT", help="The run.root of a pilot that has a root of its own."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the whole manifest will give and take, by the part of it that is done.

    First run a pilot, such as `run --limit 200`, and give --limit here as there. Samples of each
    task, with intervals, against the wanted shares and the paper's corpus; how many the mixture
    draws; what each threshold turns down; asks, tokens and time of each node. Asks no model.
    """
    settings = load_config(config, overrides or ())
    root = run_root(settings) if pilot is None else Location.of(pilot)
    settings = with_decisions(settings, root)
    nodes = build_graph(settings)
    refusal = refusal_of(nodes)
    if pilot is None:
        source = read_source(settings.source, limit, refusal)
        plans = make_plan(nodes, source, settings.run.videos_per_shard, root)
        inside = True
    else:
        section, plans = pilot_plans(nodes, root, limit)
        inside = section == settings.source
    seen = read_pilot(plans)
    whole = population_of(read_source(settings.source, None, refusal))
    found = forecast(
        plans,
        summarize(plans, root).nodes,
        seen,
        whole,
        [*doubts(seen, whole, settings.source.kind, inside=inside)],
        inside=inside,
    )
    typer.echo(found.model_dump_json(indent=2) if as_json else forecast_text(found))
