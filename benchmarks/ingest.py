"""CPU time of a probe, beside a process of ffprobe that looks at the same file.

    python benchmarks/ingest.py [--videos FOLDER] [--repeat N] [--json FILE]

``scan`` reads every packet and decodes the first frame; ``probe`` adds the digest of the bytes, and
is all that ``ingest`` asks of a clip. ``next clip`` is a further clip of the same file. Times are
CPU in milliseconds, the least of several; without a folder, of clips made by ffmpeg.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.decode import make_clips
from pipeline.media.base import Clip, MediaError
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.probe import probe

COLUMNS = ("ffprobe", "scan", "probe", "next clip")


def ffprobe_ms(path: Path) -> float:
    """Of a process that writes what it knows of the streams."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


def cpu_ms(work: Callable[[], object]) -> float:
    before_s = time.process_time()
    work()
    return 1000 * (time.process_time() - before_s)


def measure(path: Path, repeat: int) -> dict[str, float]:
    """Milliseconds of each column. Raises MediaError where it is no video."""
    clip = Clip(str(path))

    def fresh() -> None:
        os.utime(path)  # so that nothing that was read of it counts
        probe(clip)

    ways: dict[str, Callable[[], float]] = {
        "ffprobe": lambda: ffprobe_ms(path),
        "scan": lambda: cpu_ms(lambda: pyav_reader.read_packet_index(path)),
        "probe": lambda: cpu_ms(fresh),
        "next clip": lambda: cpu_ms(lambda: probe(clip)),
    }
    return {name: min(way() for _ in range(repeat)) for name, way in ways.items()}


def rows(paths: Iterator[tuple[str, Path]], repeat: int) -> Iterator[dict[str, float]]:
    for name, path in paths:
        try:
            found = measure(path, repeat)
        except (MediaError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            continue
        print(_row(name, found), flush=True)
        yield found


def _row(name: str, found: dict[str, float]) -> str:
    cells = " | ".join(f"{found[column]:.1f}" for column in COLUMNS)
    return f"| {name} | {cells} | {found['probe'] / found['ffprobe']:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--videos", type=Path, help="measure these instead")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    print(f"| file | {' | '.join(COLUMNS)} | probe, of ffprobe |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as raw:
        folder = Path(raw)
        if given.videos:
            paths = iter(copies(sorted(given.videos.iterdir()), folder))
        else:
            paths = make_clips(folder)
        found = list(rows(paths, given.repeat))
    medians = {c: statistics.median(each[c] for each in found) for c in COLUMNS}
    print(_row(f"median of {len(found)}", medians))
    if given.json:
        figures = {"files": len(found), **{c: round(ms, 2) for c, ms in medians.items()}}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def copies(paths: list[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    """Each file by itself in a folder of ours, for its times are changed."""
    for path in filter(Path.is_file, paths):
        copy = folder / path.name
        copy.write_bytes(path.read_bytes())
        yield path.name, copy
        copy.unlink()


if __name__ == "__main__":
    main()
