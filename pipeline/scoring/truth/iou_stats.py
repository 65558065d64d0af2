"""Statistics of predicted spans against true ones: IoU, and offsets of starts and ends.

They are accumulated video by video, in memory that does not grow with the number of videos. A
statistic of no values is null ("n/a" in text), never 0.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from pipeline.records import Ratio, Record
from pipeline.records.spans import TimeSpan

LEVELS = (0.3, 0.5, 0.7)
ROUNDING = 1e-9
"""An IoU this little below a level reaches it."""
MS_PER_S = 1000


class IouScore(Record):
    """The best IoU of each of ``whole`` spans; 0 for a span without overlap."""

    whole: int
    mean: Ratio | None
    at_0_3: Ratio | None
    """Share of the spans whose IoU is at least 0.3."""
    at_0_5: Ratio | None
    at_0_7: Ratio | None


class OffsetScore(Record):
    """Seconds by which times are late, negative if early, to the millisecond.

    Percentiles are interpolated linearly.
    """

    times: int
    mean_s: float | None
    p10_s: float | None
    median_s: float | None
    p90_s: float | None


@dataclass
class IouTally:
    """Accumulates IoUs."""

    whole: int = 0
    total: float = 0.0
    reached: Counter[float] = field(default_factory=Counter)

    def add(self, ious: Iterable[float]) -> None:
        """Add IoUs, each in [0, 1]."""
        for value in ious:
            self.whole += 1
            self.total += value
            for level in LEVELS:
                self.reached[level] += value >= level - ROUNDING

    def score(self) -> IouScore:
        """The statistics so far."""
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
    """Accumulates offsets of times, as counts by millisecond.

    There are at most two counts for each millisecond of the longest video.
    """

    by_ms: Counter[int] = field(default_factory=Counter)

    def add(self, late_s: float) -> None:
        """Add an offset in seconds."""
        self.by_ms[round(late_s * MS_PER_S)] += 1

    def score(self) -> OffsetScore:
        """The statistics so far."""
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
    """Accumulates the offsets of starts and ends of predicted spans."""

    starts: OffsetTally = field(default_factory=OffsetTally)
    ends: OffsetTally = field(default_factory=OffsetTally)

    def add(self, true: TimeSpan, predicted: TimeSpan) -> None:
        """Add a pair."""
        self.starts.add(predicted[0] - true[0])
        self.ends.add(predicted[1] - true[1])


def _percentile(values: Sequence[int], ends: Sequence[int], percent: int) -> float | None:
    """Seconds, of sorted values in ms; the values up to ``values[i]`` occur ``ends[i]`` times."""
    if not ends:
        return None
    whole, rest = divmod(percent * (ends[-1] - 1), 100)
    below = values[bisect_right(ends, whole)]
    above = values[bisect_right(ends, whole + 1)] if rest else below
    return (below + (above - below) * rest / 100) / MS_PER_S
