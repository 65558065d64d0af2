"""A ``Media`` that reads each video of an unfinished shard once, over all of its runs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

from pipeline.media.base import (
    DEFAULT_LIMITS,
    Clip,
    Header,
    Limits,
    Media,
    MediaError,
    Probe,
    Still,
    StillsRequest,
)
from pipeline.media.protocol import (
    LENGTH,
    Reply,
    Request,
    body_length,
    packed_reply,
    packed_request,
    unpacked_reply,
)
from pipeline.store.location import Location

R = TypeVar("R")


class KeptMedia:
    """What another ``Media`` reads, and what ``keep`` left of an earlier run of the shard.

    What fails for a passing cause is read again. The replies that are held are those that the
    shard's own rows hold.
    """

    def __init__(self, media: Media, file: Location) -> None:
        """``file``: where replies are kept. It is read with the first request."""
        self._media = media
        self._file = file
        self._replies: dict[bytes, Reply] | None = None

    def probe(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
        """As ``Media.probe``."""
        return self._once(Request(clip, "probe", limits), lambda: self._media.probe(clip, limits))

    def header(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
        """As ``Media.header``."""
        return self._once(Request(clip, "header", limits), lambda: self._media.header(clip, limits))

    def stills(
        self, clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[Still]:
        """As ``Media.stills``."""
        return self._once(
            Request(clip, request, limits), lambda: self._media.stills(clip, request, limits)
        )

    def keep(self) -> None:
        """Write down what was read, for the next run of the shard. Raises OSError."""
        if self._replies:
            with self._file.writing() as path, path.open("wb") as file:
                for request, reply in self._replies.items():
                    file.write(request)
                    file.write(packed_reply(reply))

    def forget(self) -> None:
        """Remove what was kept: the shard is finished."""
        if self._replies is not None:
            self._file.remove()

    def _once(self, request: Request, read: Callable[[], R]) -> R:
        if self._replies is None:
            self._replies = dict(_kept(self._file))
        key = packed_request(request)
        if key not in self._replies:
            try:
                self._replies[key] = read()  # type: ignore[assignment]  # each R is a Reply
            except MediaError as error:
                if error.passing:
                    raise
                self._replies[key] = error
        reply = self._replies[key]
        if isinstance(reply, MediaError):
            raise reply
        return reply  # type: ignore[return-value]  # that of the same request


def _kept(file: Location) -> Iterator[tuple[bytes, Reply]]:
    """Requests with their replies, up to the first that another version wrote otherwise."""
    with suppress(FileNotFoundError, ValueError, struct.error), file.open() as stream:
        while head := stream.read(LENGTH.size):
            request = head + stream.read(body_length(head))
            yield request, unpacked_reply(stream.read(body_length(stream.read(LENGTH.size))))
