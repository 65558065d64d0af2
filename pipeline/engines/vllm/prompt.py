"""An ask as chat messages with placeholders for its frames, and the times of the frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pipeline.engines.base import Ask, Frame
from pipeline.engines.frame_label import FrameLabel, label_text
from pipeline.engines.vllm.config import VllmConfig

EVEN_S = 0.25
"""Half of the time step of Qwen2.5-VL: frames further than this from a constant step are uneven."""
TICKS = 1000
"""Frames a second of the fictitious video from which the frames are said to be sampled."""


@dataclass(frozen=True)
class Shown:
    """The input of a model.

    ``messages`` are for its chat template. ``video`` is the metadata of the frames if they are one
    video; None if each is an image. ``names`` are the cache keys of the images, or of the video:
    equal names mean equal pixels and times.
    """

    messages: list[dict[str, Any]]
    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    video: dict[str, Any] | None = None


def shown(ask: Ask, config: VllmConfig, *, even_only: bool) -> Shown:
    """An ask as the input of a model.

    The system message comes first and frames come before the text, so that asks about the same
    frames have the same beginning, which the engine caches. As images, each frame follows its
    label.

    With ``frame_input: video`` all frames are one video. They are images nevertheless if there is
    but one, or if the model computes times from a constant step (``even_only``: Qwen2.5-VL) and no
    constant step is true to a quarter of a second.
    """
    pixels = (config.min_pixels, config.max_pixels)
    label_of: FrameLabel = "none" if config.answers == "vectors" else config.frame_label
    video = video_of(ask.frames, even_only=even_only) if config.frame_input == "video" else None
    content: list[dict[str, Any]] = []
    names: tuple[str, ...]
    if video is not None:
        content.append({"type": "video"})
        names = (_name(pixels, video["frames_indices"], *(f.jpeg for f in ask.frames)),)
    else:
        for frame in ask.frames:
            if label := label_text(frame.time_s, label_of):
                content.append({"type": "text", "text": label})
            content.append({"type": "image"})
        names = tuple(_name(pixels, frame.jpeg) for frame in ask.frames)
    if ask.text or config.answers == "texts":
        content.append({"type": "text", "text": ask.text})
    # The templates of text models take plain texts only.
    user = {"role": "user", "content": content if ask.frames else ask.text}
    system = [{"role": "system", "content": ask.system}] if ask.system else []
    return Shown([*system, user], ask.frames, names, video)


def video_of(frames: Sequence[Frame], *, even_only: bool) -> dict[str, Any] | None:
    """The metadata of a video for processors; None if the frames do not make one.

    Qwen2.5-VL sees two frames at a time, and places each pair by ``second_per_grid_ts``, which its
    processor takes to be two times ``total_num_frames / fps / number of frames``: the length that
    is given must be that of the frames shown, each with its step, wherever in the video they are.
    Its positions are whole numbers of half seconds from the first pair, rounded down. Qwen3-VL
    writes ``frames_indices / fps`` as text, so that these must be times in the video.
    """
    times = [frame.time_s for frame in frames]
    if len(times) < 2 or times[-1] <= times[0]:
        return None
    step_s = (times[-1] - times[0]) / (len(times) - 1)
    off_s = max(abs(times[0] + i * step_s - time_s) for i, time_s in enumerate(times))
    if even_only and off_s > EVEN_S:
        return None
    return {
        "fps": float(TICKS),
        "frames_indices": [round(time_s * TICKS) for time_s in times],
        "total_num_frames": round(step_s * len(times) * TICKS),
        "duration": step_s * len(times),
        "video_backend": "frames",
        "do_sample_frames": False,
    }


def _name(*parts: Any) -> str:
    digest = sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else repr(part).encode()
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
