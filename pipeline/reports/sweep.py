"""What other values of settings would keep: a row for each value, or pair of values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import yaml

from pipeline.errors import ConfigError
from pipeline.records import VerifiedEvent
from pipeline.scoring.truth.described_report import HumanReport
from pipeline.scoring.truth.scripted_report import Share, TruthReport
from pipeline.store.files.text_table import text_table
from pipeline.store.parts import read_table
from pipeline.workflow.outputs import done_parts, last_dialogues
from pipeline.workflow.plan import NodePlan

MOST_SWEPT = 2
_BAR_COLUMNS = 40
_ASKS = """\
No reply is kept to the asks to make. What they are about is not among the samples, and there may be
further asks behind their answers."""


@dataclass(frozen=True)
class Swept:
    """A setting with the values that are tried, as YAML spells them."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class SweepRow:
    """What one choice of values gives."""

    values: Mapping[str, str]
    """By key; empty for the settings as they are."""
    samples: Mapping[str, int]
    """Of the corpus, by task."""
    kept: Mapping[str, int]
    """Events that are kept, by the node that compares their spans."""
    asks: Mapping[str, int]
    """By node, asks to which no reply is kept."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """Against truth, where there is any."""

    @property
    def total(self) -> int:
        """Samples of all tasks."""
        return sum(self.samples.values())


def swept_and_fixed(overrides: Sequence[str]) -> tuple[Sequence[Swept], Sequence[str]]:
    """The settings that have several values, and the overrides that have one.

    Values stand between commas, as in a list of YAML.

    Raises:
        ConfigError: none or too many have several, or an override is none.
    """
    swept, fixed = [], []
    for override in overrides:
        key, given, text = override.partition("=")
        try:
            values = yaml.safe_load(f"[{text}]") if given else []
        except yaml.YAMLError:
            values = [text]
        if len(values) > 1:
            spelt = (
                yaml.safe_dump(each, default_flow_style=True).split("\n")[0] for each in values
            )
            swept.append(Swept(key, tuple(dict.fromkeys(spelt))))
        else:
            fixed.append(override)
    if not swept:
        raise ConfigError("sweep: give a setting with several values, --set a.b=0.3,0.5")
    if len(swept) > MOST_SWEPT:
        raise ConfigError(
            f"sweep: {len(swept)} settings have several values, two at most make a grid"
        )
    return swept, fixed


def choices(swept: Sequence[Swept]) -> Iterator[Mapping[str, str]]:
    """Every choice of values, the last setting changing fastest."""
    keys = [each.key for each in swept]
    for values in product(*(each.values for each in swept)):
        yield dict(zip(keys, values, strict=True))


def samples_by_task(plans: Sequence[NodePlan]) -> Mapping[str, int]:
    """The samples that would be in the corpus."""
    found: Counter[str] = Counter()
    for made in done_parts(last_dialogues(plans)):
        tasks: list[Any] = read_table(made.part, ["task"]).column(0).to_pylist()
        found.update(tasks)
    return dict(sorted(found.items()))


def kept_events(plans: Sequence[NodePlan]) -> Mapping[str, int]:
    """The events that are kept, by the node that compares their spans."""
    found: dict[str, int] = {}
    for plan in plans:
        if plan.node.stage.writes is VerifiedEvent:
            columns = (read_table(made.part, ["kept"]).column(0) for made in done_parts([plan]))
            found[plan.node.name] = sum(column.to_pylist().count(True) for column in columns)
    return found


def scores_of(report: TruthReport | HumanReport) -> Mapping[str, float]:
    """The shares of a report, by what they are of."""
    if isinstance(report, HumanReport):
        whole = [each for each in report.found if each.source is None]
        found = {f"{each.task} recall mIoU": each.recall.mean for each in whole}
        found |= {f"{each.task} precision mIoU": each.precision.mean for each in whole}
    else:
        shares: dict[str, Share] = {
            "changes found": report.changes.recall,
            "answers right": report.answers.right,
            "negatives absent": report.negatives.absent,
        }
        for span in report.spans:
            shares |= {f"{span.task} agreed": span.agreed, f"{span.task} found": span.found}
        found = {name: each.share for name, each in shares.items()}
    return {name: round(value, 4) for name, value in found.items() if value is not None}


def as_text(rows: Sequence[SweepRow], swept: Sequence[Swept]) -> str:
    """A table with a column a choice: samples by task, events kept, asks, scores; then bars."""
    names = [_label(row) for row in rows]
    heads = [_heading(swept), *(f">{name}" for name in names)]
    cells = [
        *([task, *numbers] for task, numbers in _by_name([row.samples for row in rows], 0)),
        ["all samples", *(row.total for row in rows)],
        *([f"{n}: kept", *numbers] for n, numbers in _by_name([row.kept for row in rows], 0)),
        *([f"{n}: asks to make", *own] for n, own in _by_name([row.asks for row in rows], 0)),
        *([name, *numbers] for name, numbers in _by_name([row.scores for row in rows], "")),
    ]
    parts = [text_table(cells, heads)]
    if any(row.asks for row in rows):
        parts.append(_ASKS)
    most = max([row.total for row in rows] + [1])
    bars = [
        (name, "█" * round(_BAR_COLUMNS * row.total / most) + f" {row.total:,}")
        for name, row in zip(names, rows, strict=True)
    ]
    return "\n\n".join([*parts, text_table(bars)])


def _by_name(
    rows: Sequence[Mapping[str, Any]], absent: object
) -> Iterator[tuple[str, Sequence[object]]]:
    """For each name that a row has, what each row has of it."""
    for name in dict.fromkeys(name for row in rows for name in row):
        yield name, [row.get(name, absent) for row in rows]


def as_json(rows: Sequence[SweepRow]) -> list[dict[str, Any]]:
    """As JSON data."""
    return [{**vars(row), "total": row.total} for row in rows]


def _heading(swept: Sequence[Swept]) -> str:
    return ", ".join(each.key.removeprefix("nodes.").replace(".config.", ".") for each in swept)


def _label(row: SweepRow) -> str:
    return ", ".join(row.values.values()) or "as it is"
