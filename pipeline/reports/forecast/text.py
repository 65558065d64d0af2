"""A forecast as text of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.reports.forecast.cost_text import cost_lines, fact_lines
from pipeline.reports.forecast.forecast import Forecast, TaskForecast, Turned
from pipeline.reports.forecast.interval import Interval
from pipeline.store.files.text_table import text_table, wrapped

_MOST_TURNED = 12
_SETTINGS_CHARACTERS = 26


def forecast_text(found: Forecast, gpus: int | None = None) -> str:
    """Samples, mixture, thresholds, and what it takes, on so many GPUs where that is said; what it
    took, once it is done."""
    admitted = _between(found.videos)
    part = "" if found.inside else ", of a manifest of its own"
    lines = [
        f"pilot: {found.pilot_rows:,} rows{part}; the whole: {found.rows:,} rows,"
        f" {admitted} admitted",
        *(wrapped(f"doubt: {doubt}", hanging=2) for doubt in found.doubts),
        "",
        *_tasks(found),
        "",
        *_mixture(found),
    ]
    if found.turned_down:
        lines += ["", *_turned(found.turned_down)]
    if found.takes:
        lines += ["", *cost_lines(found.takes, gpus)]
    if found.facts:
        lines += ["", *fact_lines(found.takes, found.facts)]
    return "\n".join(lines)


def _tasks(found: Forecast) -> Iterator[str]:
    shared = any(each.share is not None for each in found.tasks)
    heads = [
        "samples of the whole",
        ">pilot",
        ">estimate",
        ">19 of 20 times",
        *[">wanted"] * shared,
    ]
    rows = [row for each in found.tasks for row in _task_rows(each, shared=shared)]
    yield text_table(rows, [*heads, ">drawn", ">the paper"])


def _task_rows(each: TaskForecast, *, shared: bool) -> Iterator[tuple[object, ...]]:
    share = [f"{each.share:.1%}" if each.share else "none"] if shared else []
    paper = f"{each.paper:,}" if each.paper is not None else ""
    yield each.task, each.in_pilot, *_cells(each.samples), *share, f"{each.drawn:,}", paper
    if each.negatives_in_pilot:
        counted = each.negatives_in_pilot, *_cells(each.negatives)
        yield "  its negatives", *counted, *[""] * (len(share) + 2)


def _mixture(found: Forecast) -> Iterator[str]:
    if found.drawn is None:
        yield wrapped(f"the mixture fails: {found.fault}", hanging=2)
    else:
        yield f"the mixture draws {_between(found.drawn)} in all"
    if found.scarcest:
        yield f"scarcest for its share: {found.scarcest}"
    if found.not_made:
        yield wrapped(f"with a share, and made by no node: {', '.join(found.not_made)}", hanging=2)
    if found.not_seen:
        text = f"with a share, and no sample in the pilot: {', '.join(found.not_seen)}"
        yield wrapped(text, hanging=2)


def _turned(turned: Sequence[Turned]) -> Iterator[str]:
    rows = [
        (
            each.node,
            each.reason,
            _settings(each),
            f"{each.rows:,}",
            "all" if each.samples is None else f"{each.samples:,.0f}",
        )
        for each in turned[:_MOST_TURNED]
    ]
    heads = ("turned down by", "reason", "setting", ">pilot rows", ">samples")
    yield text_table(rows, heads)
    if len(turned) > _MOST_TURNED:
        yield f"and {len(turned) - _MOST_TURNED} more: see --json"


def _settings(each: Turned) -> str:
    text = ", ".join(f"{name} {value}" for name, value in each.settings.items())
    return text if len(text) <= _SETTINGS_CHARACTERS else f"{text[: _SETTINGS_CHARACTERS - 1]}…"


def _cells(found: Interval) -> tuple[str, str]:
    estimate, low, high = found.whole()
    return f"{estimate:,}", f"{low:,} to {high:,}"


def _between(found: Interval) -> str:
    estimate, between = _cells(found)
    return f"{estimate} ({between})"
