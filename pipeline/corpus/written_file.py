"""A file of a corpus as it is written: its digest is taken on the way, so it is not read again."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

from pipeline.records import ShardFile
from pipeline.store.durable import naming


class WrittenFile(io.RawIOBase):
    """A new file, written from its beginning to its end. An OSError names it."""

    def __init__(self, folder: Path, path: str, task: str = "", split: str = "") -> None:
        """``folder / path``, whose folders are made; ``rows`` is for its owner to count."""
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        self._place = place
        self._stream = place.open("wb")
        self._sha256 = hashlib.sha256()
        self._about = path, task, split
        self.size_bytes = 0
        self.rows = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any, /) -> int:
        """All of the data, at the end."""
        size_bytes = memoryview(data).nbytes
        self._sha256.update(data)
        with naming(self._place):
            self._stream.write(data)
        self.size_bytes += size_bytes
        return size_bytes

    def tell(self) -> int:
        """How many bytes it has."""
        return self.size_bytes

    def close(self) -> None:
        """Its bytes are in the file now."""
        with naming(self._place):
            self._stream.close()
        super().close()

    def described(self) -> ShardFile:
        """The row about it, once it is closed."""
        path, task, split = self._about
        return ShardFile(
            path=path,
            sha256=self._sha256.hexdigest(),
            size_bytes=self.size_bytes,
            rows=self.rows,
            task=task,
            split=split,
        )


def write_file(folder: Path, path: str, content: bytes) -> ShardFile:
    """A whole file at once; returns the row about it."""
    with WrittenFile(folder, path) as file:
        file.write(content)
    return file.described()
