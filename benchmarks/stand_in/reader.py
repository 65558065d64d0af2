"""In place of what probes and decodes: a file says which video it would be."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from benchmarks.stand_in.script import Script, packed_frame
from pipeline.media.base import (
    DEFAULT_LIMITS,
    Clip,
    Limits,
    MediaError,
    Probe,
    Still,
    StillsRequest,
    frame_times,
)
from pipeline.media.reader.local_file import existing_file
from pipeline.records.digest import text_digest

JPEG = cv2.imencode(".jpg", np.full((16, 16, 3), 127, np.uint8))[1].tobytes()
LEVELS = 50.0
"""No turn stands still, so each is asked about."""


def probe(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """As of ``pipeline.media.reader.probe``."""
    script = _script(clip, limits)
    return Probe(
        duration_s=float(script.seconds),
        width=16,
        height=16,
        rotation_deg=0,
        codec="h264",
        frame_rate=25.0,
        sha256=text_digest(str(script)),
    )


def stills(clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS) -> list[Still]:
    """As of ``pipeline.media.reader.frames``."""
    script = _script(clip, limits)
    times_s = frame_times(script.seconds, request.turns_per_s, request.frames_per_turn)
    return [
        Still(
            float(time_s),
            JPEG + packed_frame(script, float(time_s)),
            step_levels=LEVELS if k else None,
            turn_levels=LEVELS if k >= request.frames_per_turn else None,
        )
        for k, time_s in enumerate(times_s)
    ]


def _script(clip: Clip, limits: Limits) -> Script:
    file = existing_file(clip.uri, limits)
    assert isinstance(file, Path)
    try:
        return Script(**json.loads(file.read_bytes()))
    except ValueError:
        raise MediaError("not_a_video", "it says of no video what it would be") from None
