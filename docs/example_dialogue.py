"""The small dialogue by which the reference shows the export formats."""

from __future__ import annotations

import json

from pipeline.cli.file_options import SYSTEM
from pipeline.corpus.formats.base import Format, View
from pipeline.corpus.formats.system import system_text
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import Annotation, Dialogue, Question, Response, Segment, Video

VIDEO = "cooking.mp4"


def example_dialogue() -> Dialogue:
    """Four turns: silence, silence, standby, response."""
    video = Video(
        video_id=VIDEO, uri=VIDEO, source="mine", licence="CC-BY-4.0", duration_s=4, width=640,
        height=360, rotation_deg=0, codec="h264", frame_rate=25, sha256="0",
    )  # fmt: skip
    segments = [
        Segment(video_id=VIDEO, index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1)
        for i in range(4)
    ]
    annotation = Annotation(
        video_id=VIDEO, annotation_id="a0", task="event_caption",
        questions=[Question(qid="q0", text="Tell me when an event is over.", asked_s=0)],
        responses=[Response.event("r0", "The lid is put on the pan.", 2, 3)],
    )  # fmt: skip
    (dialogue,), _ = build_dialogues(video, tiling_of(VIDEO, segments), [annotation], "s0")
    return dialogue


def example_rows(form: Format) -> str:
    """The dialogue in a format, as indented JSON; the system text is cut short."""
    tokens = STATE_TOKENS["official"]
    system = system_text(SYSTEM.read_text("utf-8").strip(), tokens)
    view = View(
        tokens=tokens,
        system=f"{system[:40]}…",
        video=lambda head: head.uri,
        image=lambda _, index: f"images/cooking/{index:06d}.jpg",
        weights=False,
    )
    rows = form.write(example_dialogue(), view)
    return "\n".join(json.dumps(row, indent=1, ensure_ascii=False) for row in rows)
