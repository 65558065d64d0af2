"""What a run would make, as rows and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.media.folder import passed_over_text
from pipeline.store.files.text_table import text_table
from pipeline.workflow.plan import NodePlan


def plan_rows(plans: Sequence[NodePlan]) -> list[dict[str, Any]]:
    """A row of plain values a node: how many of its shards are to be made, and why.

    Of these, so many are ``waiting`` for other nodes; they have nothing to do where what they read
    comes out as it was.
    """
    return [
        {
            "node": plan.node.name,
            "recipe": plan.node.recipe_digest,
            "shards": len(plan.shards),
            "to_do": len(plan.shards) - len(plan.parts),
            "waiting": plan.waiting,
            "cause": plan.cause,
        }
        for plan in plans
    ]


def plan_text(plans: Sequence[NodePlan]) -> str:
    """The same as a table, and what a folder has beside its videos."""
    rows = [
        (row["node"], row["recipe"], row["shards"], _to_do(row), row["cause"])
        for row in plan_rows(plans)
    ]
    table = text_table(rows, ("node", "recipe", ">shards", ">to do", "cause"))
    others = passed_over_text(passed_over(plans))
    return f"{table}\n{others}" if others else table


def _to_do(row: Mapping[str, Any]) -> str:
    """How many shards are to be made; how many at most, where it depends on rows above."""
    certain, most = row["to_do"] - row["waiting"], row["to_do"]
    return f"{certain}" if certain == most else f"{certain} to {most}"


def passed_over(plans: Sequence[NodePlan]) -> Mapping[str, int]:
    """How many files of a folder as the source are no videos by their names, by suffix."""
    return next((plan.manifest.source.passed_over for plan in plans if plan.manifest), {})
