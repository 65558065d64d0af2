"""What a whole manifest will give and take, by a pilot: samples a task, the mixture, thresholds,
asks and tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf

from pydantic import BaseModel, ConfigDict

from pipeline.dialogue.state_counts import PAPER_SAMPLES, PAPER_SHARES
from pipeline.reports.corpus_facts import node_facts
from pipeline.reports.forecast.cost import NO_RATES, NodeTakes, Rates, rows_done, takes_of
from pipeline.reports.forecast.interval import Interval, total
from pipeline.reports.forecast.pilot import Kind, Pilot, mixture_of
from pipeline.reports.forecast.population import Population
from pipeline.reports.node_summary import NodeSummary
from pipeline.workflow.graph import Node, tasks_lacking
from pipeline.workflow.mixture import Mixture, Pool
from pipeline.workflow.outputs import final_annotations
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.selection import downstream


class TaskForecast(BaseModel):
    """Of one task: its samples, and what is wanted of it. ``paper``: samples that
    Streamo-Instruct-465K has."""

    model_config = ConfigDict(frozen=True)

    task: str
    in_pilot: int
    negatives_in_pilot: int
    samples: Interval
    """Its negatives apart."""
    negatives: Interval
    share: float | None
    """Of those that are wanted, from 0 to 1; None where no shares are set."""
    drawn: int
    """By the mixture, its negatives among them, if all comes out as estimated."""
    paper: int | None


class Turned(BaseModel):
    """What one threshold or policy turned down: rows of its node in the pilot, and about how many
    samples the whole manifest lacks for it, if these rows had done as well as those that passed;
    None where none passed. ``settings``: those that decide."""

    model_config = ConfigDict(frozen=True)

    node: str
    reason: str
    absence: bool
    settings: dict[str, object]
    rows: int
    samples: float | None


class Forecast(BaseModel):
    """What a whole manifest will give and take.

    A row of the manifest is the unit of sampling, admitted or not. In 19 of 20 random pilots all
    intervals of samples hold at once. ``drawn`` is the size of the mixture, from all tasks at their
    low ends to all at their high ends; ``fault`` says why there is none. ``scarcest``: the task
    that has least for its share, of those wanted or else of the paper's.
    """

    model_config = ConfigDict(frozen=True)

    rows: int
    pilot_rows: int
    inside: bool
    """Whether the pilot's rows are rows of the manifest, whose samples are made already."""
    videos: Interval
    """Admitted."""
    tasks: list[TaskForecast]
    drawn: Interval | None
    fault: str
    scarcest: str
    not_made: list[str]
    """Tasks with a share that no node makes."""
    not_seen: list[str]
    """The others with a share of which the pilot has no sample."""
    turned_down: list[Turned]
    takes: list[NodeTakes]
    facts: list[NodeTakes]
    """What the whole manifest took, node by node; none before all of it is done."""
    doubts: list[str]
    """Why the rows of the pilot may be no random sample of the manifest."""


