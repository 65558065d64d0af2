"""Take over what a dataset already says about its videos.

reads:  Video
writes: Annotation of the task offline_qa or event_grounding, one per entry that is taken over; a
        Reject for each other entry
source: section 4.2 of arXiv:2512.21334, offline QA; section 4.1, event grounding
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pipeline.fingerprint import digest
from pipeline.records import (
    Annotation,
    Question,
    Reject,
    Response,
    SourceAnnotation,
    Span,
    Video,
)
from pipeline.stage import Context, StageConfig, VideoRows, per_video_stage
from stages._responses import event_response, instant_response
from stages._spans import clipped, stated
from stages._wording import bare

TASKS = {"qa": "offline_qa", "event": "event_grounding"}
MAX_OPTIONS = 26
"""Options are answered by letter."""


class Config(StageConfig):
    """What is taken over, and when questions are asked."""

    tasks: tuple[Literal["offline_qa", "event_grounding"], ...] = Field(
        ("offline_qa", "event_grounding"),
        min_length=1,
        description="questions and answers, described spans, or both",
    )
    ask_at: Literal["start", "end"] = Field(
        "end",
        description="when a question is asked that has no time of its own: at the start of the"
        " video, to be answered when its evidence is over; or at the end, to be answered at once",
    )
    tolerance_s: float = Field(
        1.0,
        ge=0,
        description="a span that leaves the video by no more than this is clipped to it; the paper"
        " gives none",
    )


def span_of(
    entry: SourceAnnotation, duration_s: float, tolerance_s: float
) -> tuple[float, float] | None:
    """The span of an entry in seconds; the whole video if it has none; None if it is impossible."""
    if entry.start_s is None and entry.end_s is None:
        return (0.0, duration_s) if entry.kind == "qa" else None
    if entry.start_s is None or entry.end_s is None:
        return None
    return clipped(entry.start_s, entry.end_s, duration_s, tolerance_s)


def answered(text: str, span: tuple[float, float], asked_s: float) -> Response:
    """The answer: when its span is over if that is still to come, else at once."""
    start_s, end_s = span
    if asked_s < end_s:
        return event_response("r0", text, start_s, end_s)
    return instant_response("r0", text, end_s, evidence=[Span(start_s=start_s, end_s=end_s)])


def worded(entry: SourceAnnotation) -> str | tuple[str, str]:
    """The answer, as its option has it where there are options; or a reason with its detail."""
    if not entry.options:
        return entry.text
    if len(entry.options) > MAX_OPTIONS:
        return "too_many_options", f"{len(entry.options)} of at most {MAX_OPTIONS}"
    options = {bare(option): option for option in entry.options}
    if len(options) < len(entry.options):
        return "duplicate_options", "; ".join(entry.options)
    text = options.get(bare(entry.text))
    return text if text is not None else ("answer_not_an_option", entry.text)


def offline_qa(
    video: Video, entry: SourceAnnotation, span: tuple[float, float], config: Config
) -> Annotation | tuple[str, str]:
    """The question and its answer as a task, or a reason with its detail."""
    if not entry.question.strip() or not entry.text.strip():
        return "empty_text", "a question needs words, and so does its answer"
    text = worded(entry)
    if isinstance(text, tuple):
        return text
    asked_s = entry.asked_s
    if asked_s is None:
        asked_s = 0.0 if config.ask_at == "start" else video.duration_s
    if asked_s > video.duration_s + config.tolerance_s:
        return "outside_video", f"asked at {asked_s:.2f} s of {video.duration_s:.2f} s"
    asked_s = min(asked_s, video.duration_s)
    return Annotation(
        video_id=video.video_id,
        annotation_id=digest(["offline_qa", video.video_id, entry.model_dump(), asked_s], 16),
        task="offline_qa",
        questions=[Question(qid="q0", text=entry.question, asked_s=asked_s, options=entry.options)],
        responses=[answered(text, span, asked_s)],
    )


def event_grounding(
    video: Video, entry: SourceAnnotation, span: tuple[float, float]
) -> Annotation | tuple[str, str]:
    """The described span as a task: the description is the question, the span the answer."""
    if not entry.text.strip():
        return "empty_text", "an event needs a description"
    return Annotation(
        video_id=video.video_id,
        annotation_id=digest(["event_grounding", video.video_id, entry.model_dump(), span], 16),
        task="event_grounding",
        questions=[Question(qid="q0", text=entry.text, asked_s=0)],
        responses=[event_response("r0", stated(*span), *span)],
    )


def take_over(
    video: Video, entry: SourceAnnotation, config: Config
) -> Annotation | tuple[str, str]:
    """One entry as a task, or a reason with its detail."""
    span = span_of(entry, video.duration_s, config.tolerance_s)
    if span is None:
        return "bad_span", f"[{entry.start_s}, {entry.end_s}) of {video.duration_s:.2f} s"
    if entry.kind == "qa":
        return offline_qa(video, entry, span, config)
    return event_grounding(video, entry, span)


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The entries of one video, in their order; an entry that stands twice is taken over once."""
    for video in rows[Video]:
        seen: set[str] = set()
        for entry in video.annotations:
            result: Annotation | tuple[str, str]
            if TASKS[entry.kind] in config.tasks:
                result = take_over(video, entry, config)
            else:
                result = "task_not_wanted", TASKS[entry.kind]
            if isinstance(result, Annotation) and result.annotation_id in seen:
                result = "duplicate_annotation", result.annotation_id
            if isinstance(result, Annotation):
                seen.add(result.annotation_id)
                yield result
            else:
                yield Reject(
                    video_id=video.video_id,
                    reason=result[0],
                    detail=result[1],
                    row=entry.model_dump_json(),
                )
        if not video.annotations:
            yield Reject(video_id=video.video_id, reason="nothing_existing")


STAGE = per_video_stage(
    name="existing", version=1, reads=(Video,), writes=Annotation, config=Config, run=run
)
