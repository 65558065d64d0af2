"""What the nodes of a run take: asks, tokens, time of workers and GPUs, money, bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict

from pipeline.engines.base import EngineConfig
from pipeline.reports.node_summary import NodeSummary
from pipeline.store.part_names import files_path, rejects_path, replies_path
from pipeline.workflow.plan import NodePlan

_HOUR_S = 3600


@dataclass(frozen=True)
class Rate:
    """Tokens a second that one GPU does: of prompts that are not cached, and of answers."""

    prompt: float
    answer: float


@dataclass(frozen=True)
class Rates:
    """What is stated of GPUs; ``by_node`` where nodes differ, for models do."""

    by_node: Mapping[str, Rate] = field(default_factory=dict)
    every: Rate | None = None
    gpu_hour: float | None = None
    """Its price, in ``currency``."""
    currency: str = "USD"


NO_RATES = Rates()


class NodeTakes(BaseModel):
    """What a node will take over the whole manifest: what it took of the pilot, by the rows.

    ``seconds``: worker time. ``gpu_hours`` are None where no rate is stated and the engine has no
    GPU of its own to measure by. ``cost`` is that of tokens, where its engine has prices, else of
    the GPU hours, where their price is stated; None where neither is. ``stored_bytes``: of its
    parts, with rejects, replies and files.
    """

    model_config = ConfigDict(frozen=True)

    node: str
    engine: str
    """Empty where no model is asked."""
    pilot_rows: int
    """Rows of the manifest whose shards it has done."""
    asks: float
    tokens_in: float
    tokens_cached: float
    tokens_out: float
    seconds: float
    gpu_hours: float | None
    cost: float | None
    currency: str
    stored_bytes: float


def takes_of(
    plans: Sequence[NodePlan], done: Sequence[NodeSummary], rows: int, rates: Rates = NO_RATES
) -> Iterator[NodeTakes]:
    """Of each node that has done a shard, for so many rows of the manifest."""
    counts = {each.node: each for each in done}
    for plan in plans:
        of_node = rows_done(plan, plans)
        if of_node:
            yield _taken(plan, counts[plan.node.name], rates, of_node, rows / of_node)


def rows_done(plan: NodePlan, plans: Sequence[NodePlan]) -> int:
    """Rows of the manifest whose shards a node has done. A node that reads several shards at once
    has done all or none."""
    in_shard = next(each.manifest_rows for each in plans if each.manifest is not None)
    if plan.node.stage.scope not in ("source", "shard"):
        return 0 if plan.missing else sum(in_shard)
    return sum(in_shard[shard] for shard in plan.parts)


def _bytes_of(plan: NodePlan) -> int:
    parts = plan.parts.values()
    sizes = {folder: folder.sizes() for folder in {part.parent for part in parts}}
    files = [f for part in parts for f in (part, rejects_path(part), replies_path(part))]
    inner = [] if plan.node.stage.by_shard else [files_path(part).walk() for part in parts]
    return sum(sizes[file.parent].get(file.name, 0) for file in files) + sum(
        sum(walked.values()) for walked in inner
    )


def _taken(
    plan: NodePlan, spent: NodeSummary, rates: Rates, pilot_rows: int, scale: float
) -> NodeTakes:
    engine = plan.node.engine
    hours = _gpu_hours(engine, spent, rates) if engine else None
    prices, cost = engine.prices if engine else None, None
    if prices is not None:
        cost = prices.cost(spent.tokens_in, spent.tokens_cached, spent.tokens_out)
    elif hours is not None and rates.gpu_hour is not None:
        cost = hours * rates.gpu_hour
    return NodeTakes(
        node=plan.node.name,
        engine=f"{engine.kind} {engine.model}" if engine else "",
        pilot_rows=pilot_rows,
        asks=scale * spent.asks,
        tokens_in=scale * spent.tokens_in,
        tokens_cached=scale * spent.tokens_cached,
        tokens_out=scale * spent.tokens_out,
        seconds=scale * spent.seconds,
        gpu_hours=None if hours is None else scale * hours,
        cost=None if cost is None else scale * cost,
        currency=prices.currency if prices else "" if cost is None else rates.currency,
        stored_bytes=scale * _bytes_of(plan),
    )


def _gpu_hours(engine: EngineConfig, spent: NodeSummary, rates: Rates) -> float | None:
    """By the rate that is stated; else by the time of the workers, of whom several at once have one
    replica of the engine between them. None where that has no GPU."""
    rate = rates.by_node.get(spent.node, rates.every)
    if rate is not None:
        fresh = spent.tokens_in - spent.tokens_cached
        return (fresh / rate.prompt + spent.tokens_out / rate.answer) / _HOUR_S
    if engine.gpus:
        return spent.seconds * engine.gpus / engine.shards_in_flight / _HOUR_S
    return None
