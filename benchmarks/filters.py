"""How many of a teacher's errors the filters catch, and how much that was right they refuse.

    python benchmarks/filters.py [--scenes N] [--seed N] [--folder FOLDER] [--only TABLE …]

Runs `configs/streamo.yaml` over scenes whose scripts are known, annotated by a server that errs on
purpose (``erring_teacher.py``), and compares what it stated with what dialogues are made of. An
item is an event or an action, or a time-sensitive question with all its answers. Shares have a 95 %
interval by Wilson.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
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


def share(part: int, whole: int) -> str:
    """A share of a whole with its interval, in per cent."""
    if not whole:
        return "-"
    low, high = wilson(part, whole)
    return f"{100 * part / whole:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def gone(items: Sequence[Item], families: Sequence[str], kind: str) -> str:
    """The share of the items of a kind that did not reach the dialogues."""
    chosen = [item for item in items if item.family in families and item.kind == kind]
    return share(sum(not item.kept for item in chosen), len(chosen))


EVENT_ITEMS, QUESTIONS = ("event", "action"), ("question",)
KINDS = [
    *((EVENT_ITEMS, kind) for kind in (RIGHT, *SPANS)),
    *((QUESTIONS, kind) for kind in (RIGHT, *TIMES)),
]
SPOILT, SLIGHTLY, WRONG = 0.6, 0.2, 0.1
"""Shares of a writer's items that are spoilt, and that are shifted a little; of a checker's answers
that are wrong."""


def print_table(name: str, heads: Sequence[str], rows: Iterator[Sequence[str]]) -> None:
    """As Markdown."""
    print(f"\n| {name} | {' | '.join(heads)} |\n|---{'|---' * len(heads)}|", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def by_kind(bench: Bench, name: str, trials: Mapping[str, Trial]) -> None:
    """Of each kind, the share that does not reach the dialogues, a column a trial."""
    found = [bench.items(trial) for trial in trials.values()]
    rows = (
        [f"{kind}, {'questions' if families is QUESTIONS else 'events'}"]
        + [gone(items, families, kind) for items in found]
        for families, kind in KINDS
    )
    print_table(name, [*trials], rows)


def samples(bench: Bench, base: Trial) -> None:
    """How many answers the checkers give to an ask."""
    by_kind(bench, "samples", {f"{n}": replace(base, samples=n) for n in (1, 3, 5)})


def thresholds(bench: Bench, base: Trial) -> None:
    """Of `min_iou`, and the curve: what of a slight shift is caught, by the true IoU."""
    found = {
        least: bench.items(
            replace(
                base,
                settings={"nodes.agree.config.min_iou": least},
            )
        )
        for least in (0.3, 0.4, 0.5, 0.6, 0.7)
    }
    rows = (
        [kind, *(gone(items, EVENT_ITEMS, kind) for items in found.values())]
        for kind in (RIGHT, *SPANS)
    )
    print_table("`min_iou`, events", [f"{least}" for least in found], rows)
    curve = (
        [
            f"true IoU {low / 10:.1f} to {low / 10 + 0.1:.1f}",
            *(
                gone([i for i in items if low / 10 <= i.off < low / 10 + 0.1], EVENT_ITEMS, SLIGHT)
                for items in found.values()
            ),
        ]
        for low in range(3, 10)
    )
    print_table("slight shifts", [f"{least}" for least in found], curve)
    times = (
        [f"{low} to {low + 1} s {way}", gone(off, QUESTIONS, SLIGHT if low < 2 else way)]
        for low in range(6)
        for way, sign in (("early", -1), ("late", 1))
        for off in [[item for item in found[0.5] if low <= sign * item.off < low + 1]]
    )
    print_table("time that is off", ["caught"], times)


def correlation(bench: Bench, base: Trial) -> None:
    """Of how much the checker believes what the writer said."""
    trials = {f"{share:g}": base.erring(follows=share) for share in (0.0, 0.5, 1.0)}
    by_kind(bench, "correlation", trials)


def alike(bench: Bench, base: Trial) -> None:
    """Of how often the samples of an ask err all together, which no number of them mends."""
    trials = {f"{share:g}": base.erring(alike=share) for share in (0.0, 0.5, 1.0)}
    by_kind(bench, "errors shared by samples", trials)


def policies(bench: Bench, base: Trial) -> None:
    """What `policy: video` costs, by how much is spoilt and how many answers a checker gives."""
    rows = []
    for spoilt, drawn in product((0.02, 0.1), (1, base.samples)):
        for policy in ("event", "video"):
            trial = replace(base.erring(spoilt=spoilt, slight=0.0), policy=policy, samples=drawn)
            items = bench.items(trial, questions=False)
            wrong = [item for item in items if item.kind != RIGHT]
            left = [item for item in items if item.kept]
            rows.append(
                [
                    f"{100 * spoilt:g} % spoilt, {drawn} samples, `{policy}`",
                    gone(items, EVENT_ITEMS, RIGHT),
                    share(sum(not item.kept for item in wrong), len(wrong)),
                    share(sum(item.kind != RIGHT for item in left), len(left)),
                ]
            )
    heads = ["right, refused", "spoilt, caught", "spoilt, of what is kept"]
    print_table("events", heads, iter(rows))


def forms(bench: Bench, base: Trial) -> None:
    """Of broken JSON, and of another language than was asked for."""
    cases: Mapping[str, Mapping[str, Any]] = {
        "a third of the tries broken": {"broken": 0.33},
        "two thirds of the tries broken": {"broken": 0.67},
        "a fifth of the captioner's answers in Chinese": {"foreign": 0.2},
        "a fifth of the captioner's answers in German": {"foreign": 0.2, "language": "de"},
        "a twentieth of the rewordings in Chinese": {"reworded": 0.05},
        "a twentieth of the rewordings in German": {"reworded": 0.05, "language": "de"},
    }
    rows = []
    for name, fields in cases.items():
        items = bench.items(base.erring(spoilt=0.0, slight=0.0, checker=0.0, **fields))
        lost = [gone(items, families, RIGHT) for families in (EVENT_ITEMS, QUESTIONS)]
        altered = sum(item.kind == ALTERED for item in items)
        rows.append([name, *lost, gone(items, EVENT_ITEMS, FOREIGN), f"{altered}"])
    heads = ["right events, refused", "right questions, refused", "foreign, caught", "altered"]
    print_table("answers", heads, iter(rows))


TABLES: Mapping[str, Callable[[Bench, Trial], None]] = {
    each.__name__: each for each in (samples, thresholds, correlation, alike, policies, forms)
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
    given = parser.parse_args()
    errors = Errors(given.seed, spoilt=SPOILT, slight=SLIGHTLY, checker=WRONG)
    base = Trial(errors, given.samples)
    with tempfile.TemporaryDirectory() as raw:
        bench = Bench(given.folder or Path(raw), given.scenes, given.seed)
        try:
            for name in given.only or TABLES:
                TABLES[name](bench, base)
            right = bench.items(Trial(Errors(given.seed)))
        finally:
            bench.close()
    refused = sum(not item.kept for item in right)
    print(f"\nA teacher that is right in all: {refused} of {len(right)} items refused")


if __name__ == "__main__":
    main()
