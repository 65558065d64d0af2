"""How long a chain of many clips takes, how much memory, and how similar its links are.

    python benchmarks/chain.py                        # 20,000 clips, against the exact chain
    python benchmarks/chain.py --clips 1280000 --alone

The clips are synthetic: vectors of 256 numbers around one centre for each 640 of them, or with
``--spread even`` all over the sphere, where the nearest are hardest to find.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from stages._chain import chain, links
from stages._groups import Vectors

OF_ONE_TOPIC = 640
AT_ONCE = 1 << 16
MIB = 1 << 10


def clips(count: int, dimensions: int, spread: str) -> Vectors:
    """Rows of unit length."""
    random = np.random.default_rng(0)
    topics = max(8, count // OF_ONE_TOPIC)
    centres = random.standard_normal((topics, dimensions), np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    made = np.empty((count, dimensions), np.float32)
    for start in range(0, count, AT_ONCE):
        part = made[start : start + AT_ONCE]
        part[:] = random.standard_normal(part.shape, np.float32)
        if spread == "topics":
            part /= np.float32(dimensions**0.5)
            part += centres[random.integers(topics, size=len(part))]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--spread", choices=("topics", "even"), default="topics")
    parser.add_argument("--alone", action="store_true", help="without the exact chain")
    options = parser.parse_args()
    vectors = clips(options.clips, options.dimensions, options.spread)
    similar = {}
    ways = {"groups": ("greedy", 0), "sampled": ("sampled", 0)}
    if not options.alone:
        ways["exact"] = ("greedy", options.clips)
    for name, (order, exact) in ways.items():
        cpu_s, wall_s = time.process_time(), time.monotonic()
        chained = chain(vectors, order, 0, exact=exact)  # type: ignore[arg-type]
        cpu_s, wall_s = time.process_time() - cpu_s, time.monotonic() - wall_s
        similar[name] = float(links(vectors, chained).mean())
        peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
        print(
            f"{name:8} {options.clips} clips: {cpu_s:.0f} s of CPU, {wall_s:.0f} s; mean link"
            f" {similar[name]:.4f}; {peak_mib:.0f} MiB at most so far",
            flush=True,
        )
    if "exact" in similar:
        print(f"links of the exact chain: {similar['groups'] / similar['exact']:.4f} of them")


if __name__ == "__main__":
    main()
