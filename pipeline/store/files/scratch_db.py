"""Databases that hold for a while what is too much for memory."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def scratch_base(path: Path) -> sqlite3.Connection:
    """An empty database in a file, which is of no use after a crash and so need not survive one.

    Each statement counts by itself unless it stands behind a BEGIN.
    """
    base = sqlite3.connect(path, isolation_level=None)
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    return base
