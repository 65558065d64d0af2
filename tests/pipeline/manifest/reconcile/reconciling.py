"""What holds of every account of a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.manifest.account import Account

Make = Callable[..., tuple[Account, list[dict[str, Any]], list[dict[str, Any]]]]
"""Of annotations and folders of videos: the account, the rows and the rejects."""


def reconciled(account: Account, rejects: Sequence[Mapping[str, Any]]) -> None:
    told = account.as_json()
    assert sum(account.files.values()) == told["records"]
    assert told["records"] == told["entries"] + sum(told["unread"].values())
    refused = told["entries_rejected"]
    left = told["entries_left_out"]
    assert told["entries"] == told["entries_written"] + sum(refused.values()) + sum(left.values())
    by_rule = Counter(told["refused"])
    assert told["told"] == told["kept"] + by_rule.total() + told["without_row"]
    del by_rule["model_written"]
    named = Counter(reject["reason"] for reject in rejects)
    assert named == Counter(told["unread"]) + Counter(refused) + by_rule
