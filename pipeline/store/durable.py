"""Files and folders of this machine that outlive a loss of power.

Bytes are synced before their file has its name, and a name is synced before anything relies on it.
What is unfinished has a name that begins with a dot and tells the process that writes it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import uuid
from contextlib import suppress
from pathlib import Path

from pipeline.store.process import Process

_MANY_FILES = 100
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)
"""What file systems answer that know no syncing of folders."""
_CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
_AT_FDCWD, _EXCHANGE = -100, 2
_UNFINISHED = re.compile(r"\.(.+?)\.([0-9a-f]{8})-(\d+)-(\d+)-[0-9a-f]{8}(?:\..*)?", re.DOTALL)


class naming:
    """An OSError that names no file, as of a full disk, leaves the block naming this one.

    A class, since every row is written in such a block: a generator takes three times as long.
    """

    def __init__(self, path: os.PathLike[str] | str) -> None:
        """``path``: the file to name."""
        self._path = path

    def __enter__(self) -> None:
        """Does nothing."""

    def __exit__(self, kind: object, error: BaseException | None, at: object) -> None:
        """Names the file."""
        if isinstance(error, OSError) and error.filename is None and error.errno is not None:
            error.filename = os.fspath(self._path)


def unfinished(path: Path) -> Path:
    """A new name beside ``path`` for what is to become it."""
    process = Process.this()
    who = f"{process.where}-{process.pid}-{process.started}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{path.name.lstrip('.')}.{who}")


def remove_abandoned(path: Path) -> None:
    """Remove what processes of this machine that have ended left unfinished of ``path``."""
    with suppress(FileNotFoundError):
        for name in os.listdir(path.parent):  # noqa: PTH208  a Path for each takes ten times as long
            found = _UNFINISHED.fullmatch(name)
            if found is None or found[1] != path.name:
                continue
            if Process(int(found[3]), int(found[4]), found[2]).lives() is False:
                remove(path.with_name(name))


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all in it, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a folder, outlive a loss of power."""
    place = os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            os.fsync(place)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC or not path.is_dir():
            raise
    finally:
        os.close(place)


def sync_tree(folder: Path) -> None:
    """``sync`` of all files and folders below a folder, and of the folder itself."""
    found = list(os.walk(folder))
    if sum(len(files) for *_, files in found) > _MANY_FILES:
        os.sync()  # all at once, after which each has little left to do
    for below, _, files in reversed(found):
        for name in files:
            sync(Path(below, name))
        sync(Path(below))


def make_folders(folder: Path) -> None:
    """Make a folder and those above it that are missing."""
    if not folder.is_dir():
        make_folders(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def put_file(fresh: Path, place: Path, *, sync_name: bool = True) -> None:
    """Rename a complete file to a place in the same folder, replacing what is there.

    ``sync_name``: without it the caller syncs the folder, once for many files.
    """
    sync(fresh)
    fresh.replace(place)
    if sync_name:
        sync(place.parent)


def put_folder(fresh: Path, place: Path) -> None:
    """Rename a complete folder to a place in the same folder, replacing what is there; of
    concurrent calls one wins.

    The old is exchanged for the new in one step where the system can do that (Linux on a local
    disk). Elsewhere, as on NFS, it first gets an unfinished name: a reader may then find nothing
    for a moment, and a kill right there leaves both whole, but neither in place.
    """
    sync_tree(fresh)
    while True:
        try:
            fresh.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        else:
            break
        try:
            if exchange(fresh, place):
                sync(place.parent)
                remove(fresh)
                return
        except FileNotFoundError:
            continue  # another has just taken it away
        aside = unfinished(place)
        with suppress(FileNotFoundError):
            place.rename(aside)
            remove(aside)
    sync(place.parent)


def exchange(one: Path, other: Path) -> bool:
    """Each gets the other's name, in one step; False where the system cannot do that."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    names = os.fsencode(one), os.fsencode(other)
    if libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(one), None, str(other))
