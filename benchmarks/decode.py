"""How fast one frame a second is read, as a ratio to a bare full decode of the same file.

    python benchmarks/decode.py [--videos FOLDER] [--repeat N]

Prints one row a clip: video seconds per CPU second of each way to read, over that of
``ffmpeg -threads 1 -f null``. More than 1 is faster than decoding everything and keeping nothing.
A reader that declines a file shows a dash.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipeline.media.base import Clip, MediaError, frame_times
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.packet_index import Image, PacketIndex
from pipeline.media.reader.packet_plan import packets_in_order
from pipeline.media.reader.stills import target_size
from pipeline.media.reader.timeline import clip_timeline

SOURCE = "testsrc2=size=1280x720:rate=30:duration=20,noise=alls=6:allf=t"
SYNTHETIC = {
    "h264 250": ("mp4", "-c:v libx264 -preset veryfast -crf 26 -bf 3 -g 250"),
    "h264 60": ("mp4", "-c:v libx264 -preset veryfast -crf 26 -bf 3 -g 60"),
    "h264 15": ("mp4", "-c:v libx264 -preset veryfast -crf 26 -bf 2 -g 15"),
    "h264 no B": ("mp4", "-c:v libx264 -preset veryfast -crf 26 -bf 0 -g 60"),
    "hevc 60": ("mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=60"),
    "vp8 60": ("webm", "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 2M -g 60"),
    "vp9 60": ("webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 2M -g 60"),
    "av1 60": ("mp4", "-c:v libsvtav1 -preset 12 -crf 45 -g 60"),
    "mpeg4 60": ("mp4", "-c:v mpeg4 -q:v 6 -bf 2 -g 60"),
    "mjpeg": ("avi", "-c:v mjpeg -q:v 6"),
}
COLUMNS = ("packet index", "pyav", "in order", "decord")


def make_clips(folder: Path) -> Iterator[tuple[str, Path]]:
    for name, (extension, encoding) in SYNTHETIC.items():
        path = folder / f"{name.replace(' ', '_')}.{extension}"
        pixels = "yuvj420p" if name == "mjpeg" else "yuv420p"
        command = ["ffmpeg", "-y", "-v", "error", "-f", "lavfi", "-i", SOURCE, *encoding.split()]
        done = subprocess.run([*command, "-pix_fmt", pixels, str(path)], check=False)
        if done.returncode == 0:
            yield name, path
        else:
            print(f"{name}: this ffmpeg cannot encode it", file=sys.stderr)


def bare_decode_cpu_s(path: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", str(path)]
    subprocess.run(
        [*command, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "null", "-"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def cpu_s(work: Callable[[], object]) -> float:
    before_s = time.process_time()
    work()
    return time.process_time() - before_s


def _drop(_: Image) -> None:
    return None


def measure(path: Path, repeat: int) -> tuple[str, float, dict[str, float]]:
    """Codec, duration in seconds, and ratio of each column that could read the file."""
    index: PacketIndex = pyav_reader.read_packet_index(path)
    timeline = clip_timeline(index, Clip(str(path)))
    wanted = frozenset(map(timeline.on_screen, frame_times(timeline.duration_s, 1.0)))
    size = target_size(index.size, 448)
    plan = packets_in_order(index, wanted)
    ways: dict[str, Callable[[], object]] = {
        "packet index": partial(pyav_reader.read_packet_index, path),
        "pyav": partial(pyav_reader.read, path, index, wanted, size, _drop),
        "in order": partial(pyav_reader.read_plan, path, plan, size, _drop),
        "decord": partial(decord_reader.read, path, index, wanted, size, _drop),
    }
    bare_s = min(bare_decode_cpu_s(path) for _ in range(repeat))
    spent_s: dict[str, float] = {}
    for name, way in ways.items():
        try:
            spent_s[name] = min(cpu_s(way) for _ in range(repeat))
        except MediaError:
            continue
    for name in spent_s.keys() - {"packet index"}:
        spent_s[name] += spent_s["packet index"]
    ratios = {name: bare_s / seconds for name, seconds in spent_s.items()}
    return index.codec, timeline.duration_s, ratios


def rows(clips: Iterator[tuple[str, Path]], repeat: int) -> Iterator[dict[str, float]]:
    for name, path in clips:
        try:
            codec, duration_s, ratios = measure(path, repeat)
        except MediaError as error:
            print(f"{name}: {error.reason}", file=sys.stderr)
            continue
        except subprocess.CalledProcessError:
            print(f"{name}: ffmpeg cannot decode it", file=sys.stderr)
            continue
        print(_row(f"{name} ({codec})", f"{duration_s:.0f}", ratios), flush=True)
        yield ratios


def _row(name: str, seconds: str, ratios: dict[str, float]) -> str:
    cells = (f"{ratios[c]:.2f}" if c in ratios else "-" for c in COLUMNS)
    return f"| {name} | {seconds} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=Path, help="a folder of further files")
    parser.add_argument("--repeat", type=int, default=2, help="runs of each; the fastest counts")
    chosen = parser.parse_args()
    print(f"| clip | seconds | {' | '.join(COLUMNS)} |\n|---|---|{'---|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as folder:
        ratios = list(rows(make_clips(Path(folder)), chosen.repeat))
    if chosen.videos is not None:
        files = sorted(f for f in chosen.videos.iterdir() if f.is_file())
        ratios += list(rows(((f.name, f) for f in files), chosen.repeat))
    medians = {
        column: statistics.median(r[column] for r in ratios if column in r)
        for column in COLUMNS
        if any(column in r for r in ratios)
    }
    print(_row("median", "", medians))


if __name__ == "__main__":
    main()
