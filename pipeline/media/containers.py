"""Which containers are opened, whatever a file is called.

FFmpeg goes by content. A text file with a playlist in it makes it open other files and addresses
of its choice, and a name with ``%d`` any pictures beside it. What is not listed here stays shut.
"""

from __future__ import annotations

CONTAINERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "gif", "mxf", "rm", "wtv"),
    *("dv", "nut", "ivf", "swf", "live_flv", "apng", "yuv4mpegpipe"),
    # a bare stream
    *("h261", "h263", "h264", "hevc", "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg", "vc1"),
    # sound alone, of which it is said that it has no video
    *("mp3", "wav", "flac", "aac", "ac3", "aiff"),
)
"""Names of demuxers. One of several names, as ``mov,mp4,...``, is listed when any of them is."""

OPTIONS = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}
"""For libavformat: these containers, from local files, and nothing that they point to elsewhere."""
