"""How well spans fit those they are held against: their IoU, and how far starts and ends are off.

Figures are counted up video by video, in memory that does not grow with the number of videos. A
figure of nothing is null ("n/a" in text), never 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from pipeline.records import Ratio, Record
from pipeline.reports.scoring.span_matching import Span

LEVELS = (0.3, 0.5, 0.7)
ROUNDING = 1e-9
"""An IoU this little below a level reaches it."""
MS_PER_S = 1000


class IouScore(Record):
    """The IoU of each of ``whole`` spans with what fits it best, 0 where nothing overlaps it."""

    whole: int
    mean: Ratio | None
    at_0_3: Ratio | None
    """Share of the spans whose IoU is at least 0.3."""
    at_0_5: Ratio | None
    at_0_7: Ratio | None


class OffsetScore(Record):
    """By how many seconds times come late, negative where they are early, to the millisecond.

    Between two values a percentile is interpolated.
    """

    times: int
    mean_s: float | None
    p10_s: float | None
    median_s: float | None
    p90_s: float | None


@dataclass
class IouTally:
    """The IoU of spans, counted up."""

    whole: int = 0
    total: float = 0.0
    reached: Counter[float] = field(default_factory=Counter)

    def add(self, ious: Iterable[float]) -> None:
        """Count some more, each in 0 to 1."""
        for value in ious:
            self.whole += 1
            self.total += value
            for level in LEVELS:
                self.reached[level] += value >= level - ROUNDING

    def score(self) -> IouScore:
        """What they come to."""
        shares = [self.reached[level] / self.whole if self.whole else None for level in LEVELS]
        return IouScore(
            whole=self.whole,
            mean=self.total / self.whole if self.whole else None,
            at_0_3=shares[0],
            at_0_5=shares[1],
            at_0_7=shares[2],
        )


@dataclass
class OffsetTally:
    """Offsets of times, counted up by the millisecond.

    There are at most as many counts as the longest video has milliseconds, twice.
    """

    by_ms: Counter[int] = field(default_factory=Counter)

    def add(self, late_s: float) -> None:
        """Count one more, in seconds."""
        self.by_ms[round(late_s * MS_PER_S)] += 1

    def score(self) -> OffsetScore:
        """What they come to."""
        ordered = sorted(self.by_ms.items())
        values, ends = [ms for ms, _ in ordered], list(accumulate(n for _, n in ordered))
        whole = ends[-1] if ends else 0
        total_ms = sum(ms * n for ms, n in ordered)
        return OffsetScore(
            times=whole,
            mean_s=total_ms / whole / MS_PER_S if whole else None,
            p10_s=_percentile(values, ends, 10),
            median_s=_percentile(values, ends, 50),
            p90_s=_percentile(values, ends, 90),
        )


@dataclass
class PairTally:
    """How far the starts and ends of spans are off from those of the spans they belong to."""

    starts: OffsetTally = field(default_factory=OffsetTally)
    ends: OffsetTally = field(default_factory=OffsetTally)

    def add(self, true: Span, said: Span) -> None:
        """Count one more pair."""
        self.starts.add(said[0] - true[0])
        self.ends.add(said[1] - true[1])


def _percentile(values: Sequence[int], ends: Sequence[int], percent: int) -> float | None:
    """Of values in ms, in order, of which the first ``ends[i]`` are ``values[:i + 1]``; seconds."""
    if not ends:
        return None
    whole, rest = divmod(percent * (ends[-1] - 1), 100)
    below = values[bisect_right(ends, whole)]
    above = values[bisect_right(ends, whole + 1)] if rest else below
    return (below + (above - below) * rest / 100) / MS_PER_S
