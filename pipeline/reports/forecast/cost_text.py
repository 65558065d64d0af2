"""What a whole manifest takes, as text of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.reports.forecast.cost import NodeTakes
from pipeline.store.files.text_table import text_table

_HOUR_S = 3600


def cost_lines(takes: Sequence[NodeTakes], gpus: int | None) -> Iterator[str]:
    """Asks and tokens of the nodes that ask; time, money and bytes of all."""
    asking = [each for each in takes if each.engine]
    if asking:
        heads = ("the whole takes", ">asks", ">prompts, fresh", ">cached", ">answers")
        yield text_table(
            [*(_asked(each.node, [each]) for each in asking), _asked("all", asking)], heads
        )
        yield ""
    currencies = {each.currency for each in takes if each.cost is not None}
    on_gpus = any(each.gpu_hours is not None for each in takes)
    columns = [
        ">worker h",
        *[">GPU h"] * on_gpus,
        *sorted(f">{each}" for each in currencies),
        ">GB",
    ]
    rows = [(each.node, [each]) for each in takes] + [("all", [*takes])]
    yield text_table(
        [_taken(name, each, sorted(currencies), on_gpus=on_gpus) for name, each in rows],
        ["and of time and space", *columns],
    )
    hours = sum(each.gpu_hours or 0.0 for each in takes)
    if gpus and on_gpus:
        yield f"{_few(hours)} GPU hours: {_few(hours / gpus)} hours on {gpus:,} GPUs"


def fact_lines(takes: Sequence[NodeTakes], facts: Sequence[NodeTakes]) -> Iterator[str]:
    """What was forecast beside what it took."""
    said: Mapping[str, NodeTakes] = {each.node: each for each in takes}
    pairs = [(fact.node, [said[fact.node]], [fact]) for fact in facts if fact.node in said]
    asked = [each for each in pairs if each[2][0].engine]
    every = ("all", [each[1][0] for each in pairs], [each[2][0] for each in pairs])
    heads = ("forecast, and fact", ">asks", ">fact", ">prompts", ">fact", ">bytes", ">fact")
    yield text_table([_compared(*each) for each in (*asked, every)], heads)


def _asked(name: str, takes: Sequence[NodeTakes]) -> tuple[object, ...]:
    cached = sum(each.tokens_cached for each in takes)
    return (
        name,
        f"{sum(each.asks for each in takes):,.0f}",
        _short(sum(each.tokens_in for each in takes) - cached),
        _short(cached),
        _short(sum(each.tokens_out for each in takes)),
    )


def _taken(
    name: str, takes: Sequence[NodeTakes], currencies: Sequence[str], *, on_gpus: bool
) -> tuple[object, ...]:
    hours = [each.gpu_hours for each in takes if each.gpu_hours is not None]
    costs = [
        [each.cost for each in takes if each.cost is not None and each.currency == currency]
        for currency in currencies
    ]
    return (
        name,
        _few(sum(each.seconds for each in takes) / _HOUR_S),
        *([_few(sum(hours)) if hours else ""] if on_gpus else []),
        *(f"{sum(paid):,.2f}" if paid else "" for paid in costs),
        _short(sum(each.stored_bytes for each in takes)),
    )


def _compared(
    name: str, said: Sequence[NodeTakes], facts: Sequence[NodeTakes]
) -> tuple[object, ...]:
    asks = [f"{sum(each.asks for each in takes):,.0f}" for takes in (said, facts)]
    tokens = [_short(sum(each.tokens_in for each in takes)) for takes in (said, facts)]
    sizes = [_short(sum(each.stored_bytes for each in takes)) for takes in (said, facts)]
    return name, *asks, *tokens, *sizes


def _few(number: float) -> str:
    if 0 < number < 0.01:
        return "<0.01"
    return f"{number:,.1f}" if number >= 10 else f"{number:.2g}"


def _short(number: float) -> str:
    for size, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= size:
            return f"{number / min(size, 1e3 if name == 'k' else size):,.1f} {name}"
    return f"{number:,.0f}"
