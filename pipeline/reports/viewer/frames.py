"""The frames of videos as the models saw them, and small pictures of samples."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import pyarrow as pa

from pipeline.records import FramedSegment
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.workflow.plan import NodePlan

PICTURE_WIDTH = 160
"""Pixels of a small picture."""
_QUALITY = 70
_PARTS_HELD = 4


def framed(plans: Sequence[NodePlan]) -> NodePlan | None:
    """The node whose frames are shown: the first that keeps any."""
    kept = (plan for plan in plans if issubclass(plan.node.stage.writes, FramedSegment))
    return next(kept, None)


@lru_cache(_PARTS_HELD)
def _jpegs(part: Location) -> tuple[Mapping[str, tuple[int, int]], pa.ChunkedArray[Any]]:
    """The rows of each video in a part, from and up to, and all frames."""
    table = read_table(part, ("video_id", "jpeg"))
    rows: dict[str, tuple[int, int]] = {}
    for row, video_id in enumerate(map(str, table.column("video_id").to_pylist())):
        rows[video_id] = rows.get(video_id, (row, row))[0], row + 1
    return rows, table.column("jpeg")


def frames_of(part: Location, video_id: str) -> Sequence[bytes]:
    """The JPEG of each turn of a video, in order of turns; none where the part has not the video.

    Raises:
        StoreError: the part cannot be read.
    """
    rows, jpegs = _jpegs(part)
    start, stop = rows.get(video_id, (0, 0))
    return [bytes(jpeg or b"") for jpeg in jpegs.slice(start, stop - start).to_pylist()]


def as_text(jpegs: Sequence[bytes]) -> list[str]:
    """Each in base64."""
    return [base64.b64encode(jpeg).decode() for jpeg in jpegs]


def small_pictures(jpegs: Sequence[bytes], turns: Sequence[int]) -> Iterator[str]:
    """A small JPEG in base64 of the frame of each of these turns; empty where there is none."""
    made: dict[int, str] = {}
    for turn in turns:
        if turn not in made:
            made[turn] = _small(jpegs[turn]) if 0 <= turn < len(jpegs) else ""
        yield made[turn]


def _small(jpeg: bytes) -> str:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR) if jpeg else None
    if picture is None:
        return ""
    height = max(1, round(picture.shape[0] * PICTURE_WIDTH / picture.shape[1]))
    scaled = cv2.resize(picture, (PICTURE_WIDTH, height), interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", scaled, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return base64.b64encode(encoded.tobytes()).decode() if done else ""
