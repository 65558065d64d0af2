"""The stills of a clip: JPEGs, and how much each differs from those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import NamedTuple

from pipeline.media.base import (
    DEFAULT_LIMITS,
    TURN_TOLERANCE_S,
    Clip,
    Limits,
    ReaderName,
    Still,
    StillsRequest,
    frame_rate,
    frame_times,
)
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.change import changed_levels, reduced
from pipeline.media.reader.last_file import packet_index
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.packet_index import FrameReader, Image
from pipeline.media.reader.stills import encode_jpeg, target_size
from pipeline.media.reader.timeline import Timeline, clip_timeline

READERS: Mapping[ReaderName, FrameReader] = MappingProxyType(
    {
        # PyAV is the faster exact reader for every codec measured (benchmarks/README.md), since it
        # decodes only the groups it needs. It also reports damage that decord conceals.
        "auto": pyav_reader.read,
        "pyav": pyav_reader.read,
        "decord": decord_reader.read,
    }
)


class _Picture(NamedTuple):
    """What is kept of a frame."""

    jpeg: bytes
    reduced: Image


def stills(clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS) -> list[Still]:
    """The stills of each turn, in order of time. ``clip.uri`` is a local path.

    ``decode_worker`` enforces the limits of time and memory for the whole process.

    Raises:
        MediaError: the clip holds no readable video, or exceeds a limit.
    """
    file = existing_file(clip.uri, limits)
    index = packet_index(file, limits)
    timeline = clip_timeline(index, clip)
    times = _times(timeline, request)
    shown = [timeline.on_screen(time_s) for time_s in times]
    pictures = READERS[request.reader](
        file,
        index,
        frozenset(shown),
        target_size(index.size, request.longer_px),
        lambda image: _Picture(encode_jpeg(image, request.jpeg_quality), reduced(image)),
    )
    times_s = [float(timeline.frame_s(pts)) for pts in shown]
    return list(_compared(times_s, [pictures[pts] for pts in shown], request.frames_per_turn))


def _compared(
    times_s: Sequence[float], pictures: Sequence[_Picture], frames_per_turn: int
) -> Iterator[Still]:
    def since(k: int, steps: int) -> float | None:
        return (
            changed_levels(pictures[k - steps].reduced, pictures[k].reduced) if k >= steps else None
        )

    for k, (time_s, picture) in enumerate(zip(times_s, pictures, strict=True)):
        yield Still(time_s, picture.jpeg, since(k, 1), since(k, frames_per_turn))


def _times(timeline: Timeline, request: StillsRequest) -> list[Fraction]:
    """When the frames are wanted, from time zero; so many as ``frames`` says need not be there."""
    if request.frames is None:
        return frame_times(timeline.duration_s, request.turns_per_s, request.frames_per_turn)
    rate = frame_rate(request.turns_per_s, request.frames_per_turn)
    times = (Fraction(request.first_s) + i / rate for i in range(request.frames))
    return [time_s for time_s in times if time_s < timeline.end_s + TURN_TOLERANCE_S]
