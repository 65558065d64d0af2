"""Indexes packets and reads frames with PyAV. The only file that imports it."""

from __future__ import annotations

import errno
from array import array
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from pipeline.media.base import DEFAULT_LIMITS, Limits, MediaError
from pipeline.media.reader.bitstream import is_b_frame, is_hidden, shown_ticks
from pipeline.media.reader.colour import UNSPECIFIED, Colour, colour_of
from pipeline.media.reader.container import options
from pipeline.media.reader.orientation import Orientation, orientation_of
from pipeline.media.reader.packet_index import Image, PacketIndex, Size, T, check_pixels
from pipeline.media.reader.packet_plan import PacketPlan, packets_in_groups, packets_in_order
from pipeline.media.reader.slice import File
from pipeline.media.reader.stills import displayed_size, upright
from pipeline.media.reader.tone_mapping import tone_mapped

FFmpegError = av.error.FFmpegError
"""Some of them are kinds of ``OSError``, for whatever FFmpeg calls an error of input."""
SKIPS_GROUPS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg"}
)
"""Codecs whose keyframes start a group that decodes on its own; others are read in order."""
SKIPS_UNREFERENCED = frozenset({"h264", "hevc", "mpeg4", "mpeg2video"})
"""Codecs whose decoders can leave out, packet by packet, a frame that no other refers to."""


@contextmanager
def _opened(file: File) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream that is not a cover picture, one thread."""
    try:
        container = av.open(str(file), metadata_errors="ignore", options=options(file))
    except av.error.FFmpegError as error:
        _check_memory(error)
        raise MediaError("not_a_video", error.strerror or type(error).__name__) from error
    with container:
        streams = _video_streams(container)
        if not streams:
            raise MediaError("no_video_stream", "there is no video stream")
        stream = streams[0]
        if stream.codec_context is None:
            raise MediaError("unsupported_codec", "there is no decoder for the video stream")
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        yield container, stream


def _video_streams(container: InputContainer) -> list[VideoStream]:
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def _packets(
    container: InputContainer, stream: VideoStream
) -> Iterator[tuple[int, bool, Packet[VideoStream]]]:
    """Every packet with content, its presentation time in ticks, and whether it was packed.

    A packed one comes with its first frame alone; the other replaces the empty packet that follows.
    """
    is_mpeg4 = stream.codec_context.codec.canonical_name == "mpeg4"
    unpacker = BitStreamFilterContext("mpeg4_unpack_bframes", stream) if is_mpeg4 else None
    while True:
        try:
            for packet in container.demux(stream):
                ticks = packet.pts if packet.pts is not None else packet.dts
                n_bytes = packet.size
                if n_bytes and ticks is not None:
                    for unpacked in unpacker.filter(packet) if unpacker else (packet,):
                        yield ticks, unpacked.size < n_bytes, unpacked
        except IndexError:
            # PyAV raises this for a stream that starts later in the file; reading can go on.
            continue
        return


def _check_memory(error: av.error.FFmpegError) -> None:
    """Raises MediaError ``out_of_memory`` for an error that is not the file's."""
    if error.errno in (errno.ENOMEM, errno.EAGAIN):  # the latter: no stack for a thread
        raise MediaError("out_of_memory", "the decoder got no more memory") from error


def read_packet_index(file: File, limits: Limits = DEFAULT_LIMITS) -> PacketIndex:
    """The packets of the file's video stream; only its first frames are decoded.

    Raises:
        MediaError: the file is no readable video, exceeds the limits of pixels or frames, or ends
            within a packet. A truncation between packets cannot be seen in containers without an
            index: such a file is a shorter video.
    """
    ticks, ticks_long = array("q"), array("q")
    is_key, is_shown_flag, is_b = bytearray(), bytearray(), bytearray()
    cut_off, is_packed = False, False
    with _opened(file) as (container, stream):
        codec = stream.codec_context.codec.canonical_name
        stored = (stream.width, stream.height)
        check_pixels(stored, limits)
        try:
            for pts_ticks, was_packed, packet in _packets(container, stream):
                if len(ticks) == limits.max_frames:
                    raise MediaError("too_many_frames", f"there are more than {limits.max_frames}")
                if packet.is_keyframe and packet.has_sidedata("encryption_info"):
                    raise MediaError("encrypted", "its frames cannot be read without a key")
                ticks.append(pts_ticks)
                ticks_long.append(packet.duration or 0)
                is_key.append(packet.is_keyframe)
                content = memoryview(packet)
                is_shown_flag.append(not packet.is_discard and not is_hidden(codec, content))
                is_packed |= was_packed
                is_b.append(is_b_frame(codec, content))
                cut_off = packet.is_corrupt
        except av.error.FFmpegError as error:
            _check_memory(error)
            cut_off = True
        aspect = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        time_base, n_streams = stream.time_base, len(_video_streams(container))
    if cut_off:
        raise MediaError("damaged", f"the file ends within packet {len(ticks)}")
    if not ticks or time_base is None:
        raise MediaError("no_frames", "the video stream holds no packet")
    pts, durations = np.array(ticks, dtype=np.int64), np.array(ticks_long, dtype=np.int64)
    keys, shown_flags = (np.array(flags, dtype=np.bool_) for flags in (is_key, is_shown_flag))
    if is_packed:
        pts = shown_ticks(pts, np.array(is_b, dtype=np.bool_))
    head = _read_head(file, int(pts[keys][0]) if keys.any() else None)
    first_group_pts = pts[keys][0] if keys.any() else pts.min()
    in_head = (np.cumsum(keys) <= 1) & (pts < first_group_pts)
    is_shown = shown_flags & ~(in_head & ~np.isin(pts, list(head.pts)))
    last = np.flatnonzero(is_shown & (pts == pts[is_shown].max(initial=pts.min())))
    return PacketIndex(
        codec=codec,
        time_base=time_base,
        size=displayed_size(stored, aspect, head.orientation.rotation_deg),
        orientation=head.orientation,
        colour=head.colour,
        video_streams=n_streams,
        pts=pts,
        is_key=keys,
        is_shown=is_shown,
        last_ticks=int(durations[last[-1]]) if last.size else 0,
        is_packed=is_packed,
    )


