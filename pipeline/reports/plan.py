"""What a run would make, as rows and as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.media.folder import passed_over_text
from pipeline.store.files.text_table import text_table
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.replied import AsksAhead


def plan_rows(
    plans: Sequence[NodePlan], ahead: Mapping[str, AsksAhead] | None = None
) -> list[dict[str, Any]]:
    """A row of plain values a node: how many of its shards are to be made, and why.

    Of these, so many are ``waiting`` for other nodes; they have nothing to do where what they read
    comes out as it was. With ``ahead``, of a node that asks a model, the ``asks`` of these shards,
    the ``new_asks`` among them, and whether ``more_asks`` depend on what is not there yet.
    """
    return [
        {
            "node": plan.node.name,
            "recipe": plan.node.recipe_digest,
            "shards": len(plan.tasks),
            "to_do": len(plan.missing),
            "waiting": plan.waiting,
            "cause": plan.cause,
            **_asks((ahead or {}).get(plan.node.name)),
        }
        for plan in plans
    ]


def _asks(ahead: AsksAhead | None) -> dict[str, Any]:
    if ahead is None:
        return {}
    return {"asks": ahead.asks, "new_asks": ahead.new, "more_asks": ahead.more}


def plan_text(plans: Sequence[NodePlan], ahead: Mapping[str, AsksAhead] | None = None) -> str:
    """The same as a table, and what a folder has beside its videos."""
    asked = ahead is not None
    rows = [
        (row["node"], row["recipe"], row["shards"], _to_do(row), *[_new_asks(row)] * asked, why)
        for row in plan_rows(plans, ahead)
        for why in [row["cause"]]
    ]
    heads = ("node", "recipe", ">shards", ">to do", *[">new asks"] * asked, "cause")
    table = text_table(rows, heads)
    others = passed_over_text(passed_over(plans))
    return f"{table}\n{others}" if others else table


def _to_do(row: Mapping[str, Any]) -> str:
    """How many shards are to be made; how many at most, where it depends on rows above."""
    certain, most = row["to_do"] - row["waiting"], row["to_do"]
    return f"{certain}" if certain == most else f"{certain} to {most}"


def _new_asks(row: Mapping[str, Any]) -> str:
    """How many asks have no reply yet, of how many; empty where a node asks no model."""
    if not row.get("asks"):
        return "unknown" if row.get("more_asks") else "" if "asks" not in row else "0"
    return f"{row['new_asks']} of {row['asks']}{' or more' if row['more_asks'] else ''}"


def passed_over(plans: Sequence[NodePlan]) -> Mapping[str, int]:
    """How many files of a folder as the source are no videos by their names, by suffix."""
    return next((plan.manifest.source.passed_over for plan in plans if plan.manifest), {})
