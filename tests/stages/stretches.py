"""A narration, the summaries of its stretches, and turns, for the stages that remember."""

from __future__ import annotations

from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import Annotation, Dialogue, Segment, Summary
from tests.stages.clip_streams import known

LINES = ((3.0, "A ball rolls."), (9.0, "It stops."), (31.0, "A dog comes."))


def turns(count: int = 100) -> list[Segment]:
    return [
        Segment(
            video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1, jpeg_sha256=""
        )
        for i in range(count)
    ]


def narration(*lines: tuple[float, str]) -> Annotation:
    made = Annotation.instants("narration", "Tell what happens.", lines or LINES)
    return made.model_copy(update={"video_id": "v", "annotation_id": "n"})


def summaries(count: int, raw_s: float = 10) -> list[Summary]:
    return [
        Summary(
            video_id="v",
            level="middle",
            start_s=n * raw_s,
            end_s=(n + 1) * raw_s,
            text=f"Thing {n} went on.",
            provenance=None,
        )
        for n in range(count)
    ]


def whole(annotation: Annotation) -> Dialogue:
    (made,), _ = build_dialogues(known("v", 45), tiling_of("v", turns(45)), [annotation], "s")
    return made
