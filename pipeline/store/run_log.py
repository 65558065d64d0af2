"""What runs did, shard after shard: one file a run, which its end may cut short.

<root>/log/<when it began>-<random>.jsonl
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from io import BufferedRandom
from time import monotonic
from types import TracebackType
from typing import Any

from pipeline.records.digest import canonical_json
from pipeline.store.location import Location


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


PUT_EVERY_S = 30.0
"""An object store takes no single lines: there the whole file is put anew, so often at most."""


def now() -> str:
    """The time, as it stands in every line."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


class RunLog:
    """The file of one run. It appears with its first line, and is whole when the block ends."""

    def __init__(self, root: Location) -> None:
        """``root``: where the run lives."""
        began = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        self._place = root / f"log/{began}-{uuid.uuid4().hex[:8]}.jsonl"
        self._file: BufferedRandom | None = None
        self._held: list[bytes] = []
        self._put_s = monotonic()

    def __enter__(self) -> RunLog:
        """Itself."""
        return self

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add a line. It is there at once on this machine, within half a minute elsewhere."""
        line = f"{canonical_json(entry)}\n".encode(errors="replace")
        path = self._place.path
        if path is not None:
            if self._file is None:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file = path.open("xb+")
            self._file.write(line)
            self._file.flush()
            return
        self._held.append(line)
        if monotonic() - self._put_s >= PUT_EVERY_S:
            self._put()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leaves all of it there."""
        if self._file is not None:
            self._file.close()
        elif self._held:
            self._put()

    def _put(self) -> None:
        self._place.write_bytes(b"".join(self._held))
        self._put_s = monotonic()


def read_logs(root: Location) -> Iterator[dict[str, Any]]:
    """The lines of all runs, in the order in which these began; one that was cut is passed over."""
    folder = root / "log"
    for name in sorted(folder.sizes()):
        with (folder / name).open() as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # a run was killed while it wrote this line
                if isinstance(entry, dict):
                    yield entry
