"""An engine that looks at pixels, and a scene for it, for tests of two stages that must agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import cv2
import numpy as np

from pipeline.engines.embedded.engine import EmbeddedEngine
from pipeline.records import FramedSegment

T = TypeVar("T", bound=FramedSegment)


class Measuring(EmbeddedEngine):
    kind, model, revision, timed_frames = "embedded", "embedded", "1", True


def square_scene(turns: Sequence[T]) -> list[T]:
    """Six turns: a square comes with the third and goes with the last."""
    picture = np.full((90, 160, 3), 255, np.uint8)
    empty = cv2.imencode(".jpg", picture)[1].tobytes()
    picture[30:60, 60:90] = (0, 0, 200)
    square = cv2.imencode(".jpg", picture)[1].tobytes()
    return [
        t.model_copy(update={"jpeg": square if 2 <= i < 5 else empty}) for i, t in enumerate(turns)
    ]
