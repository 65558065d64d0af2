"""What became of everything that a combined manifest was made from, and what it was kept from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pipeline.manifest.account import Account
from pipeline.manifest.reconcile.allocate import NOTHING_DRAWN, Drawn
from pipeline.manifest.reconcile.hold_out import HoldOutList
from pipeline.manifest.reconcile.identity import Leak

LEAKS_NAMED = 1000
"""Of all that were prevented: a report is held in memory. Every one is among the rejects."""
LEAKS_SHOWN = 10


@dataclass
class Report:
    """The accounts of the sources, and what holds for them together."""

    accounts: Sequence[Account]
    drawn: Drawn = NOTHING_DRAWN
    lists: Sequence[HoldOutList] = ()
    leaks: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rows that were held out, by source, and by the list that did, or empty for another row."""
    first_leaks: list[Leak] = field(default_factory=list)
    identities: int = 0
    """So many videos of which something is known to tell them by."""
    shared: int = 0
    """Of them, those that several candidates are of."""
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    """Files that could not be read for a link, by link and reason: they are the same as none."""

    @property
    def rows(self) -> int:
        """How many the manifest has."""
        return sum(account.rows.total() for account in self.accounts)

    def add_leak(self, leak: Leak) -> None:
        """Counts it, and names it while there are few."""
        source = self.accounts[leak.source].source
        by = "" if leak.by_list is None else self.lists[leak.by_list].name
        self.leaks[source, by] += 1
        if len(self.first_leaks) < LEAKS_NAMED:
            self.first_leaks.append(leak)

    def as_json(self) -> dict[str, Any]:
        """All of it by plain names; of a single source its account, with the rest beside it."""
        whole = {
            "identities": {"known": self.identities, "shared": self.shared},
            "unseen_files": {link: dict(sorted(n.items())) for link, n in self.unseen.items()},
            "hold_out": [asdict(one) for one in self.lists],
            "leaks_prevented": {
                "rows": self.leaks.total(),
                "by_source": [
                    {"source": source, "list": by, "rows": count}
                    for (source, by), count in sorted(self.leaks.items())
                ],
                "first": [self._leak(leak) for leak in self.first_leaks],
            },
            "drawn": asdict(self.drawn),
        }
        if len(self.accounts) == 1:
            return self.accounts[0].as_json() | whole
        return {
            "rows": self.rows,
            "sources": [account.as_json() for account in self.accounts],
        } | whole

    def to_text(self) -> str:
        """The same for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        for account in self.accounts:
            yield account.to_text()
        if len(self.accounts) > 1:
            yield f"all: {self.rows:,} rows of {len(self.accounts)} sources"
        if self.identities:
            shared = f"{self.shared:,} of them in several rows"
            yield f"  identity   {self.identities:,} videos known apart, {shared}"
        for link, reasons in self.unseen.items():
            if reasons:
                said = ", ".join(f"{name} {count:,}" for name, count in sorted(reasons.items()))
                yield f"  {link:10} {reasons.total():,} files could not be read ({said})"
        for one in self.lists:
            yield f"  hold out   {one.ids:,} ids in {one.name}"
        if self.leaks or self.lists:
            yield f"  held out   {self.leaks.total():,} rows that would have been leaks"
        for (source, by), count in sorted(self.leaks.items()):
            yield f"    {source}: {count:,} by {by or 'other rows'}"
        for leak in self.first_leaks[:LEAKS_SHOWN]:
            yield f"    {leak.video_id} ({leak.split}) {leak.identity}: {leak.by}".replace(
                " :", ":"
            )
        if self.leaks.total() > LEAKS_SHOWN:
            yield f"    and {self.leaks.total() - LEAKS_SHOWN:,} more, among the rejects"
        capped = [one for one in self.drawn.quotas if one.wanted is not None]
        if capped:
            yield "  drawn      wanted at most, there, drawn"
        for quota in capped:
            short = f", {quota.short:,} SHORT" if quota.short else ""
            yield f"    {quota.of}: {quota.wanted:,}, {quota.there:,}, {quota.drawn:,}{short}"

    def _leak(self, leak: Leak) -> dict[str, Any]:
        return {
            "source": self.accounts[leak.source].source,
            "video_id": leak.video_id,
            "split": leak.split,
            "identity": leak.identity,
            "by": leak.by,
        }
