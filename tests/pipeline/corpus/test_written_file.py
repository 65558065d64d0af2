"""A file of a corpus says of itself what was written, and which it is when it cannot be."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

import pytest

from pipeline.corpus.written_file import WrittenFile, write_file

FULL = Path("/dev/full")
"""A device that takes no byte."""


def test_it_has_the_digest_and_the_size_of_what_was_written(tmp_path: Path) -> None:
    about = write_file(tmp_path, "in/a.txt", b"some bytes")
    assert (tmp_path / about.path).read_bytes() == b"some bytes"
    assert about.sha256 == hashlib.sha256(b"some bytes").hexdigest()
    assert about.size_bytes == 10


@pytest.mark.parametrize("size_bytes", [1, 1 << 20])
def test_a_full_disk_is_named_whether_a_write_or_the_end_meets_it(size_bytes: int) -> None:
    file = WrittenFile(FULL.parent, FULL.name)
    with pytest.raises(OSError, match=f"'{FULL}'") as raised:
        file.write(bytes(size_bytes))
        file.close()
    assert raised.value.errno == errno.ENOSPC
