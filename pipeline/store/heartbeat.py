"""Which runs are alive in a store: for who would remove what they are about to read.

<root>/alive/<random>.json, put anew every half minute and removed at the end. No run looks at them.
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
"""So long without a sign is dead: twenty signs missed, or clocks that far apart."""


@contextmanager
def alive(root: Location) -> Iterator[None]:
    """Signs of life of this run while the block lasts."""
    sign = root / f"alive/{uuid.uuid4().hex}.json"
    ended = threading.Event()

    def give() -> None:
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        sign.write_text(canonical_json({"at": at, "host": platform.node(), "pid": os.getpid()}))

    def keep_giving() -> None:
        while not ended.wait(EVERY_S):
            with suppress(OSError):  # the next one may come through
                give()

    give()
    thread = threading.Thread(target=keep_giving, name="signs of life", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        sign.remove()


def runs_alive(root: Location) -> list[str]:
    """Who is alive, one text a run. Signs of those that died without removing theirs go."""
    found = []
    folder = root / "alive"
    for name in folder.sizes():
        if not name.endswith(".json") or name.startswith("."):
            continue
        try:
            said = json.loads((folder / name).read_bytes())
            seen = datetime.fromisoformat(said["at"])
            host, pid = str(said["host"]), int(said["pid"])
        except FileNotFoundError:
            continue
        except (ValueError, KeyError, TypeError):
            found.append(f"{folder / name} (it cannot be read; remove it if no run is alive)")
            continue
        if _is_dead(seen, host, pid):
            (folder / name).remove()
        else:
            found.append(f"process {pid} of {host}, last seen {said['at']}")
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
