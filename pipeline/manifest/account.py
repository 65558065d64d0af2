"""Counts of what became of every record of a dataset, and of every annotation in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.store.files.text_table import in_brackets

KindOrigin = tuple[str, str]
"""Kind and origin of an annotation, such as ``("event", "human")``."""


@dataclass
class Account:
    """The counts of one source. They add up:

    - ``records = entries + unread``
    - ``entries = written + rejected + left out``
    - ``annotations = accepted + refused + those of entries without a row``
    """

    source: str
    title: str
    proven: bool
    proof: str
    files: dict[str, int] = field(default_factory=dict)
    """Records by file."""
    readings: dict[str, str] = field(default_factory=dict)
    """How a file is read, and why, where its records decide it."""
    absent: list[str] = field(default_factory=list)
    """Patterns that no file matches."""
    unread: Counter[str] = field(default_factory=Counter)
    """Records that are no entry, by reason."""
    entries: int = 0
    written: int = 0
    """Entries that are part of a row; several entries may share one row."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Entries by reason."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Entries that were not wanted, by reason, such as ``split``, ``limit`` or ``share_alike``."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows by licence."""
    coverage: dict[str, Counter[str]] = field(default_factory=dict)
    """By split: videos ``with_file``, and videos without one by reason."""
    annotations: Counter[KindOrigin] = field(default_factory=Counter)
    accepted: Counter[KindOrigin] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """Annotations by rule; ``model_written`` where those were not wanted."""
    without_row: int = 0
    """Annotations of entries that are part of no row."""
    mended: Counter[str] = field(default_factory=Counter)
    """What the rules changed in accepted annotations."""
    notes: Counter[str] = field(default_factory=Counter)
    """Of rows: ``platform_differs`` where entries of one name have different platform ids,
    ``no_split_so_train`` where no file has its split."""
    without_split: int = 0
    """Rows whose split no file has."""
    video_files: int = 0
    """Files below the folders of videos."""
    videos_inside: int = 0
    """Videos in containers there, which are read in place."""
    unlisted: Sequence[str] = ()
    """Folders and files there that could not be listed."""

    @property
    def records(self) -> int:
        """The records of all annotation files."""
        return self.entries + self.unread.total()

    def as_json(self) -> dict[str, Any]:
        """All counts, as JSON values."""
        return {
            "source": self.source,
            "title": self.title,
            "proven": self.proven,
            "proof": self.proof,
            "files": self.files,
            "readings": self.readings,
            "absent": self.absent,
            "records": self.records,
            "unread": _ordered(self.unread),
            "entries": self.entries,
            "entries_written": self.written,
            "entries_rejected": _ordered(self.rejected),
            "entries_left_out": _ordered(self.left_out),
            "rows": self.rows.total(),
            "rows_by_licence": _ordered(self.rows),
            "videos_by_split": {name: _ordered(self.coverage[name]) for name in self.coverage},
            "annotations": self.annotations.total(),
            "annotations_by_kind": _by_kind(self.annotations),
            "accepted": self.accepted.total(),
            "accepted_by_kind": _by_kind(self.accepted),
            "refused": _ordered(self.refused),
            "without_row": self.without_row,
            "mended": _ordered(self.mended),
            "notes": _ordered(self.notes),
            "rows_without_split": self.without_split,
            "video_files": self.video_files,
            "videos_inside": self.videos_inside,
            "unlisted": list(self.unlisted),
        }

    def to_text(self) -> str:
        """The counts as lines of text."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        proven = "proven on real files" if self.proven else "NOT PROVEN on real files"
        yield f"{self.source}: {self.title}"
        yield f"  adapter      {proven}: {self.proof}"
        for pattern in self.absent:
            yield f"  no file      {pattern}"
        yield (
            f"  records      {self.records:,} in {len(self.files)} files = {self.entries:,} entries"
            f" + {self.unread.total():,} unread{in_brackets(self.unread)}"
        )
        for file, reading in self.readings.items():
            yield f"  reading      {file}: {reading}"
        yield (
            f"  entries      {self.entries:,} = {self.written:,} in {self.rows.total():,} rows"
            f" + {self.rejected.total():,} rejected{in_brackets(self.rejected)}"
            f" + {self.left_out.total():,} left out{in_brackets(self.left_out)}"
        )
        yield (
            f"  annotations  {self.annotations.total():,} = {self.accepted.total():,} accepted"
            f" + {self.refused.total():,} refused{in_brackets(self.refused)}"
            f" + {self.without_row:,} of entries without a row"
        )
        for (kind, origin), count in sorted(self.annotations.items()):
            accepted = self.accepted[kind, origin]
            yield f"    {kind} by {origin}: {count:,}, {accepted:,} accepted"
        for name, count in sorted((self.mended + self.notes).items()):
            yield f"    {name}: {count:,}"
        inside = f", {self.videos_inside:,} videos in containers" if self.videos_inside else ""
        yield f"  videos       {self.video_files:,} files below the folders{inside}"
        for split, counts in self.coverage.items():
            found = f"{counts.total():,} videos, {counts['with_file']:,} with a file"
            without = in_brackets({k: n for k, n in counts.items() if k != "with_file"})
            yield f"    {split}: {found}{without}"
        for place in self.unlisted:
            yield f"    not listed: {place}"
        for licence, count in sorted(self.rows.items()):
            yield f"  licence      {count:,} rows under {licence}"


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _by_kind(counts: Mapping[KindOrigin, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (kind, origin), count in sorted(counts.items()):
        found.setdefault(kind, {})[origin] = count
    return found
