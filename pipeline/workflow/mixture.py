"""What a corpus is to be made of: shares of the tasks, and how many samples these allow."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from pipeline.records.hash_sampling import largest_remainder
from pipeline.settings import Settings

Share = Annotated[float, Field(gt=0, le=1_000_000)]
_ROUNDING = 1e-9
"""A tenth of ten samples is one, whatever a tenth is in binary."""


class Mixture(Settings):
    """Which samples are wanted, of those that there are."""

    shares: dict[str, Share] = Field(
        {},
        description="task: its share of the samples, in any unit; a task that is not named is left"
        " out; empty takes every sample",
    )
    samples: int | None = Field(
        None, ge=1, description="how many in all; null takes as many as the shares allow"
    )
    lacking: Literal["rescale", "fail"] = Field(
        "rescale",
        description="what becomes of a task with a share, and no sample or too few for it. rescale:"
        " it gives what it has, and the others keep their ratio; fail: a config is refused if no"
        " node makes the task, and so is a mixture that its samples do not allow",
    )
    negatives: float = Field(
        0.1,
        ge=0,
        le=1,
        description="most of a task's samples that may be negatives, in which silence is right; the"
        " paper has none; 1 takes all. Their silence is what they teach: it is neither cut nor"
        " counted in silence_per_response",
    )

    def drawn(self, there: Mapping[str, Pool]) -> dict[str, int]:
        """How many samples of each task are drawn, of those in its pool.

        They are in the proportion of the shares, rounded by the largest remainders; without shares
        in that of the pools.

        Raises:
            ValueError: ``lacking`` is ``fail``, and a task has not enough.
        """
        sizes = {task: pool.size for task, pool in there.items() if pool.size}
        weights = {
            t: self.shares.get(t, 0.0) if self.shares else float(n) for t, n in sizes.items()
        }
        weights = {task: weight for task, weight in weights.items() if weight}
        absent = sorted(self.shares.keys() - weights.keys())
        if absent and self.lacking == "fail":
            raise ValueError(_fault(f"there are no samples of {', '.join(absent)}"))
        samples = self.samples
        if samples is None:
            return _as_many_as_fit(weights, sizes) if self.shares else sizes
        if self.lacking == "fail":
            for task, n in largest_remainder(weights, samples).items():
                if n > sizes[task]:
                    need = f"{samples} samples need {n} of {task}, and there are {sizes[task]}"
                    raise ValueError(_fault(need))
        return _filled(weights, sizes, samples)


class Pool(NamedTuple):
    """The samples of a task, of which negatives may be at most a share."""

    positives: int
    negatives: int
    share: float

    @property
    def size(self) -> int:
        """The most samples that can be drawn."""
        if self.share == 1:
            return self.positives + self.negatives
        most = floor(self.positives * self.share / (1 - self.share) + _ROUNDING)
        return self.positives + min(self.negatives, most)

    def negatives_among(self, drawn: int) -> int:
        """How many of so many samples are negatives."""
        if self.share == 1:  # then nothing speaks for either
            return largest_remainder(
                {"negatives": self.negatives, "positives": self.positives}, drawn
            ).get("negatives", 0)
        return min(self.negatives, floor(self.share * drawn + _ROUNDING))


def _as_many_as_fit(weights: Mapping[str, float], there: Mapping[str, int]) -> dict[str, int]:
    whole = sum(weights.values())
    samples = min((floor(there[t] * whole / weight) for t, weight in weights.items()), default=0)
    # Rounding may give a task one more than it has.
    while any(n > there[task] for task, n in largest_remainder(weights, samples).items()):
        samples -= 1
    return largest_remainder(weights, samples)


def _filled(weights: Mapping[str, float], there: Mapping[str, int], samples: int) -> dict[str, int]:
    """``samples`` in all: a task with too few gives what it has, the others make up for it."""
    counts: dict[str, int] = {}
    open_ones = dict(weights)
    while open_ones:
        wanted = largest_remainder(open_ones, samples - sum(counts.values()))
        short = [task for task, n in wanted.items() if n > there[task]]
        if not short:
            return counts | wanted
        for task in short:
            counts[task] = there[task]
            del open_ones[task]
    return counts


def _fault(why: str) -> str:
    return f"shares: {why}; lower samples, or the share, or set lacking: rescale"
