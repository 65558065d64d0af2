"""What the licences of rows allow to publish, as the entries of a list of licences say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One entry of the list."""

    licence: str
    """As it stands in rows."""
    family: str
    """Rows of one family share their terms."""
    publish: frozenset[str]
    """``text``, ``videos``, both or neither."""


@dataclass(frozen=True)
class Licences:
    """The entries by name; a row names its own by ``source``, or has its text in ``licence``."""

    entries: Mapping[str, Entry]

    def of(self, row: tuple[str, str]) -> Entry | None:
        """The entry of a row's source and licence; None where there is none.

        Where several entries have one text, what all of them allow.
        """
        source, licence = row
        for name in (licence, source):
            if name in self.entries and licence in (name, self.entries[name].licence):
                return self.entries[name]
        same = [entry for entry in self.entries.values() if entry.licence == licence]
        if not same:
            return None
        allowed = frozenset.intersection(*(entry.publish for entry in same))
        families = {entry.family for entry in same}
        return Entry(licence, families.pop() if len(families) == 1 else licence, allowed)

    def family(self, row: tuple[str, str]) -> str:
        """The family of a row; its licence itself where no entry knows it."""
        entry = self.of(row)
        return entry.family if entry else row[1] or "not stated"

    def families(self, rows: Mapping[tuple[str, str], int]) -> Mapping[str, int]:
        """How many of the rows, counted by source and licence, are of each family."""
        found: Counter[str] = Counter()
        for row, number in rows.items():
            found[self.family(row)] += number
        return dict(sorted(found.items()))