@dataclass(frozen=True)
class _Head:
    """What decoding the start of a file gives: how to show its frames, and the times of those."""

    orientation: Orientation
    colour: Colour
    pts: frozenset[int]


def _read_head(file: File, key_pts: int | None) -> _Head:
    """Decodes up to the first keyframe.

    A recording that starts in the middle of a stream has pictures there that refer to frames before
    the start. Packets do not show this; the decoder leaves such pictures out.
    """
    orientation, colour = Orientation(), Colour()
    seen: set[int] = set()
    with _opened(file) as (container, stream):
        in_container = _colour(stream.codec_context)
        for frame in _frames(container, stream):
            matrix: Any = frame.side_data.get("DISPLAYMATRIX")
            if matrix is not None:
                orientation = orientation_of(memoryview(matrix).cast("i"))
            colour = colour_of(_colour(frame), in_container)
            if key_pts is None or frame.pts is None or frame.pts >= key_pts:
                break
            if not frame.is_corrupt:
                seen.add(frame.pts)
    return _Head(orientation, colour, frozenset(seen))


def _colour(of: VideoFrame | VideoCodecContext) -> Colour:
    return Colour(of.color_primaries, of.color_trc, of.colorspace)


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    for _, _, packet in _packets(container, stream):
        yield from _decoded(stream, packet) or ()
    yield from _decoded(stream, None) or ()


def _decoded(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame] | None:
    """The frames that decoding a packet gives; None on an error. Without a packet: the rest."""
    try:
        return stream.codec_context.decode(packet)
    except av.error.FFmpegError as error:
        _check_memory(error)
        return None


def _image(
    reformatter: VideoReformatter, frame: VideoFrame, size: Size, colour: Colour
) -> Image | None:
    """The frame as SDR, RGB, of that size; None where its pixels cannot be converted."""
    frame.colorspace = colour.matrix
    # Of no use here, and PyAV 17 refuses frames with reserved values.
    frame.color_primaries = frame.color_trc = UNSPECIFIED
    pixels = "rgb48le" if colour.hdr else "rgb24"
    try:
        scaled = reformatter.reformat(frame, *size, pixels, interpolation="BICUBIC")
    except av.error.FFmpegError as error:
        _check_memory(error)
        return None
    if colour.hdr:
        return tone_mapped(scaled.to_ndarray().astype(np.uint16, copy=False), colour.hdr)
    return scaled.to_ndarray().astype(np.uint8, copy=False)


def read(
    file: File, index: PacketIndex, wanted: Collection[int], size: Size, use: Callable[[Image], T]
) -> dict[int, T]:
    """A ``FrameReader``.

    Decodes only the groups that hold a wanted frame, where the codec allows it. If that does not
    give every wanted frame, decodes the file in order.

    Raises:
        MediaError: ``damaged`` when a wanted frame still cannot be decoded, or the decoder reports
            an error in it, or in its group before it.
    """
    found: dict[int, T] = {}
    if index.codec in SKIPS_GROUPS:
        found = read_plan(file, packets_in_groups(index, wanted), size, use)
    if len(found) < len(set(wanted)):
        found = read_plan(file, packets_in_order(index, wanted), size, use)
    missing = len(set(wanted)) - len(found)
    if missing:
        raise MediaError("damaged", f"{missing} of {len(set(wanted))} frames missing")
    return found


def read_plan(file: File, plan: PacketPlan, size: Size, use: Callable[[Image], T]) -> dict[int, T]:
    """``use(image)`` by time in ticks, of those wanted frames that decode without an error."""
    index = plan.index
    packet_of = {int(index.pts[i]): int(i) for i in np.flatnonzero(index.is_shown)}
    stored_size = (size[1], size[0]) if index.orientation.rotation_deg % 180 else size
    reformatter = VideoReformatter()
    found: dict[int, T] = {}
    failed: list[int] = []

    def take(frames: list[VideoFrame] | None) -> None:
        for frame in frames or ():
            pts = frame.pts
            if pts is None or pts not in packet_of:
                continue
            if frame.is_corrupt:
                failed.append(packet_of[pts])
            elif plan.is_wanted[packet_of[pts]]:
                image = _image(reformatter, frame, stored_size, index.colour)
                if image is None:
                    failed.append(packet_of[pts])
                else:
                    found[pts] = use(upright(image, index.orientation))

    with _opened(file) as (container, stream):
        skips = plan.skips and index.codec in SKIPS_UNREFERENCED
        last = plan.last
        flush_first = False
        for number, (_, _, packet) in enumerate(_packets(container, stream)):
            if number > last:
                break
            if not plan.feed[number]:
                flush_first = True
                continue
            if flush_first:
                take(_decoded(stream, None))
                stream.codec_context.flush_buffers()
                flush_first = False
            if skips:
                stream.codec_context.skip_frame = "DEFAULT" if plan.is_wanted[number] else "NONREF"
            if index.is_packed:
                packet.pts = int(index.pts[number])
            frames = _decoded(stream, packet)
            if frames is None:
                failed.append(number)
            take(frames)
        take(_decoded(stream, None))
    if failed:
        affected = plan.affected(failed)
        return {pts: made for pts, made in found.items() if not affected[packet_of[pts]]}
    return found
