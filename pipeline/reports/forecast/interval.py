"""What a total will be, by a sample of what it is the total of."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, inf, sqrt
from statistics import NormalDist

import numpy as np
from pydantic import BaseModel, ConfigDict

CONFIDENCE = 0.95


class Interval(BaseModel):
    """A total, and between what it lies in 19 of 20 random pilots."""

    model_config = ConfigDict(frozen=True)

    estimate: float
    low: float
    high: float

    def whole(self) -> tuple[int, int, int]:
        """Estimate, low and high as whole numbers, the bounds rounded outwards."""
        return round(self.estimate), floor(self.low + 1e-9), ceil(self.high - 1e-9)


def total(
    counts: Sequence[int], rows: int, *, inside: bool = True, most: float = inf, among: int = 1
) -> Interval:
    """The total over ``rows``, of which ``counts`` has a random sample, one number a row.

    ``inside``: the sample is part of these rows, so that only the others are unknown; else it was
    drawn as they were. ``most``: that a row can give, where that is known. ``among``: so many
    totals are read together, and all lie in their intervals as often as one alone would
    (Bonferroni). The unit is the row, which is a video: what the samples of one video have in
    common makes them no sample of their own.

    The interval is Student's, with the correction for a finite population. Beside the rows of the
    sample it counts one that gives nothing and one that gives as much as any (a rule of
    succession): without these a sample in which all are alike would be sure of the rest, and one
    in which something is rare too sure. Totals that a few rows make up for the most part, as of a
    log-normal distribution, need more than a few rows: ``tests`` have how often it holds.

    Raises:
        ValueError: there is no row, or a sample inside has more rows than the whole.
    """
    n, seen = len(counts), sum(counts)
    if not n > 0 or (inside and n > rows):
        raise ValueError(f"a sample of {n} of {rows} rows")
    mean = seen / n
    spread = sqrt(max(0.0, 1 - n / rows) if inside else 1 + n / rows)
    widened = np.array([*counts, 0, max(1, *counts)], dtype=float)
    middle = mean + spread * (float(widened.mean()) - mean)
    half = (
        spread
        * _student(n + 1, 1 - (1 - CONFIDENCE) / among)
        * float(widened.std(ddof=1))
        / sqrt(n + 2)
    )
    least = seen / rows if inside else 0.0
    highest = least + (rows - n) / rows * most if inside else most
    low, high = max(middle - half, least), min(middle + half, highest)
    return Interval(estimate=rows * mean, low=rows * min(low, mean), high=rows * max(high, mean))


def _student(freedom: int, confidence: float = CONFIDENCE) -> float:
    """The quantile of Student's t, two-sided.

    By the series in the inverse of the degrees of freedom (Abramowitz and Stegun, 26.7.5), which
    from 2 degrees on is within 3 % of the quantile, and from 5 on within a thousandth.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return float(z + sum(term / freedom**power for power, term in enumerate(terms, 1)))