def forecast(
    plans: Sequence[NodePlan],
    nodes_done: Sequence[NodeSummary],
    pilot: Pilot,
    whole: Population,
    doubts: Sequence[str],
    *,
    inside: bool,
    rates: Rates = NO_RATES,
    facts: Sequence[NodeTakes] = (),
) -> Forecast:
    """The forecast of a manifest by the plans of its pilot and their ``status``."""
    nodes = [plan.node for plan in plans]
    wanted = mixture_of(nodes)
    admitted = [1] * pilot.admitted + [0] * (len(pilot.yields) - pilot.admitted)
    missing = sorted({name for names in tasks_lacking(nodes).values() for name in names})
    of_pilot = {kind.task for kind in pilot.kinds}
    tasks = sorted(of_pilot | wanted.shares.keys())
    # Of what no node makes there is none, and of negatives none where the pilot has none.
    kinds = {*pilot.kinds, *(Kind(task, False) for task in tasks if task not in missing)}
    totals = {Kind(task, is_negative): _NONE for task in tasks for is_negative in (False, True)}
    totals |= {
        kind: total(pilot.counts(kind), whole.rows, inside=inside, among=len(kinds))
        for kind in kinds
    }
    drawn, fault, of_task = _mixed(wanted, tasks, totals)
    shares = sum(wanted.shares.values())
    rows = [
        TaskForecast(
            task=task,
            in_pilot=sum(pilot.counts(Kind(task, False))),
            negatives_in_pilot=sum(pilot.counts(Kind(task, True))),
            samples=totals[Kind(task, False)],
            negatives=totals[Kind(task, True)],
            share=wanted.shares.get(task, 0.0) / shares if shares else None,
            drawn=of_task.get(task, 0),
            paper=round(PAPER_SHARES[task] * PAPER_SAMPLES) if task in PAPER_SHARES else None,
        )
        for task in tasks
    ]
    return Forecast(
        rows=whole.rows,
        pilot_rows=len(pilot.yields),
        inside=inside,
        videos=total(admitted, whole.rows, inside=inside, most=1),
        tasks=rows,
        drawn=drawn,
        fault=fault,
        scarcest=_scarcest(wanted.shares or PAPER_SHARES, rows, missing),
        not_made=missing,
        not_seen=sorted(wanted.shares.keys() - of_pilot - set(missing)),
        turned_down=sorted(_turned_down(plans, nodes_done, whole.rows), key=_dearest_first),
        takes=list(takes_of(plans, nodes_done, whole.rows, rates)),
        facts=list(facts),
        doubts=list(doubts),
    )


_NONE = Interval(estimate=0, low=0, high=0)


def _mixed(
    wanted: Mixture, tasks: Sequence[str], totals: Mapping[Kind, Interval]
) -> tuple[Interval | None, str, Mapping[str, int]]:
    """The size of the mixture, or why there is none; and what it draws of each task."""

    def drawn(place: int) -> Mapping[str, int]:
        def there(task: str, *, is_negative: bool) -> int:
            return totals[Kind(task, is_negative)].whole()[place]

        return wanted.drawn({
            task: Pool(
                there(task, is_negative=False), there(task, is_negative=True), wanted.negatives
            )
            for task in tasks
        })  # fmt: skip

    try:
        of_task = drawn(0)
    except ValueError as error:
        return None, str(error), {}
    estimate, bounds = sum(of_task.values()), []
    for place in (1, 2):
        try:
            bounds.append(sum(drawn(place).values()))
        except ValueError:  # then it fails, and draws nothing
            bounds.append(0)
    size = Interval(estimate=estimate, low=min(estimate, *bounds), high=max(estimate, *bounds))
    return size, "", of_task


def _scarcest(
    shares: Mapping[str, float], tasks: Sequence[TaskForecast], without: Sequence[str]
) -> str:
    there = {each.task: each.samples.estimate for each in tasks}
    named = sorted(shares.keys() - set(without))
    return min(named, key=lambda task: there.get(task, 0.0) / shares[task], default="")


def _dearest_first(each: Turned) -> tuple[float, str, str]:
    return -(inf if each.samples is None else each.samples), each.node, each.reason


def _turned_down(
    plans: Sequence[NodePlan], done: Sequence[NodeSummary], rows: int
) -> Iterator[Turned]:
    counts = {each.node: each for each in done}
    nodes = [plan.node for plan in plans]
    made = {
        plan.node.name: rows * counts[plan.node.name].rows_out / of_node
        for plan in final_annotations(plans)
        if (of_node := rows_done(plan, plans))
    }
    for plan in plans:
        below = made.keys() & downstream(nodes, {plan.node.name})
        if not below or _passes_all(plan.node, counts):
            continue
        annotations = sum(made[name] for name in below)
        facts = node_facts(plan, counts[plan.node.name])
        for each in facts.turned_down:
            if each.rows and each.settings:
                passed = facts.rows_out
                yield Turned(
                    node=facts.node,
                    reason=each.reason,
                    absence=each.absence,
                    settings=dict(each.settings),
                    rows=each.rows,
                    samples=annotations * each.rows / passed if passed else None,
                )


def _passes_all(node: Node, counts: Mapping[str, NodeSummary]) -> bool:
    """Whether every row that it reads comes out again: then its rejects are of parts of rows."""
    same = [o.name for o in node.after if o.stage.writes is node.stage.writes]
    return bool(same) and sum(counts[o].rows_out for o in same) == counts[node.name].rows_out
