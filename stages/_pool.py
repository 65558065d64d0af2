"""Which clips go into streams, and which of them into one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import floor

import numpy as np

from pipeline.records.hash_sampling import hash_rank


def threshold(similarities: Sequence[float], quantile: float, least: float | None) -> float:
    """The least similarity of caption and video that a clip may have: the stricter of ``least`` and
    the value below which this share of the pool lies."""
    bound = float(np.quantile(similarities, quantile)) if len(similarities) else -1.0
    return bound if least is None else max(bound, least)


def over_the_share(sources: Mapping[str, str], share: float, seed: int) -> set[str]:
    """The names, each with its source, that are too many for no source to be more than this share
    of what is left. Those of the highest hash ranks go; all, where there are too few sources."""
    counts = Counter(sources.values())
    total = sum(counts.values())
    while (left := sum(min(n, floor(share * total)) for n in counts.values())) < total:
        total = left
    most = floor(share * total)
    ranked: dict[str, list[str]] = {}
    for name in sorted(sources, key=lambda name: hash_rank(f"{name} share", seed)):
        ranked.setdefault(sources[name], []).append(name)
    return {name for names in ranked.values() for name in names[most:]}


def spans(lengths_s: Sequence[float], clips: int, least_s: float) -> Iterator[range]:
    """Places side by side, each range with so many clips and so many seconds at least, and no more
    than that takes. What is too little at the end is in none."""
    first, seconds = 0, 0.0
    for place, length_s in enumerate(lengths_s):
        seconds += length_s
        if place + 1 - first >= clips and seconds >= least_s:
            yield range(first, place + 1)
            first, seconds = place + 1, 0.0
