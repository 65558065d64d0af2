"""Video files and members of containers: where they lie, copies on this machine, and sizes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.media.archive import read_archive
from pipeline.media.base import Limits, MediaError
from pipeline.media.member import Member, file_uri, member_of, member_uri
from pipeline.store.location import Location, LocationError

VIDEO_SUFFIXES = (
    *(".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"),
    *(".3g2", ".mts", ".m2ts", ".ts", ".ogv", ".gif", ".vob", ".asf", ".f4v", ".mxf", ".m2v"),
)
"""By which a video is known where only folders are named. A file that is named itself is tried
whatever its suffix. Of files that differ in nothing else, the earlier suffix is preferred."""

_CACHED_FOLDERS = 16
_CHUNK_BYTES = 1 << 20


def video_file(uri: str, root: Location) -> Location:
    """The file of a uri: an absolute path, one relative to ``root``, or an address with a scheme.
    Of a video in a container (``member.py``) it is the container.

    Raises:
        MediaError: ``unsupported`` for a scheme that cannot be read.
    """
    if member := member_of(uri):
        uri = member.container
    if "://" in uri:
        try:
            return Location.of(uri)
        except LocationError as error:
            raise MediaError("unsupported", str(error)) from None
    if root.scheme:
        return Location(uri) if uri.startswith("/") else root / uri
    # Not by ``Location.of``: a name may begin with ``~``.
    return Location(os.path.join(root.address, uri))  # noqa: PTH118


@contextmanager
def on_this_machine(uri: str, root: Location, limits: Limits) -> Iterator[str]:
    """A local uri of the video: its own file or container, or a copy, which is removed after the
    block. Of an archive in an object store the member alone is copied.

    Raises:
        MediaError: the object store has no such file (``missing_file``) or member, or it exceeds
            the limit (``too_large``) and is not copied; ``unsupported`` for Parquet there;
            ``unreadable`` where the store cannot be read.
        LocationError: the client of the store is not installed.
    """
    file, member = video_file(uri, root), member_of(uri)
    if file.path is not None:
        path = str(file.path)
        yield file_uri(path) if member is None else member_uri(path, member.name)
        return
    with tempfile.TemporaryDirectory(prefix="turnwise-video-") as folder:
        # Some readers go by the suffix.
        copy = Path(folder) / f"video{Path(member.name if member else file.name).suffix}"
        try:
            if member is None:
                _check_size(file.size_bytes(), limits)
                file.fetch(copy)
            else:
                _copy_member(file, member, copy, limits)
        except FileNotFoundError:
            raise MediaError("missing_file", f"there is no file {file.name}") from None
        except (MediaError, LocationError):
            raise
        except Exception as error:  # each client has errors of its own, with no base in common
            raise unreadable(file, error) from error
        yield str(copy)


def _copy_member(file: Location, member: Member, copy: Path, limits: Limits) -> None:
    if member.kind not in ("tar", "zip"):
        raise MediaError(
            "unsupported",
            f"not supported: {file.name} in an object store; copy it to this machine",
        )
    span = read_archive(file, member.kind).span(member)
    _check_size(span.n_bytes, limits)
    left = span.n_bytes
    with file.open() as source, copy.open("wb") as target:
        source.seek(span.start)
        while left and (chunk := source.read(min(left, _CHUNK_BYTES))):
            left -= target.write(chunk)


def _check_size(n_bytes: int, limits: Limits) -> None:
    if n_bytes > limits.max_file_bytes:
        raise MediaError("too_large", f"{n_bytes} bytes are more than {limits.max_file_bytes}")


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
    whole folders are listed, since one request a file would take hours. A member of a tar or zip on
    this machine has a size of its own; of any other video in a container the container's counts.
    """

    def __init__(self, root: Location) -> None:
        """``root``: what relative uris are resolved against."""
        self._root = root
        self._folders: dict[Location, Mapping[str, int]] = {}

    def of(self, row: Mapping[str, object]) -> int | Sequence[int | None] | None:
        """Bytes of the video of a manifest's row, and of each clip of a stream; None without one,
        or where none can be seen."""
        clips = row.get("clips")
        if isinstance(clips, list) and clips:
            return [self._of(c.get("uri") if isinstance(c, dict) else None) for c in clips]
        return self._of(row.get("uri"))

    def _of(self, uri: object) -> int | None:
        if not isinstance(uri, str):
            return None
        try:
            file, member = video_file(uri, self._root), member_of(uri)
            if file.scheme:
                return self._listed(file.parent).get(file.name)
            if member and member.kind in ("tar", "zip"):
                return read_archive(file, member.kind).span(member).n_bytes
            return os.stat(file.address).st_size  # noqa: PTH116  a million times, without a Path
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
