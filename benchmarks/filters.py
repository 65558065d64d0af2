"""How many of a teacher's errors the filters catch, and how much that was right they refuse.

    python benchmarks/filters.py [--scenes N] [--seed N] [--samples N] [--only TABLE …]
                                 [--folder FOLDER] [--json FILE]

Runs `configs/streamo.yaml` over scenes whose scripts are known, annotated by a server that errs on
purpose (``erring_teacher.py``), and compares what it stated with what dialogues are made of. An
item is an event or an action, or a time-sensitive question with all its answers. Shares have a 95 %
interval by Wilson.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.erring_runs import ALTERED, Bench, Item, Trial
from benchmarks.teacher_errors import FOREIGN, RIGHT, SLIGHT, SPANS, TIMES, Errors


def wilson(part: int, whole: int) -> tuple[float, float]:
    """A 95 % interval of a share; all of it where there is nothing to go by."""
    if not whole:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.975)
    share, more = part / whole, z * z / whole
    middle = (share + more / 2) / (1 + more)
    half = z / (1 + more) * (share * (1 - share) / whole + more / whole / 4) ** 0.5
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        """In per cent, with its interval."""
        if not self.whole:
            return "-"
        low, high = wilson(self.part, self.whole)
        return f"{100 * self.part / self.whole:.1f} ({100 * low:.1f} to {100 * high:.1f})"


@dataclass(frozen=True)
class Table:
    """What is found: of each row its name, and its figures, one a column."""

    name: str
    heads: Sequence[str]
    rows: Iterator[tuple[str, Sequence[Share | int]]]


def share(items: Sequence[Item], those: Callable[[Item], bool]) -> Share:
    """How many of the items are of those."""
    return Share(sum(map(those, items)), len(items))


def gone(items: Sequence[Item], families: Sequence[str], kind: str) -> Share:
    """The share of the items of a kind that did not reach the dialogues."""
    chosen = [item for item in items if item.family in families and item.kind == kind]
    return share(chosen, lambda item: not item.kept)


EVENT_ITEMS, QUESTIONS = ("event", "action"), ("question",)
KINDS = [
    *((EVENT_ITEMS, kind) for kind in (RIGHT, *SPANS)),
    *((QUESTIONS, kind) for kind in (RIGHT, *TIMES)),
]
SPOILT, SLIGHTLY, WRONG = 0.6, 0.2, 0.1
"""Shares of a writer's items that are spoilt, and that are shifted a little; of a checker's answers
that are wrong."""


def by_kind(bench: Bench, name: str, trials: Mapping[str, Trial]) -> Table:
    """Of each kind, the share that does not reach the dialogues, a column a trial."""
    found = [bench.items(trial) for trial in trials.values()]
    rows = (
        (
            f"{kind}, {'questions' if families is QUESTIONS else 'events'}",
            [gone(items, families, kind) for items in found],
        )
        for families, kind in KINDS
    )
    return Table(name, [*trials], rows)


def samples(bench: Bench, base: Trial) -> Iterator[Table]:
    """How many answers the checkers give to an ask."""
    yield by_kind(bench, "samples", {f"{n}": replace(base, samples=n) for n in (1, 3, 5)})


def thresholds(bench: Bench, base: Trial) -> Iterator[Table]:
    """Of `min_iou`, and the curve: what of a slight shift is caught, by the true IoU."""
    found = {
        least: bench.items(replace(base, settings={"nodes.agree.config.min_iou": least}))
        for least in (0.3, 0.4, 0.5, 0.6, 0.7)
    }
    heads = [f"{least}" for least in found]
    rows = (
        (kind, [gone(items, EVENT_ITEMS, kind) for items in found.values()])
        for kind in (RIGHT, *SPANS)
    )
    yield Table("`min_iou`, events", heads, rows)
    curve = (
        (
            f"true IoU {low / 10:.1f} to {low / 10 + 0.1:.1f}",
            [
                gone([i for i in items if low / 10 <= i.off < low / 10 + 0.1], EVENT_ITEMS, SLIGHT)
                for items in found.values()
            ],
        )
        for low in range(3, 10)
    )
    yield Table("slight shifts", heads, curve)
    times = (
        (f"{low} to {low + 1} s {way}", [gone(off, QUESTIONS, SLIGHT if low < 2 else way)])
        for low in range(6)
        for way, sign in (("early", -1), ("late", 1))
        for off in [[item for item in found[0.5] if low <= sign * item.off < low + 1]]
    )
    yield Table("time that is off", ["caught"], times)


def correlation(bench: Bench, base: Trial) -> Iterator[Table]:
    """Of how much the checker believes what the writer said."""
    trials = {f"{share:g}": base.erring(follows=share) for share in (0.0, 0.5, 1.0)}
    yield by_kind(bench, "correlation", trials)


def alike(bench: Bench, base: Trial) -> Iterator[Table]:
    """Of how often the samples of an ask err all together, which no number of them mends."""
    trials = {f"{share:g}": base.erring(alike=share) for share in (0.0, 0.5, 1.0)}
    yield by_kind(bench, "errors shared by samples", trials)


def policies(bench: Bench, base: Trial) -> Iterator[Table]:
    """What `policy: video` costs, by how much is spoilt and how many answers a checker gives."""

    def rows() -> Iterator[tuple[str, Sequence[Share | int]]]:
        for spoilt, drawn, policy in product((0.02, 0.1), (1, base.samples), ("event", "video")):
            trial = replace(base.erring(spoilt=spoilt, slight=0.0), policy=policy, samples=drawn)
            items = bench.items(trial, questions=False)
            yield (
                f"{100 * spoilt:g} % spoilt, {drawn} samples, `{policy}`",
                [
                    gone(items, EVENT_ITEMS, RIGHT),
                    share([i for i in items if i.kind != RIGHT], lambda item: not item.kept),
                    share([i for i in items if i.kept], lambda item: item.kind != RIGHT),
                ],
            )

    heads = ["right, refused", "spoilt, caught", "spoilt, of what is kept"]
    yield Table("events", heads, rows())


def forms(bench: Bench, base: Trial) -> Iterator[Table]:
    """Of broken JSON, and of another language than was asked for."""
    cases: Mapping[str, Mapping[str, Any]] = {
        "a third of the tries broken": {"broken": 0.33},
        "two thirds of the tries broken": {"broken": 0.67},
        "a fifth of the captioner's answers in Chinese": {"foreign": 0.2},
        "a fifth of the captioner's answers in German": {"foreign": 0.2, "language": "de"},
        "a twentieth of the rewordings in Chinese": {"reworded": 0.05},
        "a twentieth of the rewordings in German": {"reworded": 0.05, "language": "de"},
    }

    def rows() -> Iterator[tuple[str, Sequence[Share | int]]]:
        for name, fields in cases.items():
            items = bench.items(base.erring(spoilt=0.0, slight=0.0, checker=0.0, **fields))
            lost = [gone(items, families, RIGHT) for families in (EVENT_ITEMS, QUESTIONS)]
            altered = sum(item.kind == ALTERED for item in items)
            yield name, [*lost, gone(items, EVENT_ITEMS, FOREIGN), altered]

    heads = ["right events, refused", "right questions, refused", "foreign, caught", "altered"]
    yield Table("answers", heads, rows())


def together(bench: Bench, base: Trial) -> Iterator[Table]:
    """Of how many captions the grounder is asked about at once, and what it confuses then."""

    def rows() -> Iterator[tuple[str, Sequence[Share | int]]]:
        several = {"nodes.ground.stage": "ground_many", "nodes.ground.config.captions_per_ask": 5}
        confused: Mapping[str, Mapping[str, Any]] = {
            "": {},
            ", a tenth of the spans left out": {"left_out": 0.1},
            ", two exchanged in a tenth": {"exchanged": 0.1},
        }
        for drawn in (1, base.samples):
            alone = replace(base, samples=drawn)
            trials = {f"1, {drawn} samples": alone} | {
                f"5, {drawn} samples{name}": replace(alone.erring(**fields), settings=several)
                for name, fields in confused.items()
            }
            for name, trial in trials.items():
                items = bench.items(trial, questions=False)
                yield name, [gone(items, EVENT_ITEMS, kind) for kind in (RIGHT, *SPANS)]

    yield Table("captions an ask", [RIGHT, *SPANS], rows())


def print_table(name: str, heads: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    """As Markdown."""
    print(f"\n| {name} | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def printed(table: Table) -> Mapping[str, Mapping[str, Sequence[int] | int]]:
    """Prints it; its figures, by row and column: a number, or so many of so many."""
    found = {}

    def rows() -> Iterator[Sequence[str]]:
        for name, figures in table.rows:
            plain = [f if isinstance(f, int) else (f.part, f.whole) for f in figures]
            found[name] = dict(zip(table.heads, plain, strict=True))
            yield [name, *map(str, figures)]

    print_table(table.name, table.heads, rows())
    return found


TABLES: Mapping[str, Callable[[Bench, Trial], Iterator[Table]]] = {
    each.__name__: each
    for each in (samples, thresholds, correlation, alike, policies, forms, together)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--samples", type=int, default=5, help="of the checkers, but in the first table"
    )
    parser.add_argument("--folder", type=Path, help="kept, so that a later run goes on from there")
    parser.add_argument("--only", choices=TABLES, action="append", help="may be repeated")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    errors = Errors(given.seed, spoilt=SPOILT, slight=SLIGHTLY, checker=WRONG)
    base = Trial(errors, given.samples)
    with tempfile.TemporaryDirectory() as raw:
        bench = Bench(given.folder or Path(raw), given.scenes, given.seed)
        try:
            tables = {
                table.name: printed(table)
                for name in given.only or TABLES
                for table in TABLES[name](bench, base)
            }
            right = bench.items(Trial(Errors(given.seed)))
        finally:
            bench.close()
    refused = share(right, lambda item: not item.kept)
    print(f"\nA teacher that is right in all: {refused.part} of {refused.whole} items refused")
    if given.json:
        drawn = {"scenes": given.scenes, "seed": given.seed, "samples": given.samples}
        figures = {**drawn, "right_refused": [refused.part, refused.whole], "tables": tables}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
