"""What the log of a run says of its shards: how often each was worked on, when, how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Work:
    """All the work on one part so far: times in UTC, ``seconds`` and ``failed`` of the last."""

    attempts: int
    first_at: str
    last_at: str
    seconds: float
    failed: bool


NO_WORK = Work(0, "", "", 0.0, False)


def read_log(root: Path) -> Mapping[tuple[str, str], Work]:
    """By node and name of the part. What was not started, and lines cut short, do not count."""
    found: dict[tuple[str, str], Work] = {}
    path = root / "log.jsonl"
    if not path.exists():
        return found
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                entry: dict[str, Any] = json.loads(line)
            except ValueError:
                continue  # a run was killed while it wrote this line
            key = (entry["node"], entry["part"])
            if entry["blocked"]:
                continue
            before = found.get(key, NO_WORK)
            found[key] = Work(
                attempts=before.attempts + 1,
                first_at=before.first_at or entry["at"],
                last_at=entry["at"],
                seconds=entry["seconds"],
                failed=entry["error"] is not None,
            )
    return found
