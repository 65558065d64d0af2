"""Small whole videos to mutate: many containers and codecs, two seconds each."""

from __future__ import annotations

from pathlib import Path

from tests.pipeline.media.barcode_clips import encoders, ffmpeg

_LARGEST_BYTES = 600_000
_H264 = ("libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p")
_RECIPES: dict[str, tuple[str, ...]] = {
    "h264.mp4": _H264,
    "h264_b.mp4": ("libx264", "-g", "12", "-bf", "3", "-pix_fmt", "yuv420p"),
    "h264_fragmented.mp4": (*_H264, "-movflags", "frag_keyframe+empty_moov"),
    "h264_faststart.mov": (*_H264, "-movflags", "faststart"),
    "h264.mkv": _H264,
    "h264.ts": _H264,
    "h264.flv": _H264,
    "h264.h264": _H264,
    "hevc.mp4": ("libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "vp8.webm": ("libvpx", "-g", "10"),
    "vp9.webm": ("libvpx-vp9", "-g", "10", "-cpu-used", "8", "-deadline", "realtime"),
    "mpeg4.avi": ("mpeg4", "-g", "10", "-bf", "2"),
    "mjpeg.avi": ("mjpeg", "-pix_fmt", "yuvj420p"),
    "mpeg2.ts": ("mpeg2video", "-g", "10"),
    "mpeg1.mpg": ("mpeg1video", "-g", "10", "-r", "25"),
    "wmv2.asf": ("wmv2",),
    "theora.ogv": ("libtheora",),
    "png.mov": ("png",),
    "ffv1.nut": ("ffv1",),
    "gif.gif": ("gif",),
}


def seed_videos(folder: Path, more: Path) -> list[Path]:
    """Every video that the ffmpeg at hand can make, and the small ones of the folder ``more``."""
    source = ("-f", "lavfi", "-i", "testsrc2=size=96x64:rate=10:duration=2")
    sound = ("-f", "lavfi", "-i", "sine=duration=2")
    made = []
    for name, (encoder, *options) in _RECIPES.items():
        if encoder not in encoders():
            continue
        path = folder / name
        with_sound = sound if path.suffix in {".mp4", ".mkv", ".ts", ".avi"} else ()
        ffmpeg(*source, *with_sound, "-c:v", encoder, *options, str(path))
        made.append(path)
    if more.is_dir():
        small = (p for p in sorted(more.iterdir()) if 0 < p.stat().st_size <= _LARGEST_BYTES)
        made += [path for path in small if path.suffix != ".md"]
    return made
