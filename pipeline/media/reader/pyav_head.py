"""What decoding the start of a video says: how its pictures are shown, and which are whole.

A recording that starts in the middle of a stream has pictures there that refer to frames before the
start. Packets do not show this; the decoder leaves such pictures out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.media.reader.colour import Colour, colour_of
from pipeline.media.reader.orientation import Orientation, orientation_of
from pipeline.media.reader.pyav_file import decoded, opened, packets
from pipeline.media.reader.slice import File


@dataclass
class Head:
    """The first frames in order of presentation, up to the one of the first keyframe."""

    in_container: Colour
    key_pts: int | None
    """When the first keyframe is presented; None where there is none."""
    is_whole: bool = False
    """Whether the last frame was taken; those after it are passed over."""
    _matrices: list[list[int]] = field(default_factory=list)
    _colours: list[Colour] = field(default_factory=list)
    _pts: set[int] = field(default_factory=set)

    def feed(self, stream: VideoStream, packet: Packet[VideoStream] | None) -> None:
        """Decodes the next packet, or without one the rest, unless the last frame was taken."""
        for frame in () if self.is_whole else decoded(stream, packet) or ():
            if not self.is_whole:
                self._take(frame)

    def _take(self, frame: VideoFrame) -> None:
        matrix: Any = frame.side_data.get("DISPLAYMATRIX")
        if matrix is not None:
            self._matrices.append(memoryview(matrix).cast("i").tolist())
        self._colours.append(stated_colour(frame))
        if self.key_pts is None or frame.pts is None or frame.pts >= self.key_pts:
            self.is_whole = True
        elif not frame.is_corrupt:
            self._pts.add(frame.pts)

    @property
    def orientation(self) -> Orientation:
        """Raises MediaError ``unsupported`` as ``orientation_of``, for any of the frames."""
        return [Orientation(), *map(orientation_of, self._matrices)][-1]

    @property
    def colour(self) -> Colour:
        """Raises MediaError ``unsupported`` as ``colour_of``, for any of the frames."""
        return [Colour(), *(colour_of(one, self.in_container) for one in self._colours)][-1]

    @property
    def pts(self) -> frozenset[int]:
        """Times in ticks of the frames before the first keyframe's that are whole."""
        return frozenset(self._pts)


def stated_colour(of: VideoFrame | VideoCodecContext) -> Colour:
    """What a frame, or the container, states."""
    return Colour(of.color_primaries, of.color_trc, of.colorspace)


def read_head(file: File, key_pts: int | None) -> Head:
    """Decodes the start of a file anew."""
    with opened(file) as (container, stream):
        head = Head(stated_colour(stream.codec_context), key_pts)
        for _, _, packet in packets(container, stream):
            head.feed(stream, packet)
            if head.is_whole:
                return head
        head.feed(stream, None)
    return head
