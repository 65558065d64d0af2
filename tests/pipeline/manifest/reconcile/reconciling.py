"""What holds of every account of a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.manifest.account import Account

Make = Callable[..., tuple[Account, list[dict[str, Any]], list[dict[str, Any]]]]
"""Of annotations and folders of videos: the account, the rows and the rejects."""


def reconciled(account: Account, rejects: Sequence[Mapping[str, Any]]) -> None:
    counts = account.as_json()
    assert sum(account.files.values()) == counts["records"]
    assert counts["records"] == counts["entries"] + sum(counts["unread"].values())
    refused = counts["entries_rejected"]
    left = counts["entries_left_out"]
    assert counts["entries"] == counts["entries_written"] + sum(refused.values()) + sum(
        left.values()
    )
    by_rule = Counter(counts["refused"])
    assert counts["annotations"] == counts["accepted"] + by_rule.total() + counts["without_row"]
    del by_rule["model_written"]
    named = Counter(reject["reason"] for reject in rejects)
    assert named == Counter(counts["unread"]) + Counter(refused) + by_rule
