"""The summary of a run as it was last printed, so that one that changed nothing need not add it up.

<root>/summary.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pipeline.records.digest import canonical_json
from pipeline.store.location import Location

_NAME = "summary.json"


def read_summary(root: Location, of: str) -> Mapping[str, Any] | None:
    """The fields that were kept ``of`` these very parts; None where there are none."""
    with suppress(FileNotFoundError, ValueError):
        kept = json.loads((root / _NAME).read_bytes())
        if isinstance(kept, dict) and kept.get("of") == of:
            summary: Mapping[str, Any] = kept["summary"]
            return summary
    return None


def keep_summary(root: Location, of: str, summary: Mapping[str, Any]) -> None:
    """Replaces what was kept. No part relies on it."""
    text = canonical_json({"of": of, "summary": summary})
    (root / _NAME).write_bytes(text.encode(), sync_name=False)
