"""Where files lie, on this machine or in an object store, and how they come to be there: whole.

A file appears by one act, a rename here and one PUT there, so that what exists is complete. Nothing
is ever appended to or renamed in an object store, and what is in a folder is told by listing it.
Object stores are reached through fsspec, which tries again what fails for passing causes.
"""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

import fsspec

from pipeline.errors import ConfigError

SCHEMES: Mapping[str, str] = {"s3": "s3", "gs": "gcs"}
"""Object stores, and the extra of this package that reaches each."""

_BUFFER_BYTES = 1 << 20

_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    # botocore's own ladder: refused, throttled and broken-off requests, with growing waits.
    "s3": {"config_kwargs": {"retries": {"mode": "standard", "max_attempts": 8}}},
}


class LocationError(ConfigError):
    """An address that says of no place that can be reached."""


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A file or a folder: an absolute path of this machine, or ``s3://`` or ``gs://``.

    Whatever reaches a place raises OSError where the place does not let it, after the tries that
    fsspec makes. Only ``scheme`` of an address is looked at before that.
    """

    address: str

    @staticmethod
    def of(text: str | os.PathLike[str]) -> Location:
        """The place that a text names; a path may be relative, begin with ``~``, or be a file URI.

        Raises:
            LocationError: its scheme is none of those.
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
        """Of an object store; empty on this machine."""
        scheme, mark, _ = self.address.partition("://")
        return scheme if mark and scheme in SCHEMES else ""

    @property
    def path(self) -> Path | None:
        """On this machine; None in an object store."""
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
        """The folder that it lies in."""
        return Location(self.address.rpartition("/")[0] or "/")

    def with_name(self, name: str) -> Location:
        """Another place in the same folder."""
        return self.parent / name

    def __truediv__(self, below: str) -> Location:
        """A place below this one; ``below`` may be several names joined by ``/``."""
        return Location(f"{self.address.rstrip('/')}/{below}")

    def __str__(self) -> str:
        """The address."""
        return self.address

    def exists(self) -> bool:
        """Whether there is such a file or folder."""
        if self.scheme:
            return bool(self._store.exists(self.address))
        return os.path.exists(self.address)  # noqa: PTH110  a million times, without a Path

    def is_file(self) -> bool:
        """Whether there is such a file."""
        return bool(self._store.isfile(self.address)) if self.scheme else Path(self).is_file()

    def size_bytes(self) -> int:
        """Of a file."""
        return int(self._store.size(self.address)) if self.scheme else Path(self).stat().st_size

    def __fspath__(self) -> str:
        """Raises LocationError for a place that is not on this machine."""
        if self.scheme:
            raise LocationError(f"{self.address} is not on this machine")
        return self.address

    def sizes(self) -> Mapping[str, int]:
        """The files in a folder by name, with their bytes; of no folder, none."""
        if not self.scheme:
            found: dict[str, int] = {}
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(self.address) as items:
                for item in items:
                    # What somebody is writing may get its name, or go, at any moment.
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
        """Names of the folders in a folder, in order; of no folder, none."""
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
        """All files below a folder by their way from it, with their bytes, in order."""
        found = dict(self.sizes())
        for folder in self.folders():
            inner = (self / folder).walk()
            found |= {f"{folder}/{name}": n_bytes for name, n_bytes in inner.items()}
        return dict(sorted(found.items()))

    def open(self) -> BinaryIO:
        """The file, to read from, at any place in it."""
        if self.scheme:
            # Its own readers of lines cannot be told how long a line may be.
            return io.BufferedReader(self._store.open(self.address, "rb"), _BUFFER_BYTES)
        return Path(self).open("rb")

    def read_bytes(self) -> bytes:
        """All of a file."""
        if self.scheme:
            return bytes(self._store.cat_file(self.address))
        return Path(self).read_bytes()

    def write_bytes(self, content: bytes) -> None:
        """Put a file there, or in the place of the one that is there, by one act."""
        if self.scheme:
            self._store.pipe_file(self.address, content)
            return
        with self.writing() as path:
            path.write_bytes(content)

    def write_text(self, text: str) -> None:
        """Put a text there, as UTF-8, by one act."""
        self.write_bytes(text.encode())

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """A path of this machine to write to; what is there when the block ends well is put in
        place by one act, and what an interrupted block leaves is never under this name."""
        path = self.path
        if path is None:
            with tempfile.TemporaryDirectory(prefix="turnwise-") as folder:
                yield Path(folder) / "file"
                self._store.put_file(str(Path(folder) / "file"), self.address)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def fetch(self, to: Path) -> None:
        """Copy a file to this machine."""
        if self.scheme:
            self._store.get_file(self.address, str(to))
        else:
            shutil.copyfile(self, to)

    def copy_to(self, other: Location) -> None:
        """Copy a file, within an object store without bringing it here."""
        if self.scheme and self.scheme == other.scheme:
            self._store.cp_file(self.address, other.address)
            return
        with other.writing() as path:
            self.fetch(path)

    def remove(self) -> None:
        """Remove a file; nothing happens where there is none."""
        if self.scheme:
            with suppress(FileNotFoundError):
                self._store.rm_file(self.address)
            return
        Path(self).unlink(missing_ok=True)

    def remove_tree(self) -> None:
        """Remove a folder and all that is in it; nothing happens where there is none."""
        if not self.scheme:
            shutil.rmtree(self, ignore_errors=True)
            return
        for name in self.walk():
            (self / name).remove()

    @property
    def _store(self) -> Any:
        return _filesystem(self.scheme)


@cache
def _filesystem(scheme: str) -> Any:
    """The file system of a scheme, which remembers no listing: others write there too.

    Raises:
        LocationError: the package that reaches it is not installed.
    """
    try:
        options = _OPTIONS.get(scheme, {})
        return fsspec.filesystem(scheme, use_listings_cache=False, **options)
    except ImportError as error:
        extra = SCHEMES[scheme]
        raise LocationError(f"{scheme}://: pip install 'turnwise[{extra}]' ({error})") from None


def _sync(path: Path) -> None:
    """A name that outlives a loss of power must not outlive its content."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
