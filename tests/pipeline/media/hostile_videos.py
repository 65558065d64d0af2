"""Videos that nobody should have to read, made from bytes or by ffmpeg."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from tests.pipeline.media.barcode_clips import ffmpeg

_KEY = "00112233445566778899aabbccddeeff"
LONGEST = 0xFFFFFFF0
"""A duration in ticks: 48 days in milliseconds."""


def plain(
    path: Path, *, rate: int = 10, size: str = "160x120", extra: tuple[str, ...] = ()
) -> Path:
    """Three seconds of H.264 with a keyframe a second."""
    source = f"testsrc2=size={size}:rate={rate}:duration=3"
    encoder = ("-c:v", "libx264", "-preset", "ultrafast", "-g", str(rate), "-pix_fmt", "yuv420p")
    ffmpeg("-f", "lavfi", "-i", source, *encoder, *extra, str(path))
    return path


def copied(video: Path, path: Path, *options: str) -> Path:
    """The same packets in another file, with options for it."""
    ffmpeg("-i", str(video), "-c", "copy", *options, str(path))
    return path


def encrypted(video: Path, path: Path) -> Path:
    """Common encryption, as streaming services have it."""
    keys = ("-encryption_key", _KEY, "-encryption_kid", _KEY)
    return copied(video, path, "-encryption_scheme", "cenc-aes-ctr", *keys)


def with_durations(video: Path, path: Path, ticks: int) -> Path:
    """An MP4 whose every header states that duration. All boxes are of version 0."""
    content = bytearray(video.read_bytes())
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = content.index(box)
        struct.pack_into(">I", content, at + offset, ticks)
    path.write_bytes(content)
    return path


def grey_png(width: int, height: int) -> bytes:
    """All black. A thousandth of a byte a pixel: the classic of decompression bombs."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(bytes(width + 1)) for _ in range(height)) + packer.flush()
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def pictures(png: bytes, path: Path, count: int = 3) -> Path:
    """A video of that picture, so many times, one a second."""
    shown = ("-f", "image2pipe", "-c:v", "png", "-framerate", "1", "-i", "-")
    ffmpeg(*shown, "-c", "copy", str(path), raw=png * count)
    return path


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile {target}\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{target}\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' mediaPresentationDuration="PT3S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1" codecs="avc1.64000a"><BaseURL>{target}</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>",
}
"""Text files that make FFmpeg open what they name."""
