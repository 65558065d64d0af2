"""The change points of a film: when something else begins to hold of a thing in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.engines.embedded.tracks import Film
from pipeline.engines.embedded.values import Value, values_of


@dataclass(frozen=True)
class PointFound:
    """What holds before and after, each empty where the subject is not in view or nothing can be
    told of it yet, and the time of the first frame that shows what is after."""

    aspect: str
    subject: str
    before: str
    after: str
    time_s: float

    @property
    def sentence(self) -> str:
        """The change in words."""
        if not self.before:
            return f"{self.subject}: now {self.after}."
        return f"{self.subject}: {self.before}, then {self.after or 'out of view'}."


def points_of(film: Film, most: int) -> list[PointFound]:
    """At most so many change points: what changes least often first, and each subject whole."""
    found = [
        list(_changes(film, aspect, subject, value)) for aspect, subject, value in values_of(film)
    ]
    kept: list[PointFound] = []
    for points in sorted(found, key=len):
        if len(kept) + len(points) <= most:
            kept += points
    return kept


def _changes(film: Film, aspect: str, subject: str, value: Value) -> Iterator[PointFound]:
    held = ""
    for index, time_s in enumerate(film.times):
        now = value(index)
        if now is None:
            continue
        if index and now != held:
            yield PointFound(aspect, subject, held, now, time_s)
        held = now
