"""Opens a video file with PyAV: its packets, and what its decoder gives of each."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import av
import av.logging
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from pipeline.media.base import MediaError
from pipeline.media.reader.container import options
from pipeline.media.reader.slice import File

FFmpegError = av.error.FFmpegError
"""Some of them are kinds of ``OSError``, for whatever FFmpeg calls an error of input."""

_NOT_LISTED = "Format not on whitelist"


@contextmanager
def opened(file: File) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its first video stream that is not a cover picture, one thread.

    Raises:
        MediaError: ``not_a_video``, ``unsupported_container``, ``no_video_stream``,
            ``unsupported_codec`` or ``out_of_memory``.
    """
    try:
        container = av.open(str(file), metadata_errors="ignore", options=options(file))
    except FFmpegError as error:
        check_memory(error)
        raise _open_error(file, error) from error
    with container:
        streams = video_streams(container)
        if not streams:
            raise MediaError("no_video_stream", "there is no video stream")
        stream = streams[0]
        if stream.codec_context is None:
            raise MediaError("unsupported_codec", "there is no decoder for the video stream")
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        yield container, stream


def _open_error(file: File, error: FFmpegError) -> MediaError:
    """Why a file is not opened. That it is of a kind that is not opened, FFmpeg says in its log
    alone; keeping that from the start would cost every file."""
    if error.errno == errno.EINVAL:
        av.logging.set_skip_repeated(False)
        av.logging.set_level(av.logging.ERROR)
        try:
            with av.logging.Capture() as logs, suppress(FFmpegError):
                av.open(str(file), options=options(file)).close()
        finally:
            av.logging.set_level(None)
        for _, name, text in logs:
            if _NOT_LISTED in text:
                return MediaError(
                    "unsupported_container", f"no file of the kind {name!r} is opened"
                )
    return MediaError("not_a_video", error.strerror or type(error).__name__)


def video_streams(container: InputContainer) -> list[VideoStream]:
    """The streams that are not cover pictures, in order of the file."""
    return [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]


def packets(
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


def decoded(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame] | None:
    """The frames that decoding a packet gives; None on an error. Without a packet: the rest."""
    try:
        return stream.codec_context.decode(packet)
    except FFmpegError as error:
        check_memory(error)
        return None


def check_memory(error: FFmpegError) -> None:
    """Raises MediaError ``out_of_memory`` for an error that is not the file's."""
    if error.errno in (errno.ENOMEM, errno.EAGAIN):  # the latter: no stack for a thread
        raise MediaError("out_of_memory", "the decoder got no more memory") from error
