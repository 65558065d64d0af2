"""The logs of runs: JSON lines, one for each shard that ended. A killed run cuts its last line.

<root>/log/<start of the run>-<random>.jsonl
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from io import BufferedRandom
from pathlib import Path
from time import monotonic
from typing import Any

from pipeline.records.digest import canonical_json
from pipeline.store.durable import make_folders, naming, sync
from pipeline.store.location import Location

PUT_EVERY_S = 30.0
"""Nothing can be appended to in an object store: there the whole file is put anew, at most so
often."""


@dataclass(frozen=True)
class Attempts:
    """How often something was attempted, and when first and last (UTC, ISO 8601).

    ``seconds`` and ``failed`` are those of the last attempt.
    """

    count: int = 0
    first_at: str = ""
    last_at: str = ""
    seconds: float = 0.0
    failed: bool = False


class RunLog:
    """The log of one run. Its file appears with the first line, and is whole after the block."""

    def __init__(self, root: Location) -> None:
        """``root``: folder of the run."""
        start = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
        self._place = root / f"log/{start}-{uuid.uuid4().hex[:8]}.jsonl"
        self._file: BufferedRandom | None = None
        self._lines: list[bytes] = []
        self._put_s = monotonic()

    def __enter__(self) -> RunLog:
        """Itself."""
        return self

    def write(self, entry: Mapping[str, Any]) -> None:
        """Add a line. On this machine it is written at once, elsewhere within ``PUT_EVERY_S``."""
        line = f"{canonical_json(entry)}\n".encode(errors="replace")
        path = self._place.path
        if path is not None:
            if self._file is None:
                make_folders(path.parent)
                self._file = path.open("xb+")
            with naming(path):
                self._file.write(line)
                self._file.flush()
            return
        self._lines.append(line)
        if monotonic() - self._put_s >= PUT_EVERY_S:
            self._put()

    def __exit__(self, *_: object) -> None:
        """Write what is left, and close."""
        if self._file is not None:
            with naming(self._place):
                self._file.close()
            sync(Path(self._place))
            sync(Path(self._place).parent)
        elif self._lines:
            self._put()

    def _put(self) -> None:
        self._place.write_bytes(b"".join(self._lines))
        self._put_s = monotonic()


def now() -> str:
    """The time (UTC, ISO 8601) as lines of the log have it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def read_log(root: Location) -> Iterator[dict[str, Any]]:
    """The lines of all runs, in the order in which the runs started, without those cut short."""
    folder = root / "log"
    for name in sorted(folder.sizes()):
        with (folder / name).open() as lines:
            for line in lines:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                if isinstance(entry, dict):
                    yield entry


def read_attempts(root: Location) -> Mapping[tuple[str, str], Attempts]:
    """The attempts at each part, by node and name of the part. Blocked shards do not count."""
    found: dict[tuple[str, str], Attempts] = {}
    for entry in read_log(root):
        if not entry["blocked"]:
            key = (entry["node"], entry["part"])
            before = found.get(key, Attempts())
            first_at, failed = before.first_at or entry["at"], entry["error"] is not None
            found[key] = Attempts(before.count + 1, first_at, entry["at"], entry["seconds"], failed)
    return found
