"""Take the spans that a dataset describes as events, to be located by their captions alone.

reads:  Video
writes: Event, one per described span (of the kinds event and step), in the order of the manifest;
        a Reject for each that is not taken, and one for a video of which nothing is described
source: the usual test of temporal grounding, a caption and its span, as in arXiv:1705.02101
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pipeline.records import Event, Reject, SourceAnnotation, Video
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._reasons import BAD_SPAN
from stages._spans import span_of
from stages._wording import bare

Origin = Literal["human", "model", "asr"]

FAMILIES: dict[str, Literal["event", "action"]] = {"event": "event", "step": "action"}
"""The kinds of entry that describe a span, with the family of event that each becomes."""


class Config(StageConfig):
    """Whose spans are taken, and what counts as a span."""

    origins: tuple[Origin, ...] = Field(
        ("human",),
        min_length=1,
        description="who wrote the spans that are taken: people by default, as they are the truth",
    )
    tolerance_s: float = Field(
        1.0,
        ge=0,
        description="a span that leaves the video by no more than this, or than the resolution of"
        " its times, is clipped to it, as in the stage source_annotations",
    )


def event_of(video: Video, entry: SourceAnnotation, config: Config) -> Event | tuple[str, str]:
    """The entry as an event with its span in the video, or a reason with its detail."""
    if entry.origin not in config.origins:
        return "origin_not_wanted", entry.origin or "nobody says who wrote it"
    if not entry.text.strip():
        return "empty_text", f"{entry.kind}: words are missing"
    if entry.start_s is None and entry.end_s is None:
        return "no_span", f"{entry.kind}: what holds for the whole video has no moment"
    span = span_of(entry, video.duration_s, config.tolerance_s)
    if span is None:
        return "bad_span", f"[{entry.start_s}, {entry.end_s}) of {video.duration_s:.2f} s"
    return Event(
        family=FAMILIES[entry.kind],
        caption=entry.text,
        start_s=span[0],
        end_s=span[1],
        provenance=None,
        origin=entry.origin,
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Event | Reject]:
    """The events of one video; one that is described twice in the same words counts once.

    What people and what models wrote stays apart.
    """
    for video in rows[Video]:
        described = [entry for entry in video.annotations if entry.kind in FAMILIES]
        seen: set[tuple[str, str, float, float]] = set()
        for entry in described:
            event = event_of(video, entry, config)
            if isinstance(event, Event):
                key = event.origin, bare(event.caption), event.start_s, event.end_s
                if key not in seen:
                    seen.add(key)
                    yield event
                    continue
                event = "duplicate_event", event.caption
            reason, detail = event
            yield Reject(reason=reason, detail=detail, row=entry.model_dump_json())
        if not described:
            yield Reject(reason="no_source_events")


STAGE = per_video_stage(
    name="source_events",
    version=2,
    reads=(Video,),
    writes=Event,
    config=Config,
    run=run,
    reasons=(
        Reason("no_source_events", "The manifest describes no span of the video.", absence=True),
        Reason("origin_not_wanted", "Who wrote the entry is not in `origins`.", absence=True),
        Reason("empty_text", "The entry has no text."),
        Reason("no_span", "The entry has no span: what holds for the whole video has no moment."),
        BAD_SPAN,
        Reason("duplicate_event", "The same span is described twice in the same words."),
    ),
)
