"""Finds out which texts the joined texts of turns are made of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Matches(Generic[T]):
    """Who said what where: owners of texts, and places of texts."""

    found: list[tuple[int, T]] = field(default_factory=list)
    """Each owner whose text stands somewhere, behind its place."""
    missing: list[T] = field(default_factory=list)
    """Owners whose text stands nowhere."""
    shared: int = 0
    """Of those found: they have no text of their own, but another's of the same words there."""
    again: int = 0
    """Texts that stand once more than they have owners."""
    unexplained: int = 0
    """Lines that belong to no text."""


def match_texts(written: Mapping[int, str], owned: Sequence[tuple[str, int, T]]) -> Matches[T]:
    """Matches what is written at each place with texts, of which several may be joined by line
    breaks in any order.

    ``owned``: a text, the place where it should stand, and its owner. It is looked for there first.
    """
    due_at: defaultdict[int, list[str]] = defaultdict(list)
    owners: defaultdict[str, list[tuple[int, T]]] = defaultdict(list)
    by_line: defaultdict[str, set[str]] = defaultdict(set)
    for text, place, owner in owned:
        due_at[place].append(text)
        owners[text].append((place, owner))
        by_line[_first_line(text)].add(text)
    matches: Matches[T] = Matches()
    places: defaultdict[str, list[int]] = defaultdict(list)
    for place, text in written.items():
        if due_at.get(place) == [text]:  # as nearly always
            places[text].append(place)
            continue
        for part in _parts(text, Counter(due_at.get(place, ())), by_line):
            if part is None:
                matches.unexplained += 1
            else:
                places[part].append(place)
    for text, mine in owners.items():
        _match(mine, places.get(text, []), matches)
    return matches


def _match(owners: Sequence[tuple[int, T]], places: Sequence[int], matches: Matches[T]) -> None:
    free = Counter(places)
    elsewhere = []
    for place, owner in owners:
        if free[place]:
            free[place] -= 1
            matches.found.append((place, owner))
        else:
            elsewhere.append((place, owner))
    spare = sorted(free.elements(), reverse=True)
    there = set(places)
    for place, owner in elsewhere:
        if place in there:
            matches.shared += 1
            matches.found.append((place, owner))
        elif spare:
            matches.found.append((spare.pop(), owner))
        else:
            matches.missing.append(owner)
    matches.again += len(spare)


def _parts(text: str, due: Counter[str], by_line: Mapping[str, set[str]]) -> Iterator[str | None]:
    """The known texts that one is joined from, those that are due first; None for other lines."""
    rest: str | None = text
    while rest is not None:
        begins = [
            known
            for known in by_line.get(_first_line(rest), ())
            if rest == known or rest.startswith(f"{known}\n")
        ]
        part = max(begins, key=lambda known: (due[known] > 0, len(known)), default=None)
        if part is None:
            _, more, after = rest.partition("\n")
            rest = after if more else None
        else:
            due[part] -= 1
            rest = rest[len(part) + 1 :] if len(rest) > len(part) else None
        yield part


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
