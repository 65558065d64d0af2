"""Heartbeats of runs, so that nothing is removed that a live run is about to read.

<root>/alive/<random>.json, written every half minute and removed at the end. Runs read none.
"""

from __future__ import annotations

import json
import platform
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta, timezone

from pipeline.records.digest import canonical_json
from pipeline.store.location import Location
from pipeline.store.process import Process

EVERY_S = 30.0
DEAD_AFTER_S = 600.0
"""A run of another machine without a heartbeat for so long is dead: twenty are missing, or clocks
differ that much. Of this machine the process itself is looked at, and no clock."""


@contextmanager
def heartbeat(root: Location) -> Iterator[None]:
    """Write heartbeats of this run while the block lasts."""
    file = root / f"alive/{uuid.uuid4().hex}.json"
    who = {"host": platform.node(), **asdict(Process.this())}
    ended = threading.Event()

    def beat() -> None:
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        file.write_text(canonical_json({"at": at, **who}))

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
    """The runs that are alive, one description each."""
    return list(filter(None, _runs(root).values()))


def dead_runs(root: Location) -> list[Location]:
    """The heartbeats that runs left which are dead, such as killed ones."""
    return [file for file, alive in _runs(root).items() if not alive]


def _runs(root: Location) -> dict[Location, str]:
    """What is to be said of the run of each heartbeat; nothing of a dead one."""
    found: dict[Location, str] = {}
    folder = root / "alive"
    for name in sorted(folder.sizes()):
        if not name.endswith(".json") or name.startswith("."):
            continue
        try:
            beat = json.loads((folder / name).read_bytes())
            seen, host = datetime.fromisoformat(beat["at"]), str(beat["host"])
            age = datetime.now(timezone.utc) - seen
            # An earlier version does not say where: it is then judged as one of another machine.
            started, where = beat.get("started", 0), beat.get("where", "")
            process = Process(int(beat["pid"]), int(started), str(where))
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            text = f"{folder / name} (it cannot be read; remove it if no run is alive)"
            found[folder / name] = text
            continue
        lives = process.lives()
        if lives is None:
            lives = age <= timedelta(seconds=DEAD_AFTER_S)
        text = f"process {process.pid} of {host}, last seen {beat['at']}"
        found[folder / name] = text if lives else ""
    return found
