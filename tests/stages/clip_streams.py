"""Streams of clips as the stages of StreamBridge read them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from pipeline.records import (
    Annotation,
    CaptionedStream,
    ClipCaption,
    Provenance,
    Question,
    Response,
    Segment,
    Video,
)
from pipeline.records.streams import clip_starts, stream_of


def known(video_id: str, duration_s: float = 12.0, **fields: object) -> Video:
    about = {"width": 64, "height": 48, "rotation_deg": 0, "codec": "h264", "frame_rate": 25.0}
    own = {"video_id": video_id, "uri": f"{video_id}.mp4", "duration_s": duration_s, "sha256": ""}
    return Video.model_validate(own | about | fields)


def stream(
    name: str, durations_s: Sequence[float], provenance: Provenance | None = None
) -> CaptionedStream:
    clips = [known(f"{name}-{i}", seconds) for i, seconds in enumerate(durations_s)]
    captions = tuple(
        ClipCaption(
            caption=f"Thing {i} of {name} falls.",
            provenance=provenance,
            origin="" if provenance else "human",
            similarity=0.5,
            link=0.5 if i else None,
        )
        for i in range(len(clips))
    )
    return CaptionedStream(**dict(stream_of(name, clips)), captions=captions)


def turns(of: CaptionedStream) -> list[Segment]:
    """One a second; the last ends with the stream."""
    count = -int(-of.duration_s // 1)
    return [
        Segment(
            video_id=of.video_id,
            index=i,
            start_s=i,
            end_s=min(i + 1, of.duration_s),
            frame_s=i,
            turns_per_s=1,
        )
        for i in range(count)
    ]


def asked(of: CaptionedStream) -> list[Annotation]:
    """One question a clip, as ``clip_questions`` writes it."""
    starts = clip_starts(of.clips)
    return [
        Annotation(
            video_id=of.video_id,
            annotation_id=f"{of.video_id} a{i}",
            task="clip_qa",
            aspect="action_recognition",
            questions=[
                Question(
                    qid=f"q{i}", text=f"What of {of.video_id} is {i}?", asked_s=b, asked_by="given"
                )
            ],
            responses=[
                Response.event(f"r{i}", f"Thing {i} of {of.video_id}.", a, b).model_copy(
                    update={"qid": f"q{i}"}
                )
            ],
            origins=["human"],
        )
        for i, (a, b) in enumerate(pairwise(starts))
    ]
