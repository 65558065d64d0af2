"""What the still filter of ``narrate`` leaves unasked, by its threshold, and what that loses.

    python benchmarks/still_windows.py [--videos FOLDER] [--sheet FILE] [--levels N]

Three things decide the default of ``still_levels``:

- the scripted scenes, as rendered and made harder (``HARDER``), of which it is known what changes:
  of how many windows nothing is asked, and how many true changes nobody is asked about;
- pictures of real videos held still, with noise and compression anew in every frame: how much is
  measured of what certainly stands still;
- real videos: windows by threshold, and a contact sheet of the closest calls, to be looked at.

A window is a turn with the one before it. Also: what measuring takes of the time of decoding.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.filters import print_table
from pipeline.media.base import Clip, MediaError, Still, StillsRequest
from pipeline.media.reader import frames
from pipeline.media.reader.packet_index import Image
from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.render import render
from pipeline.media.scenes.script import Scene
from pipeline.media.scenes.truth_of import truth_of
from stages.narrate import Config
from stages.segment import changed

LEVELS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
REQUEST = StillsRequest(frames_per_turn=2)
SMALL_PX = 5
FAINT, NOISY = "eq=contrast=0.25", "noise=alls=12:allf=t"
HARDER: Mapping[str, tuple[bool, str]] = {
    "as rendered": (False, ""),
    "noise of 12 levels, crf 36": (False, NOISY),
    "a quarter of the contrast, crf 36": (False, FAINT),
    "small shapes": (True, ""),
    "small shapes, a quarter of the contrast, noise, crf 36": (True, f"{FAINT},{NOISY}"),
}
"""By name, whether shapes are small, and a filter of ffmpeg, whose pictures are encoded anew."""
HELD = [(noise, crf) for noise in (0, 6, 12, 24) for crf in (18, 28, 36)]
"""Noise of a picture that is held, as ffmpeg's filter has it, and how it is encoded."""
CLOSEST = 8


@dataclass(frozen=True)
class Window:
    """From the first frame of a turn to that of the next."""

    before: Still
    after: Still
    levels: float


def windows_of(path: Path) -> list[Window]:
    """The windows of a video that are measured, in order of time. Raises MediaError."""
    stills = frames.stills(Clip(str(path)), REQUEST)
    turns = [stills[i : i + 2] for i in range(0, len(stills), 2)]
    found = []
    for before, after in pairwise(turns):
        levels = changed(before, after[0])
        if levels is not None and after[0].frame_s > before[0].frame_s:
            found.append(Window(before[0], after[0], levels))
    return found


