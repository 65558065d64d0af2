"""The verb that says what a whole manifest will give, by a pilot."""

from collections.abc import Sequence
from math import inf
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
from pipeline.errors import ConfigError
from pipeline.reports.forecast.cost import NodeTakes, Rate, Rates, takes_of
from pipeline.reports.forecast.forecast import forecast
from pipeline.reports.forecast.pilot import pilot_plans, read_pilot
from pipeline.reports.forecast.population import doubts, population_of
from pipeline.reports.forecast.text import forecast_text
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig, load_config
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
    gpu_rates: Annotated[
        list[str] | None,
        typer.Option(
            "--gpu-rate",
            metavar="[ROLE=]PROMPT,ANSWER",
            help="Tokens a second that one GPU computes of prompts, and writes of answers, for all"
            " roles or one; may be repeated. Without it, GPU hours are measured by the pilot's.",
        ),
    ] = None,
    gpu_price: Annotated[
        float | None,
        typer.Option(
            min=0, help="Of an hour of a GPU, in US dollars, for engines without prices of tokens."
        ),
    ] = None,
    gpus: Annotated[
        int | None, typer.Option(min=1, help="Over how many the hours are spread.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the whole manifest will give and take, by the part of it that is done.

    First run a pilot, such as `run --limit 200`, and give --limit here as there. Samples of each
    task, with intervals, against the wanted shares and the paper's corpus; how many the mixture
    draws; what each threshold turns down; asks, tokens, hours, costs and bytes of each node. Once
    all is done, what was forecast by the pilot stands beside what it took. Asks no model.
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
    rates = rates_of(gpu_rates or (), gpu_price, settings)
    facts: list[NodeTakes] = []
    if pilot is not None or limit is not None:
        own = run_root(settings)
        every = read_source(settings.source, None, refusal)
        made = make_plan(nodes, every, settings.run.videos_per_shard, own)
        if not any(plan.missing for plan in made):
            facts = [*takes_of(made, summarize(made, own).nodes, whole.rows, rates)]
    found = forecast(
        plans,
        summarize(plans, root).nodes,
        seen,
        whole,
        [*doubts(seen, whole, settings.source.kind, inside=inside)],
        inside=inside,
        rates=rates,
        facts=facts,
    )
    typer.echo(found.model_dump_json(indent=2) if as_json else forecast_text(found, gpus))


def rates_of(given: Sequence[str], price: float | None, settings: RunConfig) -> Rates:
    """What is stated of GPUs.

    Raises:
        ConfigError: a rate is none, or its role asks nothing.
    """
    every: Rate | None = None
    by_node: dict[str, Rate] = {}
    for text in given:
        role, _, numbers = text.rpartition("=")
        nodes = [name for name, node in settings.nodes.items() if role and node.engine == role]
        try:
            prompt, answer = map(float, numbers.split(","))
        except ValueError:
            prompt = answer = 0.0
        if not (0 < prompt < inf and 0 < answer < inf):
            raise ConfigError(f"--gpu-rate {text}: two numbers above 0, such as 4000,1500")
        if role and not nodes:
            raise ConfigError(f"--gpu-rate {text}: no node asks the role {role!r}")
        by_node |= dict.fromkeys(nodes, Rate(prompt, answer))
        every = every if role else Rate(prompt, answer)
    return Rates(by_node, every, price)
