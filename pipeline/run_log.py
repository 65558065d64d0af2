"""What runs did, shard after shard: one file a run, which its end may cut short.

<root>/log/<when it began>-<random>.jsonl
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from io import BufferedRandom
from time import monotonic
from types import TracebackType
from typing import Any

from pipeline.fingerprint import canonical_json
from pipeline.location import Location

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
