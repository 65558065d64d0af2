"""What became of every record of a dataset, and of everything that it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

RawAnnotation = tuple[str, str]
"""Kind and origin."""


@dataclass
class Account:
    """Counts, which add up:

    - ``records = entries + unread``
    - ``entries = written + rejected + left out``
    - ``told = kept + refused + those of entries without a row``
    """

    source: str
    title: str
    proven: bool
    proof: str
    files: dict[str, int] = field(default_factory=dict)
    """Records by file."""
    absent: list[str] = field(default_factory=list)
    """Patterns of which there is no file."""
    unread: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    written: int = 0
    """Entries of which a row was made, one or several of each."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Entries by reason, like the next."""
    left_out: Counter[str] = field(default_factory=Counter)
    """By what was not wanted: ``split``, ``limit``, ``share_alike``, ``ego4d``."""
    rows: Counter[str] = field(default_factory=Counter)
    """By licence."""
    coverage: dict[str, Counter[str]] = field(default_factory=dict)
    """Videos by split, and whether there is a file: ``with_file`` or a reason."""
    told: Counter[RawAnnotation] = field(default_factory=Counter)
    kept: Counter[RawAnnotation] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    """By rule; ``model_written`` where that was not wanted."""
    without_row: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    """What the rules changed in what is kept."""
    notes: Counter[str] = field(default_factory=Counter)
    """Of rows: ``platform_differs`` where entries of one name disagree about the video,
    ``no_split_so_train`` where no file says its split."""
    video_files: int = 0
    """All files below the folders of videos."""
    unlisted: Sequence[str] = ()
    """Folders and files there that could not be listed."""

    @property
    def records(self) -> int:
        """All that the files of annotations hold."""
        return self.entries + self.unread.total()

    def as_json(self) -> dict[str, Any]:
        """All counts, by plain names."""
        return {
            "source": self.source,
            "title": self.title,
            "proven": self.proven,
            "proof": self.proof,
            "files": self.files,
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
            "told": self.told.total(),
            "told_by_kind": _by_kind(self.told),
            "kept": self.kept.total(),
            "kept_by_kind": _by_kind(self.kept),
            "refused": _ordered(self.refused),
            "without_row": self.without_row,
            "mended": _ordered(self.mended),
            "notes": _ordered(self.notes),
            "video_files": self.video_files,
            "unlisted": list(self.unlisted),
        }

    def to_text(self) -> str:
        """The counts for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        proven = "proven on real files" if self.proven else "NOT PROVEN on real files"
        yield f"{self.source}: {self.title}"
        yield f"  adapter    {proven}: {self.proof}"
        for pattern in self.absent:
            yield f"  no file    {pattern}"
        yield (
            f"  records    {self.records:,} in {len(self.files)} files = {self.entries:,} entries"
            f" + {self.unread.total():,} unread{_listed(self.unread)}"
        )
        yield (
            f"  entries    {self.entries:,} = {self.written:,} in {self.rows.total():,} rows"
            f" + {self.rejected.total():,} rejected{_listed(self.rejected)}"
            f" + {self.left_out.total():,} left out{_listed(self.left_out)}"
        )
        yield (
            f"  told       {self.told.total():,} = {self.kept.total():,} kept"
            f" + {self.refused.total():,} refused{_listed(self.refused)}"
            f" + {self.without_row:,} of entries without a row"
        )
        for (kind, origin), count in sorted(self.told.items()):
            kept = self.kept[kind, origin]
            yield f"    {kind} by {origin}: {count:,}, {kept:,} kept"
        for name, count in sorted((self.mended + self.notes).items()):
            yield f"    {name}: {count:,}"
        yield f"  videos     {self.video_files:,} files below the folders"
        for split, counts in self.coverage.items():
            found = f"{counts.total():,} videos, {counts['with_file']:,} with a file"
            without = _listed({k: n for k, n in counts.items() if k != "with_file"})
            yield f"    {split}: {found}{without}"
        for place in self.unlisted:
            yield f"    not listed: {place}"
        for licence, count in sorted(self.rows.items()):
            yield f"  licence    {count:,} rows under {licence}"


def _ordered(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _by_kind(counts: Mapping[RawAnnotation, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (kind, origin), count in sorted(counts.items()):
        found.setdefault(kind, {})[origin] = count
    return found


def _listed(counts: Mapping[str, int]) -> str:
    said = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
    return f" ({said})" if said else ""
