"""Where the question of a clip stands: behind its clip, before it, or nowhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.records import Segment
from pipeline.records.hash_sampling import hash_fraction

Side = Literal["dropped", "before", "after"]
First = Literal["drop", "shift"]


def side_of(name: str, drop: float, shift: float, first: First, seed: int) -> Side:
    """Drawn by hash of the name of the clip in its stream.

    ``first="drop"``: a share ``drop`` of all goes, and of the others a share ``shift`` is asked
    before its clip. ``"shift"``: a share ``shift`` of all is asked before its clip, and of the
    others a share ``drop`` goes: one that was moved is no question behind a clip any more.
    """
    goes = hash_fraction(f"{name} drop", seed) < drop
    moves = hash_fraction(f"{name} shift", seed) < shift
    if goes and not (moves and first == "shift"):
        return "dropped"
    return "before" if moves else "after"


def behind(turns: Sequence[Segment], end_s: float) -> float:
    """When the first turn starts that has all up to a time behind it, else when the last does: what
    is asked there can be answered at once."""
    return next((turn.start_s for turn in turns if turn.start_s >= end_s), turns[-1].start_s)
