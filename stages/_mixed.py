"""Which annotations of a video share a dialogue."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.records import Annotation
from pipeline.records.digest import digest


def groups(annotations: Sequence[Annotation], at_most: int, seed: int) -> list[list[Annotation]]:
    """Every annotation in one group of at most so many, few of a group of the same task.

    The tasks take turns, and within a task the order is drawn by the seed; so the groups do not
    depend on the order in which the annotations come.
    """
    drawn = sorted(annotations, key=lambda a: digest([seed, a.annotation_id]))
    rounds: dict[str, int] = {}
    turns = []
    for annotation in drawn:
        turn = rounds[annotation.task] = rounds.get(annotation.task, -1) + 1
        turns.append((turn, digest([seed, annotation.task]), annotation))
    turns.sort(key=lambda each: each[:2])
    ordered = [annotation for _, _, annotation in turns]
    count = -(-len(ordered) // at_most)
    return [ordered[number::count] for number in range(count)]
