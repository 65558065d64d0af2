"""The report of a manifest: the accounts of its sources, what was held out, and what was drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.manifest.account import Account
from pipeline.manifest.reconcile.allocate import NO_ALLOCATION, Allocation
from pipeline.manifest.reconcile.hold_out import HoldOutList
from pipeline.manifest.reconcile.identity import Leak
from pipeline.store.files.text_table import in_brackets

LEAKS_NAMED = 1000
"""How many leaks a report names, for it is held in memory. The file of rejects has them all."""
LEAKS_SHOWN = 10


@dataclass
class Report:
    """The accounts of the sources, and what holds for them together."""

    accounts: Sequence[Account]
    allocation: Allocation = NO_ALLOCATION
    lists: Sequence[HoldOutList] = ()
    leaks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows that were held out, by source and hold-out list; an empty name stands for other rows."""
    first_leaks: list[Leak] = field(default_factory=list)
    identities: int = 0
    """How many identities there are."""
    shared: int = 0
    """How many of them several candidates share."""
    unreadable: dict[str, Counter[str]] = field(default_factory=dict)
    """Files that could not be read and so were not compared, by kind of link and reason."""

    @property
    def rows(self) -> int:
        """Rows of the manifest."""
        return sum(account.rows.total() for account in self.accounts)

    def add_leak(self, leak: Leak) -> None:
        """Counts a leak, and names it while there are few."""
        source = self.accounts[leak.source].source
        by = "" if leak.by_list is None else self.lists[leak.by_list].name
        self.leaks[source, by] += 1
        if len(self.first_leaks) < LEAKS_NAMED:
            self.first_leaks.append(leak)

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values; where there is one source, its account is not nested."""
        whole = {
            "identities": {"known": self.identities, "shared": self.shared},
            "unreadable_files": {
                link: dict(sorted(counts.items())) for link, counts in self.unreadable.items()
            },
            "hold_out": [asdict(one) for one in self.lists],
            "leaks_prevented": {
                "rows": self.leaks.total(),
                "by_source": [
                    {"source": source, "list": by, "rows": count}
                    for (source, by), count in sorted(self.leaks.items())
                ],
                "first": [self._leak(leak) for leak in self.first_leaks],
            },
            "allocation": asdict(self.allocation),
        }
        if len(self.accounts) == 1:
            return self.accounts[0].as_json() | whole
        return {
            "rows": self.rows,
            "sources": [account.as_json() for account in self.accounts],
        } | whole

    def to_text(self) -> str:
        """The report as lines of text."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for account in self.accounts:
            yield account.to_text()
        yield self._summary()
        if self.identities:
            shared = f"{self.shared:,} of them of several rows"
            yield f"  identity     {self.identities:,} identities, {shared}"
        for link, reasons in self.unreadable.items():
            if reasons:
                failed = f"{reasons.total():,} files could not be read"
                yield f"  {link:12} {failed}{in_brackets(reasons)}"
        for one in self.lists:
            yield f"  hold out     {one.ids:,} ids in {one.name}"
        if self.leaks or self.lists:
            yield f"  held out     {self.leaks.total():,} rows that would have been leaks"
        for (source, by), count in sorted(self.leaks.items()):
            yield f"    {source}: {count:,} by {by or 'other rows'}"
        for leak in self.first_leaks[:LEAKS_SHOWN]:
            identity = f" {leak.identity}" if leak.identity else ""
            yield f"    {leak.video_id} ({leak.split}){identity}: {leak.by}"
        if self.leaks.total() > LEAKS_SHOWN:
            yield f"    and {self.leaks.total() - LEAKS_SHOWN:,} more, among the rejects"
        capped = [part for part in self.allocation.parts if part.cap is not None]
        if capped:
            yield "  allocation   cap, available, drawn"
        for part in capped:
            short = f", {part.short:,} SHORT" if part.short else ""
            yield f"    {part.of}: {part.cap:,}, {part.available:,}, {part.drawn:,}{short}"

    def _summary(self) -> str:
        count = len(self.accounts)
        rows = f"all: {self.rows:,} rows of {count} source{'s' if count > 1 else ''}"
        unknown = {one.source: one.without_split for one in self.accounts if one.without_split}
        if not unknown:
            return rows
        return f"{rows}, {sum(unknown.values()):,} of unknown split{in_brackets(unknown)}"

    def _leak(self, leak: Leak) -> dict[str, Any]:
        fields = asdict(leak) | {"source": self.accounts[leak.source].source}
        del fields["by_list"]
        return fields
