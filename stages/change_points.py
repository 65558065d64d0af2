"""Ask for the moments of a video at which something visibly changes.

reads:  FramedSegment
writes: ChangePoint, in order of aspect and subject as first given, and of time within
source: section 4.1 of arXiv:2512.21334, time-sensitive QA, step 1
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pipeline.records import Aspect, ChangePoint, FramedSegment, Reject
from pipeline.workflow.annotation_stage import PRINTED_S, Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, AnswerTime, Seen, SingleAnswerConfig, whole_video
from stages._wording import UNKNOWN, bare

Subject = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Held = Annotated[str, StringConstraints(strip_whitespace=True, max_length=80)]


class Config(SingleAnswerConfig):
    """How change points are asked for."""

    prompt: str = Field(
        "change_points",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(
        5120, ge=1, description="most tokens of the answer, all change points of a video"
    )
    max_frames: int = Field(
        256, ge=2, description="frames shown, evenly spaced; the paper gives none"
    )
    max_points: int = Field(
        24, ge=1, description="change points per video; more are refused; the paper gives none"
    )

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """One change point more than is asked for is one too many."""
        return {"points": {"maxItems": self.max_points + 1}, "points.seen": {"maxLength": 160}}


class PointSeen(Answer):
    """One change point: first what was seen, then what follows from it."""

    seen: Seen
    aspect: Aspect
    subject: Subject
    before: Held
    after: Held
    time_s: AnswerTime


class ChangePoints(Answer):
    """Change points of a video."""

    points: list[PointSeen]


def cases(rows: VideoRows, config: Config) -> Iterator[Case[None]]:
    """The whole video at once."""
    frames, duration_s = whole_video(rows, config.max_frames)
    variables = {"max_points": config.max_points, "duration_s": printed(duration_s)}
    yield Case(None, variables, shared=frames)


def shown_at(time_s: float, frame_times: Sequence[float]) -> float | None:
    """The time of the first frame at or after ``time_s``, in seconds; None outside the frames."""
    if time_s < 0:
        return None
    return next((f for f in frame_times if f >= time_s - PRINTED_S), None)


def placed(point: PointSeen, frame_times: Sequence[float]) -> ChangePoint | tuple[str, str]:
    """The change point at the frame that first shows it; or a reason with its detail."""
    frame_s = shown_at(point.time_s, frame_times)
    if frame_s is None:
        return "outside_video", f"{point.time_s:.2f} s, last frame at {frame_times[-1]:.2f} s"
    if UNKNOWN in (bare(point.before), bare(point.after)):
        return "unknown_answer", f"at {point.time_s:.2f} s"
    if bare(point.before) == bare(point.after):
        return "no_change", f"{point.before!r} before and after"
    fields = point.model_dump(exclude={"time_s"})
    return ChangePoint(**fields, time_s=frame_s)


def accept(
    case: Case[None], answers: Answers[ChangePoints], config: Config
) -> Iterator[ChangePoint | Reject]:
    """The change points that can be placed in the video, each subject's by time."""
    points = answers[0].points
    if not points:
        yield Reject(reason="no_change_points")
    found: dict[tuple[str, str], dict[float, ChangePoint]] = {}
    for number, point in enumerate(points):
        result = placed(point, [segment.frame_s for segment in case.shared])
        if number >= config.max_points:
            result = "too_many_points", f"at most {config.max_points}"
        if isinstance(result, ChangePoint):
            own = found.setdefault((result.aspect, bare(result.subject)), {})
            if result.time_s not in own:
                own[result.time_s] = result
                continue
            result = "duplicate_point", f"{result.subject} at {result.time_s:.2f} s"
        reason, detail = result
        yield Reject(reason=reason, detail=detail, row=point.model_dump_json())
    for own in found.values():
        yield from (own[time_s] for time_s in sorted(own))


STAGE = annotation_stage(
    name="change_points",
    version=3,
    reads=(FramedSegment,),
    writes=ChangePoint,
    config=Config,
    answer=ChangePoints,
    variables={"max_points": 24, "duration_s": 9.5},
    cases=cases,
    accept=accept,
    reasons=(
        Reason("no_change_points", "The model finds nothing that changes.", absence=True),
        Reason("too_many_points", "It is more than `max_points` for the video.", policy=True),
        Reason("outside_video", "It is before the first frame or behind the last one."),
        Reason("unknown_answer", "It says that the frames do not show what holds."),
        Reason("no_change", "The same holds before and after."),
        Reason("duplicate_point", "The same subject and aspect have one at that frame already."),
    ),
)
