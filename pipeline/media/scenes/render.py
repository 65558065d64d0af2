"""Renders the scripted scenes: draws and encodes videos, and writes their ground truth."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import ffmpeg
import numpy as np
from numpy.typing import NDArray

from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.script import HEIGHT, RGB, WIDTH, Actor, Colour, Scene, Texture
from pipeline.media.scenes.truth_of import source_annotations_of, truth_of
from pipeline.records import ManifestRow
from pipeline.store.durable import make_folders, sync
from pipeline.store.location import Location

Pixels = NDArray[np.uint8]

TICKS = 90_000
"""Ticks a second of the time stamps of variable frame rates: a multiple of every rate in use."""
SUBPIXEL_BITS = 4
NOISE_FRAMES = 8
NOISE_AMPLITUDE = 3
GRADIENT_DEPTH = 24

ENCODING: dict[str, dict[str, Any]] = {
    "libx264": {"preset": "veryfast", "crf": 18},
    "mpeg4": {"qscale:v": 3},
}


def render_scenes(folder: Path, names: Sequence[str] | None = None) -> Path:
    """The path of ``manifest.jsonl`` in the folder, one row a scene; all scenes unless named.

    Writes ``videos/<name>.mp4`` and ``truth/<name>.json`` (a ``Truth``). A video is not rendered
    again when its truth file is already that of the script.

    Raises:
        KeyError: there is no scene of a name.
        ffmpeg.Error: ffmpeg could not encode.
    """
    scenes = {scene.name: (number, scene) for number, scene in enumerate(SCENES)}
    rows: list[str] = []
    for name in scenes if names is None else names:
        number, scene = scenes[name]
        video, truth = folder / "videos" / f"{name}.mp4", folder / "truth" / f"{name}.json"
        text = truth_of(scene).model_dump_json(indent=1) + "\n"
        known = truth.read_bytes() if truth.is_file() else b""
        if not (video.is_file() and known == text.encode()):
            make_folders(video.parent)
            # The truth is written last: its presence shows that the video is complete.
            truth.unlink(missing_ok=True)
            render(scene, video)
            sync(video)
            sync(video.parent)
            Location.of(truth).write_text(text)
        row = ManifestRow(
            video_id=name,
            uri=f"videos/{name}.mp4",
            source="scripted-scenes",
            licence="Apache-2.0",
            annotations=source_annotations_of(scene, number),
        )
        rows.append(row.model_dump_json() + "\n")
    manifest, listed = folder / "manifest.jsonl", "".join(rows).encode()
    if not (manifest.is_file() and manifest.read_bytes() == listed):
        Location.of(manifest).write_bytes(listed)
    return manifest


@cache
def timing_option() -> str:
    """The option of ffmpeg for time stamps; before ffmpeg 5.1 it is ``vsync``."""
    command = ["ffmpeg", "-hide_banner", "-h", "long"]
    options = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "fps_mode" if "-fps_mode" in options else "vsync"


def render(scene: Scene, path: Path) -> None:
    """Encode a scene to a file; the same bytes each time with the same ffmpeg.

    Raises:
        ffmpeg.Error: ffmpeg could not encode.
    """
    runs = scene.frame_runs()
    pictures = ffmpeg.input(  # type: ignore[no-untyped-call]
        "pipe:",
        format="rawvideo",
        pix_fmt="bgr24",
        s=f"{WIDTH}x{HEIGHT}",
        # The last rate: it sets the duration of the last frame, which no time stamp does.
        framerate=str(runs[-1][1]),
    )
    timing: dict[str, Any] = {}
    if len(runs) > 1:
        pictures = pictures.filter("settb", f"1/{TICKS}").filter("setpts", _time_stamps(scene))
        # Without passthrough, ffmpeg makes the rate constant. With B-frames, the last frame decoded
        # is not the last one shown, and its duration ends the file too early.
        timing = {timing_option(): "passthrough", "enc_time_base": f"1:{TICKS}", "bf": 0}
    process = (
        ffmpeg.output(
            pictures,
            str(path),
            format="mp4",
            vcodec=scene.codec,
            pix_fmt="yuv420p",
            threads=1,
            fflags="+bitexact",
            **{"flags:v": "+bitexact", **ENCODING[scene.codec], **timing},
        )
        .global_args("-hide_banner", "-loglevel", "error")
        .overwrite_output()
        .run_async(pipe_stdin=True, pipe_stderr=True)
    )
    try:
        for picture in _pictures(scene):
            process.stdin.write(picture.tobytes())
    except BrokenPipeError:
        pass  # ffmpeg failed; its error message follows
    _, stderr = process.communicate()
    if process.returncode:
        raise ffmpeg.Error("ffmpeg", None, stderr)  # type: ignore[no-untyped-call]


def draw(scene: Scene, time_s: float, canvas: Pixels) -> Pixels:
    """The picture at a time, drawn over the background: BGR, [height, width, 3]."""
    picture: Pixels = canvas.copy()
    for actor in scene.actors:
        if actor.in_view(time_s):
            _draw_actor(picture, actor, time_s)
    return picture


def _pictures(scene: Scene) -> Iterator[Pixels]:
    canvases: dict[Colour, list[Pixels]] = {}
    for number, time_s in enumerate(scene.frame_times()):
        colour = scene.background(time_s)
        if colour not in canvases:
            canvases[colour] = _canvases(colour, scene.texture)
        choices = canvases[colour]
        yield draw(scene, time_s, choices[number % len(choices)])


def _canvases(colour: Colour, texture: Texture) -> list[Pixels]:
    """Pictures of the background alone, to be used in turn."""
    plain = np.empty((HEIGHT, WIDTH, 3), np.float64)
    plain[:] = RGB[colour][::-1]
    if texture == "gradient":
        ramp = np.linspace(-GRADIENT_DEPTH / 2, GRADIENT_DEPTH / 2, WIDTH)
        return [_pixels(plain + ramp[np.newaxis, :, np.newaxis])]
    if texture == "noise":
        noise = np.random.default_rng(0).integers(
            -NOISE_AMPLITUDE, NOISE_AMPLITUDE, (NOISE_FRAMES, HEIGHT, WIDTH, 1), endpoint=True
        )
        return [_pixels(plain + layer) for layer in noise]
    return [_pixels(plain)]


def _pixels(values: NDArray[np.float64]) -> Pixels:
    return values.clip(0, 255).astype(np.uint8)


def _draw_actor(picture: Pixels, actor: Actor, time_s: float) -> None:
    (x, y), r = actor.place(time_s), actor.radius
    corners = {
        "circle": [(x, y)],
        "square": [(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)],
        "triangle": [(x, y - r), (x + r, y + r), (x - r, y + r)],
    }[actor.shape]
    unit = 1 << SUBPIXEL_BITS
    points = np.round(np.array(corners) * unit).astype(np.int32)
    ink = RGB[actor.colour(time_s)][::-1]
    if actor.shape == "circle":
        centre = (int(points[0][0]), int(points[0][1]))
        cv2.circle(picture, centre, r * unit, ink, cv2.FILLED, cv2.LINE_AA, SUBPIXEL_BITS)
    else:
        cv2.fillConvexPoly(picture, points, ink, cv2.LINE_AA, SUBPIXEL_BITS)


def _time_stamps(scene: Scene) -> str:
    """An ffmpeg expression for the time stamp in ticks of frame ``N``."""
    expression, first = "", 0
    for start, rate, count in scene.frame_runs():
        stamps = f"{start * TICKS}+(N-{first})*{TICKS / rate}"
        expression += f"if(lt(N,{first + count}),{stamps},"
        first += count
    return expression + "0" + ")" * len(scene.rates)
