"""Choose the tasks of a benchmark: so many of each from every video, or the video is none of it.

Of a task that is asked both ways, half of the questions are asked before what they ask for (the
answer lies ahead), the others behind it (it is remembered).

reads:  Annotation (of any number of nodes), Video
writes: Annotation, the chosen ones in the order of their tasks; a Reject for a video that lacks one
source: Streamo-Bench, arXiv:2512.21334, section 5 (300 videos, 3,000 tasks: of each video two
        groundings, forward and backward, a dense caption, a narration, and else questions whose
        answers change)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from pipeline.records import Annotation, Reject, Video
from pipeline.records.hash_sampling import hash_rank
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage


class Config(StageConfig):
    """How many of which task."""

    per_video: Mapping[str, Annotated[int, Field(ge=1, le=1000)]] = Field(
        {"event_grounding": 2, "event_caption": 1, "narration": 1, "tsqa": 6},
        min_length=1,
        description="task: so many of every video, drawn by hash; others are left out",
    )
    both_ways: tuple[str, ...] = Field(
        ("event_grounding",),
        description="the tasks of which half (rounded up) is asked at the start and the rest behind"
        " the evidence; the others are asked when the dialogue says",
    )
    before_s: float = Field(
        2.0,
        ge=0,
        description="seconds from the start to what a question there asks for, least",
    )
    after_s: float = Field(
        5.0, gt=0, description="seconds between evidence and a question behind it, most"
    )
    left_s: float = Field(
        4.0, gt=0, description="seconds of the video behind that evidence, least; half of them pass"
    )
    seed: int = Field(0, description="of the draw")


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The tasks of one video."""
    duration_s = rows[Video][0].duration_s
    found: list[Annotation] = []
    lacking: list[str] = []
    for task, count in config.per_video.items():
        of_task = [each for each in rows[Annotation] if each.task == task and each.responses]
        ranked = sorted(of_task, key=lambda each: hash_rank(each.annotation_id, config.seed))
        if task in config.both_ways:
            chosen = _both_ways(ranked, count, duration_s, config)
        else:
            chosen = ranked[:count]
        found += chosen
        if len(chosen) < count:
            lacking.append(f"{len(chosen)} of {count} {task}")
    if lacking:
        yield Reject(reason="too_few_tasks", detail=f"it has {', '.join(lacking)}")
    else:
        yield from found


def _both_ways(
    ranked: Sequence[Annotation], count: int, duration_s: float, config: Config
) -> list[Annotation]:
    """Those asked ahead, then those asked behind; fewer where there are too few of either."""
    ahead = {each.annotation_id: _begin_s(each) >= config.before_s for each in ranked}
    behind = {each.annotation_id: duration_s - _end_s(each) >= config.left_s for each in ranked}
    # Who can be asked one way alone is taken first: the others can stand in for either.
    first = sorted(ranked, key=lambda each: behind[each.annotation_id])
    asked_ahead = [each for each in first if ahead[each.annotation_id]][: (count + 1) // 2]
    rest = [each for each in ranked if each not in asked_ahead and behind[each.annotation_id]]
    rest.sort(key=lambda each: ahead[each.annotation_id])
    asked_behind = rest[: count // 2]
    made = [_asked(each, 0.0) for each in asked_ahead]
    for each in asked_behind:
        end_s = _end_s(each)
        made.append(_asked(each, end_s + min(config.after_s, (duration_s - end_s) / 2)))
    return made


def _begin_s(annotation: Annotation) -> float:
    return min(response.start_s for response in annotation.responses)


def _end_s(annotation: Annotation) -> float:
    return max(max(each.end_s, each.respond_s) for each in annotation.responses)


def _asked(annotation: Annotation, asked_s: float) -> Annotation:
    questions = [
        question.model_copy(update={"asked_s": asked_s, "asked_by": "given"})
        for question in annotation.questions
    ]
    return annotation.model_copy(update={"questions": questions})


STAGE = per_video_stage(
    name="benchmark_tasks",
    version=1,
    reads=(Annotation, Video),
    writes=Annotation,
    config=Config,
    run=run,
    tasks=lambda config, read: {*read} & config.per_video.keys(),
    reasons=(
        Reason(
            "too_few_tasks",
            "The video has not as many of each task as `per_video` wants; the detail counts them.",
            absence=True,
        ),
    ),
)
