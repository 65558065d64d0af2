"""What the licences of rows allow to publish, as the entries of a list of licences say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from pipeline.records.streams import JOINT


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

        Where several entries have one text, or a stream has clips of several licences (``JOINT``),
        what all of them allow.
        """
        source, licence = row
        if JOINT in licence:
            found = [self.of(pair) for pair in product(source.split(JOINT), licence.split(JOINT))]
            entries = [entry for entry in found if entry is not None]
            return _together(licence, entries) if len(entries) == len(found) else None
        for name in (licence, source):
            if name in self.entries and licence in (name, self.entries[name].licence):
                return self.entries[name]
        same = [entry for entry in self.entries.values() if entry.licence == licence]
        if not same:
            return None
        return _together(licence, same)

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


def _together(licence: str, entries: Sequence[Entry]) -> Entry:
    """What all of these entries allow."""
    families = sorted({entry.family for entry in entries})
    allowed = frozenset.intersection(*(entry.publish for entry in entries))
    return Entry(licence, families[0] if len(families) == 1 else licence, allowed)
