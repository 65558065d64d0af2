"""Dialogues of small made-up videos."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.placement import Collision
from pipeline.dialogue.tiling import Tiling
from pipeline.records import Annotation, Dialogue, Video
from tests.pipeline.dialogue.annotations import cases


def video_of(tiling: Tiling, **changes: Any) -> Video:
    fields = {
        "video_id": tiling.video_id, "uri": f"{tiling.video_id}.mp4", "duration_s": tiling.end_s,
        "width": 640, "height": 360, "rotation_deg": 0, "codec": "h264", "frame_rate": 25,
        "sha256": "0", "source": "made_up", "licence": "CC0-1.0",
    }  # fmt: skip
    return Video.model_validate(fields | changes)


def dialogue_of(annotation: Annotation, tiling: Tiling, collision: Collision = "merge") -> Dialogue:
    made, _ = build_dialogues(video_of(tiling), tiling, [annotation], "sample", collision=collision)
    return made[0]


@st.composite
def dialogues(draw: st.DrawFn, longest: int = 12, responses: int = 7) -> Dialogue:
    """Of any annotation that one can be made of."""
    while True:
        case = draw(cases(longest, responses))
        made, _ = build_dialogues(video_of(case.tiling), case.tiling, [case.annotation], "sample")
        if made:
            return made[0]