def encoded(source: Sequence[str], path: Path, crf: int, pictures: str) -> Path:
    """A video of a source of ffmpeg, through a filter."""
    command = ["ffmpeg", "-v", "error", "-y", *source, "-vf", pictures, "-c:v", "libx264"]
    options = ["-crf", f"{crf}", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-threads", "1"]
    subprocess.run([*command, *options, str(path)], check=True)
    return path


def lost(scene: Scene, windows: Sequence[Window], least: float) -> int:
    """True changes that no window tells which is asked about. The start of a motion may show in
    the next window, too: in the first it has just begun."""
    number = 0
    for true in truth_of(scene).changes:
        telling = [w for w in windows if w.before.frame_s < true.time_s <= w.after.frame_s]
        if telling and true.kind == "move":
            telling += [w for w in windows if w.before.frame_s == telling[0].after.frame_s]
        number += bool(telling) and all(w.levels < least for w in telling)
    return number


def small(scene: Scene) -> Scene:
    """The scene with shapes of a seventieth of its width."""
    return replace(scene, actors=tuple(replace(a, radius=SMALL_PX // 2) for a in scene.actors))


def scenes(folder: Path, names: Sequence[str]) -> None:
    """A line for each way to make the scenes harder."""
    changes = sum(len(truth_of(scene).changes) for scene in SCENES)
    heads = ["windows", *(f"{least:g}" for least in LEVELS)]
    print_table(f"scenes: not asked / lost of {changes} changes", heads, _scene_rows(folder, names))


def _scene_rows(folder: Path, names: Sequence[str]) -> Iterator[Sequence[str]]:
    for name in names:
        is_small, pictures = HARDER[name]
        found = []
        for scene in map(small, SCENES) if is_small else SCENES:
            video = folder / f"{scene.name}{'-small' * is_small}.mp4"
            if not video.exists():
                render(scene, video)
            if pictures:
                video = encoded(["-i", str(video)], folder / "harder.mp4", 36, pictures)
            found.append((scene, windows_of(video)))
        cells = [
            f"{sum(w.levels < least for _, windows in found for w in windows)}"
            f" / {sum(lost(scene, windows, least) for scene, windows in found)}"
            for least in LEVELS
        ]
        yield [name, f"{sum(len(windows) for _, windows in found)}", *cells]


def held(videos: Sequence[Path], folder: Path) -> None:
    """The most that is measured of real pictures that stand still."""
    rows = []
    for video in videos:
        picture = folder / "held.png"
        middle = frames.stills(Clip(str(video)), replace(REQUEST, longer_px=1 << 16))
        picture.write_bytes(middle[len(middle) // 2].jpeg)
        cells = []
        for noise, crf in HELD:
            source = ["-loop", "1", "-framerate", "10", "-t", "6", "-i", str(picture)]
            pictures = f"scale=trunc(iw/2)*2:trunc(ih/2)*2,noise=alls={noise}:allf=t"
            windows = windows_of(encoded(source, folder / "held.mp4", crf, pictures))
            cells.append(f"{max(w.levels for w in windows):.1f}")
        rows.append([video.stem, *cells])
    print_table("held still, noise / crf", [f"{n} / {c}" for n, c in HELD], iter(rows))


def real(videos: Mapping[Path, Sequence[Window]]) -> None:
    """Windows that go at each threshold, a line a video."""
    rows = []
    for video, windows in videos.items():
        found = np.array([w.levels for w in windows])
        ends = [f"{len(windows)}", f"{found.min():.1f}", f"{np.median(found):.1f}"]
        rows.append([video.name, *ends, *(f"{(found < least).sum()}" for least in LEVELS)])
    heads = ["windows", "least", "median", *(f"{least:g}" for least in LEVELS)]
    print_table("real videos", heads, iter(rows))


def contact_sheet(videos: Mapping[Path, Sequence[Window]], least: float, file: Path) -> None:
    """The windows next to a threshold, a line each: both frames, and what differs, eightfold. Of
    those that go without any difference there is one a video."""
    every = [(w, video.name) for video, windows in videos.items() for w in windows]
    every.sort(key=lambda each: each[0].levels)
    go = {(w.levels, name): (w, name) for w, name in every if w.levels < least}
    stay = [each for each in every if each[0].levels >= least]
    cv2.imwrite(str(file), np.vstack([*map(_line, [*go.values()][-CLOSEST:] + stay[:CLOSEST])]))


def _line(call: tuple[Window, str]) -> Image:
    window, name = call
    before, after = (_picture(still) for still in (window.before, window.after))
    differs = np.clip(cv2.absdiff(before, after).astype(np.int32) * 8, 0, 255).astype(np.uint8)
    line = np.hstack([before, after, differs])
    text = f"{name} {window.before.frame_s:.1f} to {window.after.frame_s:.1f} s: {window.levels:g}"
    cv2.putText(line, text, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (0, 0, 0), 4)
    cv2.putText(line, text, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 1)
    return np.asarray(line, np.uint8)


def _picture(still: Still) -> Any:
    picture = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return cv2.resize(picture, (448, 252))


class Timed:
    """A function, and the CPU time that it took in all."""

    def __init__(self, function: Any) -> None:
        """None so far."""
        self.function = function
        self.seconds = 0.0

    def __call__(self, *given: Any) -> Any:
        """As the function."""
        start_s = process_time()
        found = self.function(*given)
        self.seconds += process_time() - start_s
        return found


def measured(videos: Sequence[Path]) -> Iterator[tuple[Path, Sequence[Window]]]:
    """Each video that can be read, with its windows. Prints what measuring took of the time."""
    measuring: Any = frames
    timed = [Timed(measuring.reduced), Timed(measuring.changed_levels)]
    measuring.reduced, measuring.changed_levels = timed
    start_s = process_time()
    for video in videos:
        try:
            windows = windows_of(video)
        except MediaError:
            continue
        if windows:
            yield video, windows
    whole_s = process_time() - start_s
    seconds = sum(each.seconds for each in timed)
    print(f"\nmeasuring: {seconds:.2f} of {whole_s:.1f} s of decoding, {seconds / whole_s:.1%}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--videos", type=Path, help="a folder of real ones, in place of scenes")
    parser.add_argument("--folder", type=Path, help="for scenes; kept, and used again")
    parser.add_argument("--only", choices=HARDER, action="append", help="may be repeated")
    parser.add_argument("--sheet", type=Path, default=Path("still_windows.png"))
    parser.add_argument("--levels", type=float, default=Config().still_levels, help="of the sheet")
    parser.add_argument("--hold", default="intel,chaplin,bbb_480,opencv_vtest", help="names")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as raw:
        if given.videos is None:
            scenes(given.folder or Path(raw), given.only or [*HARDER])
            return
        listed = [path for path in sorted(given.videos.iterdir()) if path.is_file()]
        named = tuple(given.hold.split(","))
        held([path for path in listed if path.name.startswith(named)], Path(raw))
    videos = dict(measured(listed))
    real(videos)
    contact_sheet(videos, given.levels, given.sheet)
    print(f"\nclosest calls at {given.levels:g}: {given.sheet}")


if __name__ == "__main__":
    main()
