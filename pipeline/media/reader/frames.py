"""One still a turn: from a clip to JPEG, through whichever reader is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from pipeline.media.base import DEFAULT_LIMITS, Clip, Limits, ReaderName, Still, StillsRequest
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.packet_index import FrameReader, existing_file
from pipeline.media.reader.stills import encode_jpeg, target_size, turn_times
from pipeline.media.reader.timeline import clip_timeline

READERS: Mapping[ReaderName, FrameReader] = MappingProxyType(
    {
        # The faster exact reader. That is PyAV for every codec measured (benchmarks/README.md): it
        # decodes only the groups it needs. It also notices damage that decord conceals.
        "auto": pyav_reader.read,
        "pyav": pyav_reader.read,
        "decord": decord_reader.read,
    }
)


def stills(clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS) -> list[Still]:
    """One still a turn, in order of time. ``clip.uri`` is a local path.

    Of the limits, time and memory are those of the process (``decode_worker``).

    Raises:
        MediaError: the clip holds no readable video, or more than the limits allow.
    """
    path = existing_file(clip.uri, limits)
    scan = pyav_reader.scan(path, limits)
    timeline = clip_timeline(scan, clip)
    shown = [
        timeline.on_screen(time_s)
        for time_s in turn_times(timeline.duration_s, request.turns_per_s)
    ]
    jpegs = READERS[request.reader](
        path,
        scan,
        frozenset(shown),
        target_size(scan.size, request.longer_px),
        partial(encode_jpeg, quality=request.jpeg_quality),
    )
    return [Still(float(timeline.frame_s(pts)), jpegs[pts]) for pts in shown]
