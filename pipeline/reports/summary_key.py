"""By what the summary of a run is known, so that it is added up once."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline import __version__
from pipeline.records.digest import digest
from pipeline.reports.plan import passed_over
from pipeline.store.location import Location
from pipeline.workflow.plan import NodePlan

_FORM = 1
"""Raised when the same parts and logs have another summary."""


def summary_key(plans: Sequence[NodePlan], root: Location) -> str:
    """Digest of all that a summary is made of, by names and sizes: no part is opened. The names of
    parts follow from their rows, rejects and counts, and each attempt at one is in the logs."""
    nodes = [
        [
            plan.node.name,
            plan.node.stage.name,
            plan.listing.folder.address,
            sorted([shard, part.name] for shard, part in plan.parts.items()),
            [*plan.shards],
            [*plan.manifest_rows],
            plan.listing.folder.sizes(),
        ]
        for plan in plans
    ]
    passed = dict(passed_over(plans))
    return digest([_FORM, __version__, nodes, (root / "log").sizes(), passed], 32)
