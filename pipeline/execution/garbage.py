"""What in a store no recipe reaches any more: parts of earlier settings, and what killed runs left.

What a run made is named by what went into it, so an edit makes new parts beside the old ones, to
which the edit can be taken back at no cost. They stay until somebody says that they may go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.records.digest import digest
from pipeline.store.heartbeat import runs_alive
from pipeline.store.location import Location
from pipeline.workflow.plan import NodePlan

_OF_A_PART = re.compile(r"[a-z]+-(\d{5,}-[0-9a-f]+)(?:\..*)?")
"""A part and all that lies beside it have one name behind their kind."""
KEPT = frozenset({"recipe.json"})


class AliveError(RuntimeError):
    """A run is alive, so nothing may be removed."""


@dataclass(frozen=True)
class Garbage:
    """A file that no recipe reaches, why, and its bytes."""

    file: Location
    why: str
    size_bytes: int


def find_garbage(plans: Sequence[Sequence[NodePlan]], root: Location) -> Sequence[Garbage]:
    """All files that none of the plans of this root reaches, in order.

    What killed runs left half-written has a name that begins with a dot.
    """
    reached = _reached(plans)
    return [*_parts(reached, root / "parts"), *_half_written(root)]


def token(garbage: Sequence[Garbage]) -> str:
    """What stands for exactly these files, in their sizes."""
    return digest([[each.file.address, each.size_bytes] for each in garbage], 8)


def remove_garbage(garbage: Sequence[Garbage], root: Location) -> None:
    """Remove the files.

    Raises:
        AliveError: a run is alive in this root; it says which.
    """
    if alive := runs_alive(root):
        raise AliveError(f"a run is alive in {root}: {'; '.join(alive)}")
    for each in garbage:
        each.file.remove()
        _remove_empty(each.file.parent, root)


def _remove_empty(folder: Location, root: Location) -> None:
    """A folder that has nothing in it any more, and so those above it; object stores have none."""
    while folder.path is not None and folder != root:
        try:
            folder.path.rmdir()
        except OSError:
            return
        folder = folder.parent


def _reached(plans: Sequence[Sequence[NodePlan]]) -> Mapping[tuple[str, str], set[str]]:
    """Of each node and recipe, the names of its parts behind their kind."""
    found: dict[tuple[str, str], set[str]] = {}
    for plan in (plan for each in plans for plan in each):
        names = found.setdefault((plan.node.name, plan.node.fingerprint), set())
        names.update(task.part.stem.removeprefix("part-") for task in plan.tasks)
    return found


def _parts(reached: Mapping[tuple[str, str], set[str]], parts: Location) -> Iterator[Garbage]:
    nodes = {node for node, _ in reached}
    for node in parts.folders():
        for recipe in (parts / node).folders():
            names = reached.get((node, recipe))
            why = "its node is not in the config" if node not in nodes else "of another recipe"
            for name, size_bytes in (parts / node / recipe).walk().items():
                file = parts / node / recipe / name
                top = name.partition("/")[0]
                if names is None:
                    yield Garbage(file, why, size_bytes)
                elif top.startswith("."):
                    yield Garbage(file, "half-written", size_bytes)
                elif top not in KEPT and not _is_of(top, names):
                    yield Garbage(file, "of other inputs", size_bytes)


def _is_of(name: str, names: set[str]) -> bool:
    found = _OF_A_PART.fullmatch(name)
    # What has a name of another kind is somebody's own, and not ours to remove.
    return found is None or found[1] in names


def _half_written(root: Location) -> Iterator[Garbage]:
    for folder in root.folders():
        if folder.startswith(".corpus."):
            for name, size_bytes in (root / folder).walk().items():
                yield Garbage(root / folder / name, "half-written", size_bytes)
