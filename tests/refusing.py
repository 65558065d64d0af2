"""A folder that the system refuses to list, for tests that run as root, to whom it refuses none."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest


def refuse(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From now on the folder cannot be listed, though it is there."""
    scandir, listdir = os.scandir, os.listdir

    def checked(path: Any) -> Any:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        return path

    monkeypatch.setattr(os, "scandir", lambda path=".": scandir(checked(path)))
    monkeypatch.setattr(os, "listdir", lambda path=".": listdir(checked(path)))
