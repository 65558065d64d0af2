"""List what happens in each video, with spans: its events, and the actions in it.

One ask a family, over the same frames below the same system part, next to each other: an engine
with a prefix cache computes the frames once.

reads:  FramedSegment
writes: Event, any number per video, family by family and by start; a Reject for each with an
        impossible span and for each that was listed before
source: section 4.1 of arXiv:2512.21334, event caption, step 1, and action caption
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field, field_validator

from pipeline.records import THIS_CALL, Event, FramedSegment, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, AnswerTime, Family, SampledConfig, Sentence, whole_video
from stages._consistency import lists_alike, spokesman, support
from stages._reasons import BAD_SPAN, OTHER_EVENT_FAILED
from stages._spans import clipped
from stages._wording import bare


class Config(SampledConfig):
    """What is asked for, and what counts as a span."""

    prompt: str = Field(
        "caption", description="name of the prompt, a file below prompts/ without its suffix"
    )
    families: tuple[Family, ...] = Field(
        ("event", "action"), min_length=1, description="what is listed, each by an ask of its own"
    )
    max_tokens: int = Field(
        4096, ge=1, description="most tokens of the answer, all captions of a video"
    )
    max_frames: int = Field(
        256, ge=2, description="frames shown, evenly spaced; the paper gives none"
    )
    max_events: int = Field(
        20,
        ge=1,
        description="how many of a family are asked for at most; those listed behind them are"
        " refused. The paper gives none",
    )
    tolerance_s: float = Field(
        1.0,
        ge=0,
        description="a span that leaves the video by no more than this is clipped to it; the paper"
        " gives none",
    )
    policy: Literal["video", "event"] = Field(
        "video",
        description="video: one impossible or inconsistent span refuses all of its family in the"
        " video, as the paper keeps only videos whose events all hold; event: it refuses that event"
        " alone",
    )

    @field_validator("families")
    @classmethod
    def _each_once(cls, families: tuple[Family, ...]) -> tuple[Family, ...]:
        if len(set(families)) < len(families):
            raise ValueError("a family stands twice")
        return families

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """One event more than is asked for is one too many."""
        return {"events": {"maxItems": self.max_events + 1}}


class Captioned(Answer):
    """One thing that happens."""

    caption: Sentence
    start_s: AnswerTime
    end_s: AnswerTime


class Events(Answer):
    """All things that happen."""

    events: list[Captioned]


class Listing(NamedTuple):
    """What is listed, of a video of so many seconds."""

    family: Family
    duration_s: float


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Listing]]:
    """The whole video at once, for each family."""
    frames, duration_s = whole_video(rows, config.max_frames)
    for family in config.families:
        variables = {
            "focus": family,
            "duration_s": printed(duration_s),
            "max_events": config.max_events,
        }
        yield Case(Listing(family, duration_s), variables, shared=frames)


def reasons_against(
    found: Sequence[Captioned],
    spans: Sequence[tuple[float, float] | None],
    consistency: Sequence[float],
    config: Config,
) -> list[str]:
    """For each event why it is refused, or an empty text."""
    reasons = [
        "too_many_events"
        if i >= config.max_events
        else "bad_span"
        if span is None
        else "inconsistent"
        if score < config.min_consistency
        else ""
        for i, (span, score) in enumerate(zip(spans, consistency, strict=True))
    ]
    if config.policy == "video" and any(reasons):
        return [reason or "other_event_failed" for reason in reasons]
    keys = [(bare(seen.caption), span) for seen, span in zip(found, spans, strict=True)]
    return [
        reason or ("duplicate_event" if keys[i] in keys[:i] else "")
        for i, reason in enumerate(reasons)
    ]


def accept(
    case: Case[Listing], answers: Answers[Events], config: Config
) -> Iterator[Event | Reject]:
    """The events of the answer that speaks for all, by start, their spans clipped to the video.

    One listed twice counts once.
    """
    lists = [[(e.start_s, e.end_s) for e in answer.events] for answer in answers]
    chosen, _ = spokesman(lists, lists_alike, answers.drawn)
    others = [spans for i, spans in enumerate(lists) if i != chosen]
    found = sorted(answers[chosen].events, key=lambda e: (e.start_s, e.end_s, e.caption))
    if not found:
        yield Reject(reason="no_events", detail=case.subject.family)
    duration_s = case.subject.duration_s
    spans = [clipped(e.start_s, e.end_s, duration_s, config.tolerance_s) for e in found]
    consistency = [support((e.start_s, e.end_s), others, answers.drawn) for e in found]
    reasons = reasons_against(found, spans, consistency, config)
    for seen, span, score, reason in zip(found, spans, consistency, reasons, strict=True):
        if span is None or reason:
            detail = f"[{seen.start_s:.2f}, {seen.end_s:.2f}) of {duration_s:.2f} s"
            yield Reject(reason=reason, detail=detail, row=seen.model_dump_json())
            continue
        yield Event(
            family=case.subject.family,
            caption=seen.caption,
            start_s=span[0],
            end_s=span[1],
            consistency=score,
            provenance=THIS_CALL,
        )


STAGE = annotation_stage(
    name="caption",
    version=5,
    reads=(FramedSegment,),
    writes=Event,
    config=Config,
    answer=Events,
    variables={"focus": "event", "duration_s": 9.5, "max_events": 20},
    cases=cases,
    accept=accept,
    tasks=lambda config, _: {*config.families},
    reasons=(
        Reason(
            "no_events",
            "The model sees nothing to list in the video: no event, or no action.",
            absence=True,
        ),
        Reason("too_many_events", "It is more than `max_events` of its family.", policy=True),
        BAD_SPAN,
        Reason(
            "inconsistent",
            "The other samples bear the span out less than `min_consistency`.",
            policy=True,
        ),
        OTHER_EVENT_FAILED,
        Reason("duplicate_event", "The same event, with the same span, is listed twice."),
    ),
)
