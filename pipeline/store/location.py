"""Files and folders on this machine or in an object store.

A file appears atomically, by a rename here and by one PUT there, so that every file is complete.
Nothing in an object store is appended to or renamed; listings are the only index. fsspec and the
store's client retry requests that fail for passing causes, so nothing here does.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from pipeline.errors import ConfigError
from pipeline.store.durable import make_folders, naming, put_file, unfinished
from pipeline.store.object_store import ObjectStore, object_store

SCHEMES: Mapping[str, str] = {"s3": "s3", "gs": "gcs"}
"""Schemes of object stores, and the extra of this package that each needs."""

_BUFFER_BYTES = 1 << 20


class LocationError(ConfigError):
    """An address that cannot be used: an unknown scheme, or a client that is not installed."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A file or a folder: an absolute path of this machine, or ``s3://`` or ``gs://``.

    Methods that access it raise OSError when that fails, after the retries of the store's client.
    """

    address: str

    @staticmethod
    def of(text: str | os.PathLike[str]) -> Location:
        """Parse an address; a path may be relative, begin with ``~``, or be a file URI.

        Raises:
            LocationError: the scheme is unknown.
        """
        text = os.fspath(text)
        scheme, mark, _ = text.partition("://")
        if mark and scheme in SCHEMES:
            return Location(text.rstrip("/"))
        if mark and scheme == "file":
            text = unquote(urlsplit(text).path)
        elif mark and scheme[:1] not in ("/", "~", "."):
            known = ", ".join(f"{name}://" for name in ("file", *SCHEMES))
            raise LocationError(f"not supported: {scheme}:// (there are {known} and paths)")
        return Location(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111

    @property
    def scheme(self) -> str:
        """The scheme of an object store; empty on this machine."""
        scheme, mark, _ = self.address.partition("://")
        return scheme if mark and scheme in SCHEMES else ""

    @property
    def path(self) -> Path | None:
        """The path on this machine; None in an object store."""
        return None if self.scheme else Path(self.address)

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without its last suffix."""
        return Path(self.name).stem

    @property
    def suffix(self) -> str:
        """The last suffix of the name, with its dot."""
        return Path(self.name).suffix

    @property
    def parent(self) -> Location:
        """The folder that contains it."""
        return Location(self.address.rpartition("/")[0] or "/")

    def with_name(self, name: str) -> Location:
        """The location of that name in the same folder."""
        return self.parent / name

    def __truediv__(self, below: str) -> Location:
        """The location below this one; ``below`` may be several names joined by ``/``."""
        return Location(f"{self.address.rstrip('/')}/{below}")

    def __str__(self) -> str:
        """The address."""
        return self.address

    def exists(self) -> bool:
        """Whether the file or folder exists."""
        if self.scheme:
            return bool(self._store.exists(self.address))
        return os.path.exists(self.address)  # noqa: PTH110  a million times, without a Path

    def is_file(self) -> bool:
        """Whether it exists and is a file."""
        return bool(self._store.isfile(self.address)) if self.scheme else Path(self).is_file()

    def size_bytes(self) -> int:
        """Size of the file."""
        return int(self._store.size(self.address)) if self.scheme else Path(self).stat().st_size

    def __fspath__(self) -> str:
        """The path. Raises LocationError for a location in an object store."""
        if self.scheme:
            raise LocationError(f"{self.address} is not on this machine")
        return self.address

    def sizes(self) -> Mapping[str, int]:
        """Sizes in bytes of the files in a folder, by name; empty if there is no such folder."""
        if not self.scheme:
            found: dict[str, int] = {}
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.address) as items:
                for item in items:
                    # Another process may rename or remove it at any moment.
                    with suppress(FileNotFoundError):
                        if item.is_file():
                            found[item.name] = item.stat().st_size
            return found
        try:
            listed = self._store.ls(self.address, detail=True)
        except FileNotFoundError:
            return {}
        files = [(about["name"].rpartition("/")[2], about) for about in listed]
        return {name: about["size"] for name, about in files if name and about["type"] == "file"}

    def folders(self) -> list[str]:
        """Sorted names of the folders in a folder; empty if there is no such folder."""
        if not self.scheme:
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.address) as items:
                return sorted(item.name for item in items if item.is_dir())
            return []
        try:
            listed = self._store.ls(self.address, detail=True)
        except FileNotFoundError:
            return []
        inner = (about["name"].rstrip("/") for about in listed if about["type"] == "directory")
        return sorted(name.rpartition("/")[2] for name in inner)

    def walk(self) -> Mapping[str, int]:
        """Sizes in bytes of all files below a folder, by their path relative to it, sorted."""
        found = dict(self.sizes())
        for folder in self.folders():
            inner = (self / folder).walk()
            found |= {f"{folder}/{name}": n_bytes for name, n_bytes in inner.items()}
        return dict(sorted(found.items()))

    def below(self) -> list[str]:
        """Sorted paths of all files below a folder of an object store, relative to it, by one
        listing. Raises FileNotFoundError where there is none."""
        start = f"{self.address.partition('://')[2]}/"
        names = [name.removeprefix(start) for name in self._store.find(self.address)]
        if not names:
            raise FileNotFoundError(errno.ENOENT, "nothing lies below", self.address)
        return sorted(names)

    def empty_folders(self) -> list[str]:
        """Sorted paths of the folders below it, relative to it, that hold nothing; its own is the
        empty one. An object store has none."""
        if self.scheme:
            return []
        found = (below for below, *inside in os.walk(self.address) if not any(inside))
        return sorted(below[len(self.address) + 1 :] for below in found)

    def open(self) -> BinaryIO:
        """Open the file for reading, seekable."""
        if self.scheme:
            # fsspec's ``readline`` takes no limit of bytes.
            return io.BufferedReader(self._store.open(self.address, "rb"), _BUFFER_BYTES)
        return Path(self).open("rb")

    def read_bytes(self) -> bytes:
        """The content of the file."""
        if self.scheme:
            return bytes(self._store.cat_file(self.address))
        return Path(self).read_bytes()

    def sha256(self) -> str:
        """The SHA-256 of its content, in hex digits."""
        digest = hashlib.sha256()
        with naming(self.address), self.open() as stream:
            while block := stream.read(_BUFFER_BYTES):
                digest.update(block)
        return digest.hexdigest()

    def write_bytes(self, content: bytes, *, sync_name: bool = True) -> None:
        """Create or replace the file atomically; ``sync_name`` as of ``writing``."""
        if self.scheme:
            self._store.pipe_file(self.address, content)
            return
        with self.writing(sync_name=sync_name) as path:
            path.write_bytes(content)

    def write_text(self, text: str) -> None:
        """Create or replace the file atomically with a text, as UTF-8."""
        self.write_bytes(text.encode())

    @contextmanager
    def writing(self, *, sync_name: bool = True) -> Iterator[Path]:
        """A temporary path on this machine; its file replaces this one atomically when the block
        ends without an exception, and outlives a loss of power.

        ``sync_name``: see ``put_file``.
        """
        path = self.path
        if path is None:
            with tempfile.TemporaryDirectory(prefix="turnwise-") as folder:
                yield Path(folder) / "file"
                self._store.put_file(str(Path(folder) / "file"), self.address)
            return
        make_folders(path.parent)
        temporary = unfinished(path)
        try:
            with naming(path):
                yield temporary
                put_file(temporary, path, sync_name=sync_name)
        finally:
            temporary.unlink(missing_ok=True)

    def fetch(self, to: Path) -> None:
        """Copy the file to this machine."""
        if self.scheme:
            self._store.get_file(self.address, str(to))
        else:
            shutil.copyfile(self, to)

    def copy_to(self, other: Location) -> None:
        """Copy the file; within one object store the data does not pass through this machine."""
        if self.scheme and self.scheme == other.scheme:
            self._store.cp_file(self.address, other.address)
            return
        with other.writing() as path:
            self.fetch(path)

    def remove(self) -> None:
        """Remove the file if it exists."""
        if self.scheme:
            with suppress(FileNotFoundError):
                self._store.rm_file(self.address)
            return
        Path(self).unlink(missing_ok=True)

    def remove_tree(self) -> None:
        """Remove the folder and everything in it if it exists."""
        if not self.scheme:
            shutil.rmtree(self, ignore_errors=True)
            return
        for name in self.walk():
            (self / name).remove()

    @property
    def _store(self) -> ObjectStore:
        try:
            return object_store(self.scheme, self.address)
        except ImportError as error:
            extra = SCHEMES[self.scheme]
            message = f"{self.scheme}://: pip install 'turnwise[{extra}]' ({error})"
            raise LocationError(message) from None
