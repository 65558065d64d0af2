"""The whole manifest, and whether the rows of a pilot can be taken for a random sample of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from pipeline.reports.forecast.pilot import Pilot, source_of
from pipeline.store.files.text_table import in_brackets
from pipeline.workflow.source import Source

FEW_ROWS = 20
"""Of a pilot: with fewer, an interval says little."""
FEW_GIVERS = 5
"""Rows that gave samples of a task: likewise."""
_STANDARD_ERRORS = 5
_DRAWS = 10_000
_UNLIKELY = 0.001
_NAMED = 3


@dataclass(frozen=True)
class Population:
    """All rows of a manifest."""

    rows: int
    sources: Counter[str]
    """Rows by their source."""
    ascents: int
    """Rows whose ``video_id`` sorts behind that of the row before."""

    @property
    def is_sorted(self) -> bool:
        """Whether the rows go up by their ids more often than chance has it.

        Of rows in random order, ``(rows + 1) / 12`` is the variance of the number of ascents.
        """
        excess = self.ascents - (self.rows - 1) / 2
        return self.rows > 2 and excess > _STANDARD_ERRORS * sqrt((self.rows + 1) / 12)


def population_of(source: Source) -> Population:
    """Reads the manifest once, and looks for no file.

    Raises:
        ConfigError: no row can be read.
    """
    sources: Counter[str] = Counter()
    rows = ascents = 0
    before = ""
    for row in source.rows:
        name = str(row.get("video_id", ""))
        ascents += rows > 0 and name > before
        rows, before = rows + 1, name
        sources[source_of(row)] += 1
    return Population(rows, sources, ascents)


def doubts(pilot: Pilot, whole: Population, kind: str, *, inside: bool) -> Iterator[str]:
    """Why its rows may be no random sample, a sentence each; ``kind`` is that of the source. Of a
    pilot that is not ``inside``, it was its own manifest that drew them."""
    rows = len(pilot.yields)
    if inside and rows == whole.rows:
        return
    if rows < pilot.planned:
        yield (
            f"{pilot.planned - rows} of the {pilot.planned} rows of the pilot have no dialogues"
            " yet, and those that are done first may be the easy ones"
        )
    if rows < FEW_ROWS:
        yield f"a pilot of {rows} rows says little: take {FEW_ROWS} at least, better hundreds"
    if inside and kind == "folder":
        yield "a folder is read in the order of its names, so its first videos are no random sample"
    elif inside and whole.is_sorted:
        yield (
            "the rows of the manifest are in the order of their ids, so the first ones may be no"
            " random sample: shuffle its lines"
        )
    few = [
        f"{kind.task}{', negatives' * kind.is_negative}"
        for kind in (pilot.kinds if rows >= FEW_ROWS else ())
        if sum(n > 0 for n in pilot.counts(kind)) < FEW_GIVERS
    ]
    if few:
        yield (
            f"fewer than {FEW_GIVERS} rows of the pilot gave any {'; '.join(few)}: the interval of"
            " what is so rare says little"
        )
    yield from _of_sources(pilot, whole)


def _of_sources(pilot: Pilot, whole: Population) -> Iterator[str]:
    missing = {
        name or "not stated": n for name, n in whole.sources.items() if not pilot.sources.get(name)
    }
    if missing and _is_unlikely(pilot, whole):
        most = dict(Counter(missing).most_common(_NAMED))
        share = sum(missing.values()) / whole.rows
        yield (
            f"the pilot has no row of {len(missing)} of the {len(whole.sources)} sources, which"
            f" have {share:.0%} of the manifest{in_brackets(most)}: shuffle its lines, or draw a"
            " pilot from all of them"
        )
    elif _is_unlikely(pilot, whole):
        yield (
            "the pilot has its sources in other shares than the manifest, as the rows of a random"
            " sample would not: shuffle the lines of the manifest"
        )


def _is_unlikely(pilot: Pilot, whole: Population) -> bool:
    """Whether rows that are drawn at random are hardly ever so far from the sources' shares.

    Their distance is that of Pearson's chi-squared test; how often it is reached is counted in
    draws from the manifest, for many sources may have few rows.
    """
    rows = sum(pilot.sources.values())
    if len(whole.sources) < 2 or pilot.sources.keys() - whole.sources.keys():
        return bool(pilot.sources.keys() - whole.sources.keys())
    names = sorted(whole.sources)
    there = np.array([whole.sources[name] for name in names])
    expected = rows * there / there.sum()
    draws = np.random.default_rng(0).multivariate_hypergeometric(there, rows, size=_DRAWS)
    distances = ((draws - expected) ** 2 / expected).sum(axis=1)
    found = (np.array([pilot.sources[name] for name in names]) - expected) ** 2 / expected
    return bool(np.mean(distances >= found.sum() - 1e-9) < _UNLIKELY)
