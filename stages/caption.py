"""List what happens in each video, with spans. Placed twice: for events and for actions.

reads:  FramedSegment
writes: Event, any number per video, by start; a Reject for each with an impossible span and for
        each that was listed before
source: section 4.1 of arXiv:2512.21334, event caption, step 1, and action caption
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.engines.base import Frame
from pipeline.records import Event, FramedSegment, Provenance, Reject
from pipeline.records.digest import digest
from pipeline.workflow.annotation_stage import annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import (
    Answer,
    AnswerTime,
    Footage,
    SampledConfig,
    Sentence,
    call,
    footage_of,
    printed,
    printed_times,
    shown,
)
from stages._consistency import lists_alike, spokesman, support
from stages._spans import clipped
from stages._wording import bare


class Config(SampledConfig):
    """What is asked for, and what counts as a span."""

    prompt: str = Field("caption_events", description="prompt file")
    family: Literal["event", "action"] = Field("event", description="what is listed")
    max_tokens: int = Field(4096, ge=1, description="of all captions of a video")
    max_frames: int = Field(
        256, ge=2, description="frames shown, evenly spaced; the paper gives none"
    )
    max_events: int = Field(
        20, ge=1, description="how many are asked for at most; the paper gives none"
    )
    tolerance_s: float = Field(
        1.0,
        ge=0,
        description="a span that leaves the video by no more than this is clipped to it; the paper"
        " gives none",
    )
    policy: Literal["video", "event"] = Field(
        "video",
        description="video: one impossible or inconsistent span refuses all events of the video, as"
        " the paper keeps only videos whose events all hold; event: it refuses that event alone",
    )


class Captioned(Answer):
    """One thing that happens."""

    start_s: AnswerTime
    end_s: AnswerTime
    caption: Sentence


class Events(Answer):
    """All things that happen."""

    events: Annotated[list[Captioned], Field(max_length=200)]


def cases(rows: VideoRows, config: Config) -> Iterator[Footage]:
    """One case a video."""
    yield footage_of(rows, config.max_frames)


def ask(footage: Footage, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """The whole video at once."""
    variables = {
        "focus": config.family,
        "duration_s": printed(footage.duration_s),
        "max_events": config.max_events,
        "frame_times": printed_times(footage.segments),
    }
    return variables, shown(footage.segments)


def reasons_against(
    found: Sequence[Captioned],
    spans: Sequence[tuple[float, float] | None],
    consistency: Sequence[float],
    config: Config,
) -> list[str]:
    """For each event why it is refused, or an empty text."""
    reasons = [
        "bad_span" if span is None else "inconsistent" if score < config.min_consistency else ""
        for span, score in zip(spans, consistency, strict=True)
    ]
    if config.policy == "video" and any(reasons):
        return [reason or "other_event_failed" for reason in reasons]
    keys = [(bare(seen.caption), span) for seen, span in zip(found, spans, strict=True)]
    return [
        reason or ("duplicate_event" if keys[i] in keys[:i] else "")
        for i, reason in enumerate(reasons)
    ]


def accept(
    footage: Footage, answers: Sequence[Events], config: Config, provenance: Provenance
) -> Iterator[Event | Reject]:
    """The events of the answer that speaks for all, by start, their spans clipped to the video.

    One listed twice counts once.
    """
    lists = [[(e.start_s, e.end_s) for e in answer.events] for answer in answers]
    chosen, _ = spokesman(lists, lists_alike, provenance.samples)
    others = [spans for i, spans in enumerate(lists) if i != chosen]
    found = sorted(answers[chosen].events, key=lambda e: (e.start_s, e.end_s, e.caption))
    if not found:
        yield Reject(video_id=footage.video_id, reason="no_events")
    spans = [
        clipped(seen.start_s, seen.end_s, footage.duration_s, config.tolerance_s) for seen in found
    ]
    consistency = [
        support((seen.start_s, seen.end_s), others, provenance.samples) for seen in found
    ]
    reasons = reasons_against(found, spans, consistency, config)
    for number, (seen, span, reason) in enumerate(zip(found, spans, reasons, strict=True)):
        if span is None or reason:
            yield Reject(
                video_id=footage.video_id,
                reason=reason,
                detail=f"[{seen.start_s:.2f}, {seen.end_s:.2f}) of {footage.duration_s:.2f} s",
                row=seen.model_dump_json(),
            )
            continue
        content = [config.family, footage.video_id, number, seen.caption, span, call(provenance)]
        yield Event(
            video_id=footage.video_id,
            event_id=digest(content, 16),
            family=config.family,
            caption=seen.caption,
            start_s=span[0],
            end_s=span[1],
            consistency=consistency[number],
            provenance=provenance,
        )


STAGE = annotation_stage(
    name="caption",
    version=2,
    reads=(FramedSegment,),
    writes=Event,
    config=Config,
    answer=Events,
    cases=cases,
    ask=ask,
    accept=accept,
)
