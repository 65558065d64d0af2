"""Where asks of a node were answered before, and what that leaves to be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.store.location import Location
from pipeline.store.recipe_file import read_recipe

_SAME = ("engine", "answer")
"""What two recipes have in common where the same ask has the same answer. The schema of the answer
is there as text, with its fields in order; the digest of an ask has it without."""


def reply_folders(
    recipe: Mapping[str, Any], own: Location, elsewhere: Sequence[Location] = ()
) -> Iterator[Location]:
    """The folders of recipes of a node whose replies count for this recipe of it.

    ``own`` is the folder of the recipe itself, and ``elsewhere`` are those of the node in other
    roots. Reads the recipes there.
    """
    for place in (own.parent, *elsewhere):
        for folder in (place / name for name in place.folders()):
            other = recipe if folder == own else read_recipe(folder)
            if other is not None and all(other.get(key) == recipe[key] for key in _SAME):
                yield folder


@dataclass(frozen=True)
class AsksAhead:
    """The asks of the missing parts of a node: all of them, and the ``new`` ones, which nobody has
    answered. ``more``: others depend on answers or rows that do not exist yet."""

    asks: int = 0
    new: int = 0
    more: bool = False
