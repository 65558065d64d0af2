"""The recipe beside the parts of its folder, by which later runs tell what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.records.digest import canonical_json
from pipeline.store.location import Location

_NAME = "recipe.json"


def write_recipe(folder: Location, recipe: Mapping[str, Any]) -> None:
    """Write a recipe into the folder of its parts."""
    (folder / _NAME).write_text(canonical_json(recipe) + "\n")


def read_recipe(folder: Location) -> Mapping[str, Any] | None:
    """The recipe in a folder; None if it is missing or damaged."""
    try:
        recipe = json.loads((folder / _NAME).read_bytes())
    except (ValueError, FileNotFoundError):
        return None
    return recipe if isinstance(recipe, dict) else None
