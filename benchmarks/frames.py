"""What one frame a second as JPEG costs, as a ratio to a bare full decode of the same file.

    python benchmarks/frames.py [--videos FOLDER] [--json FILE]

CPU seconds over those of ``ffmpeg -threads 1 -f null``, the least of two: below 1 is cheaper than
to decode everything and keep nothing. ``turnwise`` is all of it, as ``segment`` asks for it: a
process of its own reads the packets, decodes, scales, measures change, encodes, and sends what it
has through a pipe. The other ways give as many frames of the same size, with less care for when
each is on screen: ``ffmpeg`` by its filter ``fps``, ``opencv`` of all frames. A dash: it does not
read the file. A file is read so often that a second of work is measured. The second median is of
the files whose full decode takes half a second at least: in others the start of ffmpeg counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.decode import bare_decode_cpu_s, cpu_s, make_clips
from pipeline.media.base import Clip, MediaError, StillsRequest
from pipeline.media.decode import DecodeProcess

REQUEST = StillsRequest()
WAYS = ("turnwise", "ffmpeg", "opencv")
REPEAT, MEASURED_S, MOST_READS = 2, 1.0, 40
LARGE_S = 0.5
"""Of a bare decode, in which the start of its process counts little."""


class Frames(NamedTuple):
    """How many of a file are wanted, one a second, and their size in pixels."""

    wanted: int
    width: int
    height: int


def frames_of(path: Path) -> Frames:
    """Raises MediaError: the file cannot be read."""
    with DecodeProcess(path.parent) as media:
        stills = media.stills(Clip(path.name), REQUEST)
    image = cv2.imdecode(np.frombuffer(stills[0].jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None, "we wrote it"
    height, width, _ = image.shape
    return Frames(len(stills), width, height)


def all_cpu_s(work: Callable[[], object]) -> float:
    """Of this process and of those that the work starts and ends."""

    def children_s() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before_s = children_s()
    own_s = cpu_s(work)
    return own_s + children_s() - before_s


def by_turnwise(path: Path, reads: int) -> float:
    """CPU seconds of one read among so many, without the start of the process."""

    def read(times: int) -> None:
        with DecodeProcess(path.parent) as media:
            for _ in range(times):
                media.stills(Clip(path.name), REQUEST)

    started_s = min(all_cpu_s(partial(read, 1)) for _ in range(REPEAT))
    return (min(all_cpu_s(partial(read, 1 + reads)) for _ in range(REPEAT)) - started_s) / reads


def by_ffmpeg(path: Path, frames: Frames) -> None:
    filters = f"fps={REQUEST.turns_per_s:g},scale={frames.width}:{frames.height}"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-i", str(path)]
    command += ["-map", "0:v:0", "-vf", filters, "-q:v", "3", "-f", "image2pipe", "-"]
    quiet = subprocess.DEVNULL
    subprocess.run(command, check=True, stdout=quiet, stderr=quiet)


def by_opencv(path: Path, frames: Frames) -> None:
    film, number, found = cv2.VideoCapture(str(path)), 0, 0
    rate = film.get(cv2.CAP_PROP_FPS)
    while film.grab():
        if number * REQUEST.turns_per_s >= found * rate:
            _encode(film.retrieve()[1], frames)
            found += 1
        number += 1
    if found < frames.wanted / 2:
        raise ValueError(f"{found} of {frames.wanted} frames")


def _encode(image: Any, frames: Frames) -> None:
    small = cv2.resize(image, (frames.width, frames.height), interpolation=cv2.INTER_AREA)
    cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, REQUEST.jpeg_quality])


def ratios_of(path: Path) -> Mapping[str, float]:
    """Of the ways that read the file; and ``bare``, CPU seconds of the full decode."""
    frames = frames_of(path)
    bare_s = min(bare_decode_cpu_s(path) for _ in range(REPEAT))
    reads = max(1, min(MOST_READS, round(MEASURED_S / bare_s)))
    spent_s = {"turnwise": by_turnwise(path, reads)}
    others = {"ffmpeg": by_ffmpeg, "opencv": by_opencv}
    for name, way in others.items():
        try:
            spent_s[name] = min(all_cpu_s(partial(way, path, frames)) for _ in range(REPEAT))
        except (ValueError, cv2.error, subprocess.CalledProcessError):
            continue
    return {"bare": bare_s} | {name: each_s / bare_s for name, each_s in spent_s.items()}


def measured(files: Iterator[tuple[str, Path]]) -> Iterator[tuple[str, Mapping[str, float]]]:
    for name, path in files:
        try:
            ratios = ratios_of(path)
        except MediaError as error:
            print(f"{name}: {error.reason}", file=sys.stderr)
        except subprocess.CalledProcessError:
            print(f"{name}: ffmpeg cannot decode it", file=sys.stderr)
        else:
            print(_row(name, ratios), flush=True)
            yield name, ratios


def _row(name: str, ratios: Mapping[str, float]) -> str:
    cells = (f"{ratios[way]:.2f}" if way in ratios else "-" for way in WAYS)
    return f"| {name} | {' | '.join(cells)} |"


def _medians(files: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    return {way: median(each[way] for each in files.values() if way in each) for way in WAYS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--videos", type=Path, help="a folder of further files")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    further = (
        sorted(each for each in given.videos.iterdir() if each.is_file()) if given.videos else ()
    )
    print(f"| clip | {' | '.join(WAYS)} |\n|---{'|---' * len(WAYS)}|")
    with tempfile.TemporaryDirectory() as folder:
        files = chain(make_clips(Path(folder)), ((each.name, each) for each in further))
        found = dict(measured(files))
    large = {name: each for name, each in found.items() if each["bare"] >= LARGE_S}
    medians = {f"median of {len(of)}": _medians(of) for of in (found, large)}
    for name, each in medians.items():
        print(_row(name, each))
    if given.json:
        figures = {"medians": medians, "files": found}
        given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
