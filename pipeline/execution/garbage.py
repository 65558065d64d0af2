"""Finds and removes the files that no recipe reaches: parts of earlier settings, and what killed
runs left half-written.

Parts are named by what they are made of and what they hold, so an edit makes new parts beside the
old ones, and undoing it costs nothing. The old ones stay until a user removes them; what models
said stays longer (``Garbage.is_replied``), for it costs most and takes least space.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.errors import CommandError
from pipeline.records.digest import digest
from pipeline.store.heartbeat import dead_runs, live_runs
from pipeline.store.location import Location
from pipeline.store.part_names import replied_shard, slot_name
from pipeline.workflow.plan import NodePlan

_RECIPE = "recipe.json"
_OF_A_SLOT = frozenset({"manifest", "reads"})
_SMALL = ("alive", "settings")
"""Folders of a root beside the parts in which files are put by a rename."""
_BESIDE = (".doctor-", ".summary.json.")
"""How files begin that are left in the root itself."""


Why = Literal["no node", "other recipe", "other inputs", "orphan journal", "half-written"]
MEANINGS: Mapping[Why, str] = {
    "no node": "of a node in none of the configs",
    "other recipe": "of earlier settings or prompts",
    "other inputs": "of earlier rows or parts",
    "orphan journal": "replies for a part not wanted now",
    "half-written": "left by a run that was killed",
}
"""Why files are garbage, for users."""


class LiveRunError(CommandError):
    """A run is alive in the root, so nothing may be removed."""


@dataclass(frozen=True)
class Garbage:
    """A file that no recipe reaches, why, and its bytes.

    ``node`` and ``recipe``, the digest, are those of its folder; empty for what is no part.
    ``is_folder``: it is an empty folder. ``is_replied``: it is what models said under other
    settings, which a later run need not ask again; or the recipe beside that.
    """

    file: Location
    why: Why
    size_bytes: int
    node: str = ""
    recipe: str = ""
    is_folder: bool = False
    is_replied: bool = False


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


@dataclass
class _Reached:
    """What the plans reach of the parts of one recipe."""

    parts: set[str] = field(default_factory=set)
    """Their names, without kind and suffix."""
    slots: set[str] = field(default_factory=set)
    """Of the slots, without kind: those with a part, and"""
    missing: set[str] = field(default_factory=set)
    """those without, where what an interrupted run left is of use."""
    waiting: set[str] = field(default_factory=set)
    """Shards whose inputs do not exist: each part of before may turn out to be theirs."""

    def has(self, name: str) -> bool:
        """Whether a file or folder is reached; one with a name of any other form is the user's."""
        slot = slot_name(name)
        kind, _, rest = name.partition("-")
        if kind == "journal" and slot in self.slots:
            return False  # of a part that is there nothing is to be asked
        if slot is None or slot in self.missing or slot.partition("-")[0] in self.waiting:
            return True
        if kind in _OF_A_SLOT:
            return slot in self.slots
        return rest.partition(".")[0] in self.parts


def _reached(plans: Sequence[Sequence[NodePlan]]) -> Mapping[tuple[str, str], _Reached]:
    """By node and digest of the recipe."""
    found: dict[tuple[str, str], _Reached] = {}
    for plan in (plan for each in plans for plan in each):
        reached = found.setdefault((plan.node.name, plan.node.recipe_digest), _Reached())
        reached.parts.update(part.stem.removeprefix("part-") for part in plan.parts.values())
        for shard in plan.shards:
            slot = plan.slots.get(shard)
            if slot is None:
                reached.waiting.add(f"{shard:05d}")
            else:
                kept = reached.slots if shard in plan.parts else reached.missing
                kept.add(slot.name.removeprefix("part-"))
    return found


def _parts(reached: Mapping[tuple[str, str], _Reached], parts: Location) -> Iterator[Garbage]:
    nodes = {node for node, _ in reached}
    for node in parts.folders():
        recipes = (parts / node).folders()
        if not recipes and node not in nodes and not (parts / node).sizes():
            yield Garbage(parts / node, "no node", 0, node, is_folder=True)
        for recipe in recipes:
            of_recipe, folder = reached.get((node, recipe)), parts / node / recipe
            found = _found(folder)
            tops = {name.partition("/")[0] for name in found}
            replied = {top for top in tops if _is_replied(top, of_recipe)}
            if replied:
                replied.add(_RECIPE)
            for name, size_bytes in found.items():
                top = name.partition("/")[0]
                why = _why(top, of_recipe, in_config=node in nodes)
                if why is not None:
                    each = _garbage(folder, name, why, size_bytes, node, recipe)
                    yield replace(each, is_replied=top in replied)


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


def _is_replied(top: str, reached: _Reached | None) -> bool:
    """Whether a file or folder of a recipe has replies that nothing else has."""
    if replied_shard(top) is None:
        return False
    spent = reached is not None and slot_name(top) in reached.slots
    return not (spent and top.startswith("journal-"))


def _why(top: str, reached: _Reached | None, *, in_config: bool) -> Why | None:
    """Why a file or folder of a recipe is garbage; None where it is reached or the user's own.

    ``reached``: None where the recipe is not.
    """
    if top.startswith("."):
        return "half-written"
    if reached is not None and (top == _RECIPE or reached.has(top)):
        return None
    if top.startswith("journal-"):
        return "orphan journal"
    if reached is None:
        return "other recipe" if in_config else "no node"
    return "other inputs"


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
        if name.startswith(_BESIDE):
            yield Garbage(root / name, "half-written", size_bytes)
    for beat in dead_runs(root):
        yield Garbage(beat, "half-written", beat.size_bytes())
