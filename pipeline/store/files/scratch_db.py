"""Temporary SQLite databases for data that does not fit into memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def scratch_base(path: Path, *, page_bytes: int = 4096) -> sqlite3.Connection:
    """An empty database in a file, without a journal: it does not survive a crash.

    ``page_bytes``: more suit rows of some KB that are written and read in order.

    Each statement is its own transaction unless there was a BEGIN.
    """
    base = sqlite3.connect(path, isolation_level=None)
    base.execute(f"PRAGMA page_size = {page_bytes}")
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    return base
