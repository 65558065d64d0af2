"""Finds and removes the files that no recipe reaches: parts of earlier settings, and what killed
runs left half-written.

Parts are named by the digest of their inputs, so an edit makes new parts beside the old ones, and
undoing it costs nothing. The old ones stay until a user removes them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.records.digest import digest
from pipeline.store.heartbeat import dead_runs, live_runs
from pipeline.store.location import Location
from pipeline.workflow.plan import NodePlan

_OF_A_PART = re.compile(r"[a-z]+-(\d{5,}-[0-9a-f]+)(?:\..*)?")
"""A part and the files beside it: the kind, then a name that they share."""
_RECIPE = "recipe.json"
_SMALL = ("alive", "settings")
"""Folders of a root beside the parts in which files are put by a rename."""


Why = Literal["no node", "other recipe", "other inputs", "orphan journal", "half-written"]
MEANINGS: Mapping[Why, str] = {
    "no node": "of a node in none of the configs",
    "other recipe": "of earlier settings or prompts",
    "other inputs": "of earlier rows or parts",
    "orphan journal": "replies for a part not wanted now",
    "half-written": "left by a run that was killed",
}
"""Why files are garbage, for users."""


class LiveRunError(RuntimeError):
    """A run is alive in the root, so nothing may be removed."""


@dataclass(frozen=True)
class Garbage:
    """A file that no recipe reaches, why, and its bytes.

    ``node`` and ``recipe``, the digest, are those of its folder; empty for what is no part.
    ``is_folder``: it is an empty folder.
    """

    file: Location
    why: Why
    size_bytes: int
    node: str = ""
    recipe: str = ""
    is_folder: bool = False


def find_garbage(plans: Sequence[Sequence[NodePlan]], root: Location) -> Sequence[Garbage]:
    """All files and empty folders that none of the plans of this root reaches, in order.

    Half-written files of killed runs have names that begin with a dot.
    """
    reached = _reached(plans)
    return [*_parts(reached, root / "parts"), *_half_written(root)]


def token(garbage: Sequence[Garbage]) -> str:
    """A digest of exactly these files and their sizes, by which a user confirms the removal."""
    return digest([[each.file.address, each.size_bytes] for each in garbage], 8)


def remove_garbage(garbage: Sequence[Garbage], root: Location) -> None:
    """Remove the files.

    Raises:
        LiveRunError: a run is alive in this root; the message names it.
    """
    if alive := live_runs(root):
        raise LiveRunError(f"a run is alive in {root}: {'; '.join(alive)}")
    for each in garbage:
        if not each.is_folder:
            each.file.remove()
        _remove_empty(each.file if each.is_folder else each.file.parent, root)


def _remove_empty(folder: Location, root: Location) -> None:
    """Remove a folder of this machine if it is empty, and then its parents likewise."""
    while folder.path is not None and folder != root:
        try:
            folder.path.rmdir()
        except OSError:
            return
        folder = folder.parent


def _reached(plans: Sequence[Sequence[NodePlan]]) -> Mapping[tuple[str, str], set[str]]:
    """The names of parts, without their kind, by node and digest of the recipe."""
    found: dict[tuple[str, str], set[str]] = {}
    for plan in (plan for each in plans for plan in each):
        names = found.setdefault((plan.node.name, plan.node.recipe_digest), set())
        names.update(task.part.stem.removeprefix("part-") for task in plan.tasks)
    return found


def _parts(reached: Mapping[tuple[str, str], set[str]], parts: Location) -> Iterator[Garbage]:
    nodes = {node for node, _ in reached}
    for node in parts.folders():
        recipes = (parts / node).folders()
        if not recipes and node not in nodes and not (parts / node).sizes():
            yield Garbage(parts / node, "no node", 0, node, is_folder=True)
        for recipe in recipes:
            names, folder = reached.get((node, recipe)), parts / node / recipe
            found = _found(folder)
            made = {name[len("part-") :] for name in map(_stem, found) if name.startswith("part-")}
            for name, size_bytes in found.items():
                top = name.partition("/")[0]
                why = _why(top, names, in_config=node in nodes)
                if why is None and top.startswith("journal-") and top[len("journal-") :] in made:
                    why = "orphan journal"
                if why is not None:
                    yield _garbage(folder, name, why, size_bytes, node, recipe)


def _found(folder: Location) -> Mapping[str, int]:
    """Sizes in bytes of all files below a folder, by their path; of empty folders, which end in a
    slash, 0."""
    empty = {f"{name}/": 0 for name in folder.empty_folders()}
    return dict(sorted({**folder.walk(), **empty}.items()))


def _garbage(
    folder: Location, name: str, why: Why, size_bytes: int, node: str = "", recipe: str = ""
) -> Garbage:
    file = folder / name.removesuffix("/") if name != "/" else folder
    return Garbage(file, why, size_bytes, node, recipe, is_folder=name.endswith("/"))


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _why(top: str, names: set[str] | None, *, in_config: bool) -> Why | None:
    """Why a file or folder of a recipe is garbage; None where it is reached or the user's own.

    ``names``: of the parts that are reached; None where the recipe is not.
    """
    if top.startswith("."):
        return "half-written"
    if names is not None and (top == _RECIPE or _is_of(top, names)):
        return None
    if top.startswith("journal-"):
        return "orphan journal"
    if names is None:
        return "other recipe" if in_config else "no node"
    return "other inputs"


def _is_of(name: str, names: set[str]) -> bool:
    found = _OF_A_PART.fullmatch(name)
    # A name of any other form is a file of the user's.
    return found is None or found[1] in names


def _half_written(root: Location) -> Iterator[Garbage]:
    """What killed runs left beside the parts: a corpus that was not put in place, temporary files,
    heartbeats."""
    for name in root.folders():
        corpus = name.startswith(".corpus.")
        for file, size_bytes in _found(root / name).items() if corpus or name in _SMALL else ():
            empty = name == "settings" and file.endswith("/")
            if corpus or empty or file.rpartition("/")[2].startswith("."):
                yield _garbage(root / name, file, "half-written", size_bytes)
    for name, size_bytes in root.sizes().items():
        if name.startswith(".doctor-"):
            yield Garbage(root / name, "half-written", size_bytes)
    for beat in dead_runs(root):
        yield Garbage(beat, "half-written", beat.size_bytes())
