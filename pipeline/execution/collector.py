"""How often Python looks for garbage."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Make the cyclic garbage collector of this process run less often.

    A shard is many small rows without references to each other. With Python's default thresholds,
    traversing them takes more than half of the time of reading them.
    """
    gc.set_threshold(100_000, 20, 100)
