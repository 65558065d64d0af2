"""Indexes packets and reads frames with PyAV."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from pipeline.media.base import DEFAULT_LIMITS, Limits, MediaError
from pipeline.media.reader.bitstream import is_hidden_vp8, is_mpeg4_b_frame, shown_ticks
from pipeline.media.reader.colour import UNSPECIFIED, Colour
from pipeline.media.reader.packet_index import Image, PacketIndex, Size, T, check_pixels
from pipeline.media.reader.packet_plan import PacketPlan, packets_in_groups, packets_in_order
from pipeline.media.reader.pyav_file import (
    FFmpegError,
    check_memory,
    decoded,
    opened,
    packets,
    video_streams,
)
from pipeline.media.reader.pyav_head import Head, read_head, stated_colour
from pipeline.media.reader.slice import File
from pipeline.media.reader.stills import displayed_size, upright
from pipeline.media.reader.tone_mapping import tone_mapped

SKIPS_GROUPS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg"}
)
"""Codecs whose keyframes start a group that decodes on its own; others are read in order."""
SKIPS_UNREFERENCED = frozenset({"h264", "hevc", "mpeg4", "mpeg2video"})
"""Codecs whose decoders can leave out, packet by packet, a frame that no other refers to."""


def read_packet_index(file: File, limits: Limits = DEFAULT_LIMITS) -> PacketIndex:
    """The packets of the file's video stream, by one pass; only its first frames are decoded.

    Raises:
        MediaError: the file is no readable video, exceeds the limits of pixels or frames, or ends
            within a packet. A truncation between packets cannot be seen in containers without an
            index: such a file is a shorter video.
    """
    ticks, ticks_long = array("q"), array("q")
    is_key, is_shown_flag, is_b = bytearray(), bytearray(), bytearray()
    cut_off, is_packed = False, False
    head: Head | None = None
    with opened(file) as (container, stream):
        codec = stream.codec_context.codec.canonical_name
        stored = (stream.width, stream.height)
        check_pixels(stored, limits)
        container_aspect = stream.codec_context.sample_aspect_ratio
        is_vp8, is_mpeg4 = codec == "vp8", codec == "mpeg4"
        try:
            for pts_ticks, was_packed, packet in packets(container, stream):
                if len(ticks) == limits.max_frames:
                    raise MediaError("too_many_frames", f"there are more than {limits.max_frames}")
                is_keyframe = packet.is_keyframe
                if is_keyframe and packet.has_sidedata("encryption_info"):
                    raise MediaError("encrypted", "its frames cannot be read without a key")
                is_hidden = is_vp8 and is_hidden_vp8(memoryview(packet))
                ticks.append(pts_ticks)
                ticks_long.append(packet.duration or 0)
                is_key.append(is_keyframe)
                is_shown_flag.append(not packet.is_discard and not is_hidden)
                is_b.append(is_mpeg4 and is_mpeg4_b_frame(memoryview(packet)))
                is_packed |= was_packed
                cut_off = packet.is_corrupt
                # Those of MPEG-4 may get other times below, when the whole file is known.
                if len(ticks) == 1 and is_keyframe and not is_mpeg4:
                    head = Head(stated_colour(stream.codec_context), pts_ticks)
                if head is not None:
                    head.feed(stream, packet)
        except FFmpegError as error:
            check_memory(error)
            cut_off = True
        if head is not None:
            head.feed(stream, None)
        aspect = stream.sample_aspect_ratio or container_aspect
        time_base, n_streams = stream.time_base, len(video_streams(container))
    if cut_off:
        raise MediaError("damaged", f"the file ends within packet {len(ticks)}")
    if not ticks or time_base is None:
        raise MediaError("no_frames", "the video stream holds no packet")
    pts, durations = np.array(ticks, dtype=np.int64), np.array(ticks_long, dtype=np.int64)
    keys, shown_flags = (np.array(flags, dtype=np.bool_) for flags in (is_key, is_shown_flag))
    if is_packed:
        pts = shown_ticks(pts, np.array(is_b, dtype=np.bool_))
    if head is None:
        head = read_head(file, int(pts[keys][0]) if keys.any() else None)
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
    except FFmpegError as error:
        check_memory(error)
        return None
    if colour.hdr:
        return tone_mapped(scaled.to_ndarray().astype(np.uint16, copy=False), colour.hdr)
    return scaled.to_ndarray().astype(np.uint8, copy=False)


def read(
    file: File, index: PacketIndex, wanted: Collection[int], size: Size, use: Callable[[Image], T]
) -> dict[int, T]:
    """A ``FrameReader``.

    Decodes only the groups that hold a wanted frame, where the codec allows it. If that does not
    give every wanted frame, decodes the file in order, unless the same was just decoded.

    Raises:
        MediaError: ``damaged`` when a wanted frame still cannot be decoded, or the decoder reports
            an error in it, or in its group before it.
    """
    found: dict[int, T] = {}
    fed = None
    if index.codec in SKIPS_GROUPS:
        by_groups = packets_in_groups(index, wanted)
        found = read_plan(file, by_groups, size, use)
        fed = None if index.codec in SKIPS_UNREFERENCED else by_groups.feed
    if len(found) < len(set(wanted)):
        from_first = packets_in_order(index, wanted)
        if fed is None or not np.array_equal(fed, from_first.feed):
            found = read_plan(file, from_first, size, use)
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

    with opened(file) as (container, stream):
        skips = plan.skips and index.codec in SKIPS_UNREFERENCED
        last = plan.last
        flush_first = False
        for number, (_, _, packet) in enumerate(packets(container, stream)):
            if number > last:
                break
            if not plan.feed[number]:
                flush_first = True
                continue
            if flush_first:
                take(decoded(stream, None))
                stream.codec_context.flush_buffers()
                flush_first = False
            if skips:
                stream.codec_context.skip_frame = "DEFAULT" if plan.is_wanted[number] else "NONREF"
            if index.is_packed:
                packet.pts = int(index.pts[number])
            frames = decoded(stream, packet)
            if frames is None:
                failed.append(number)
            take(frames)
        take(decoded(stream, None))
    if failed:
        affected = plan.affected(failed)
        return {pts: made for pts, made in found.items() if not affected[packet_of[pts]]}
    return found
