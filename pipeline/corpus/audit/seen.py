"""A set of texts on disk, which finds duplicates in constant memory."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from pipeline.store.files.scratch_db import scratch_base


class Seen:
    """A set of texts, as digests in a temporary database."""

    def __enter__(self) -> Seen:
        """Itself, empty."""
        self._folder = tempfile.TemporaryDirectory(prefix="turnwise-")
        self._base = scratch_base(Path(self._folder.name) / "seen.sqlite")
        self._base.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY) WITHOUT ROWID")
        self._base.execute("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves nothing on disk."""
        self._base.close()
        self._folder.cleanup()

    def again(self, text: str) -> bool:
        """Adds the text; returns whether it was there already."""
        digest = hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).digest()
        cursor = self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (digest,))
        return cursor.rowcount == 0
