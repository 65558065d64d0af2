"""Temporary SQLite databases for data that does not fit into memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def scratch_base(path: Path) -> sqlite3.Connection:
    """An empty database in a file, without a journal: it does not survive a crash.

    Each statement is its own transaction unless there was a BEGIN.
    """
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    return base
