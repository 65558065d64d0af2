"""What the log of a run says of its shards: how often each was worked on, when, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.location import Location
from pipeline.run_log import read_logs


@dataclass(frozen=True)
class Work:
    """All the work on one part so far: times in UTC, ``seconds`` and ``failed`` of the last."""

    attempts: int
    first_at: str
    last_at: str
    seconds: float
    failed: bool


NO_WORK = Work(0, "", "", 0.0, False)


def read_log(root: Location) -> Mapping[tuple[str, str], Work]:
    """By node and name of the part. What was not started does not count."""
    found: dict[tuple[str, str], Work] = {}
    for entry in read_logs(root):
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
