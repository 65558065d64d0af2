"""Heartbeats of runs, so that nothing is removed that a live run is about to read.

<root>/alive/<random>.json, written every half minute and removed at the end. Runs read none.
"""

from __future__ import annotations

import json
import os
import platform
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone

from pipeline.records.digest import canonical_json
from pipeline.store.location import Location

EVERY_S = 30.0
DEAD_AFTER_S = 600.0
"""A run without a heartbeat for so long is dead: twenty are missing, or clocks differ that much."""


@contextmanager
def heartbeat(root: Location) -> Iterator[None]:
    """Write heartbeats of this run while the block lasts."""
    file = root / f"alive/{uuid.uuid4().hex}.json"
    ended = threading.Event()

    def beat() -> None:
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        file.write_text(canonical_json({"at": at, "host": platform.node(), "pid": os.getpid()}))

    def keep_beating() -> None:
        while not ended.wait(EVERY_S):
            with suppress(OSError):  # the next one may succeed
                beat()

    beat()
    thread = threading.Thread(target=keep_beating, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        file.remove()


def live_runs(root: Location) -> list[str]:
    """The runs that are alive, one description each. Heartbeats of dead runs are removed."""
    found = []
    folder = root / "alive"
    for name in folder.sizes():
        if not name.endswith(".json") or name.startswith("."):
            continue
        try:
            beat = json.loads((folder / name).read_bytes())
            seen = datetime.fromisoformat(beat["at"])
            host, pid = str(beat["host"]), int(beat["pid"])
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            found.append(f"{folder / name} (it cannot be read; remove it if no run is alive)")
            continue
        if _is_dead(seen, host, pid):
            (folder / name).remove()
        else:
            found.append(f"process {pid} of {host}, last seen {beat['at']}")
    return found


def _is_dead(seen: datetime, host: str, pid: int) -> bool:
    if datetime.now(timezone.utc) - seen > timedelta(seconds=DEAD_AFTER_S):
        return True
    if host != platform.node():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False
