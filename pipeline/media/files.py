"""Video files: locating them by uri, copying them to this machine, and their sizes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.media.base import Limits, MediaError
from pipeline.store.location import Location, LocationError

VIDEO_SUFFIXES = (
    *(".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"),
    *(".3g2", ".mts", ".m2ts", ".ts", ".ogv", ".gif", ".vob", ".asf", ".f4v", ".mxf", ".m2v"),
)
"""By which a video is known where only folders are named. A file that is named itself is tried
whatever its suffix. Of files that differ in nothing else, the earlier suffix is preferred."""

_CACHED_FOLDERS = 16


def video_file(uri: str, root: Location) -> Location:
    """The file of a uri: an absolute path, one relative to ``root``, or an address with a scheme.

    Raises:
        MediaError: ``unsupported`` for a scheme that cannot be read.
    """
    if "://" in uri:
        try:
            return Location.of(uri)
        except LocationError as error:
            raise MediaError("unsupported", str(error)) from None
    if root.path is None:
        return Location(uri) if uri.startswith("/") else root / uri
    # Not by ``Location.of``: a name may begin with ``~``.
    return Location(os.path.join(root.address, uri))  # noqa: PTH118


@contextmanager
def on_this_machine(file: Location, limits: Limits) -> Iterator[Path]:
    """A local path of the file: its own, or that of a copy, which is removed after the block.

    Raises:
        MediaError: the object store has no such file (``missing_file``), it exceeds the limit
            (``too_large``) and is not copied, or the store cannot be read (``unreadable``).
        LocationError: the client of the store is not installed.
    """
    if file.path is not None:
        yield file.path
        return
    with tempfile.TemporaryDirectory(prefix="turnwise-video-") as folder:
        # Some readers go by the suffix.
        copy = Path(folder) / f"video{file.suffix}"
        try:
            n_bytes = file.size_bytes()
            if n_bytes > limits.max_file_bytes:
                raise MediaError(
                    "too_large", f"{n_bytes} bytes are more than {limits.max_file_bytes}"
                )
            file.fetch(copy)
        except FileNotFoundError:
            raise MediaError("missing_file", f"there is no file {file.name}") from None
        except (MediaError, LocationError):
            raise
        except Exception as error:  # each client has errors of its own, with no base in common
            raise unreadable(file, error) from error
        yield copy


def unreadable(file: Location, error: Exception) -> MediaError:
    """The fault of a place, with what cannot be read there and why."""
    cause = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return MediaError("unreadable", f"{file}: {' '.join(cause.split())}")


def is_there(uri: str, root: Location) -> bool:
    """Whether a uri has a file; False too where its place cannot be read."""
    try:
        return video_file(uri, root).is_file()
    except LocationError:
        raise
    except Exception:  # noqa: BLE001  see ``on_this_machine``
        return False


class FileSizes:
    """Sizes of video files, so that a replaced file is noticed.

    Modification times would notice more, but differ between copies of a folder. In an object store
    whole folders are listed, since one request a file would take hours.
    """

    def __init__(self, root: Location) -> None:
        """``root``: what relative uris are resolved against."""
        self._root = root
        self._folders: dict[Location, Mapping[str, int]] = {}

    def of(self, row: Mapping[str, object]) -> int | None:
        """Bytes of the file of a manifest's row; None without one, or where none can be seen."""
        uri = row.get("uri")
        if not isinstance(uri, str):
            return None
        try:
            file = video_file(uri, self._root)
            if file.path is not None:
                return file.path.stat().st_size
            return self._listed(file.parent).get(file.name)
        except (MediaError, OSError, ValueError):
            return None

    def _listed(self, folder: Location) -> Mapping[str, int]:
        if folder not in self._folders:
            if len(self._folders) >= _CACHED_FOLDERS:
                del self._folders[next(iter(self._folders))]
            try:
                self._folders[folder] = folder.sizes()
            except LocationError:
                raise
            except Exception:  # noqa: BLE001  see ``on_this_machine``; who reads there says why
                self._folders[folder] = {}
        return self._folders[folder]
