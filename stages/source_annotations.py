"""Take over the annotations that a dataset already has of its videos.

reads:  Video
writes: Annotation of the task offline_qa, one per question; of event_grounding, one per wording of
        an event, with all its spans; of action_caption, one per video with all its steps; what
        people, models and speech recognition wrote stays apart. A Reject for each entry that is
        not taken over, or not for all of its tasks
source: section 4.2 of arXiv:2512.21334, offline QA; section 4.1, event grounding and action caption
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from pipeline.records import Annotation, Question, Reject, Response, SourceAnnotation, Span, Video
from pipeline.records.digest import digest
from pipeline.workflow.stage import Context, Reason, VideoRows, per_video_stage
from stages._coverage import CoverageConfig
from stages._reasons import BAD_SPAN, COVERS_VIDEO
from stages._spans import span_of, stated
from stages._wording import bare

Task = Literal["offline_qa", "event_grounding", "action_caption"]

TASKS: dict[str, tuple[Task, ...]] = {
    "qa": ("offline_qa",),
    "event": ("event_grounding",),
    "step": ("action_caption", "event_grounding"),
}
"""What each kind of entry can be taken over as."""
MAX_OPTIONS = 26
"""Options are answered by letter."""


class Config(CoverageConfig):
    """What is taken over."""

    tasks: tuple[Task, ...] = Field(
        ("offline_qa", "event_grounding", "action_caption"),
        min_length=1,
        description="what is taken over: questions and answers, described spans, the steps of a"
        " procedure",
    )
    ground_steps: bool = Field(
        False, description="ask when each step takes place too, as of an event"
    )
    tolerance_s: float = Field(
        1.0,
        ge=0,
        description="a span that leaves the video by no more than this, or than the resolution of"
        " its times, is clipped to it; the paper gives none",
    )


@dataclass(frozen=True)
class Taken:
    """An entry that is taken over, with its span in the video and when it is asked."""

    entry: SourceAnnotation
    span: tuple[float, float]
    asked_s: float = 0.0


def tasks_of(entry: SourceAnnotation, config: Config) -> tuple[Task, ...]:
    """What an entry becomes."""
    return tuple(
        task
        for task in TASKS[entry.kind]
        if task in config.tasks
        and (entry.kind != "step" or task != "event_grounding" or config.ground_steps)
    )


def answered(text: str, span: tuple[float, float], asked_s: float) -> Response:
    """The answer: when its span is over if that is still to come, else at once."""
    start_s, end_s = span
    if asked_s < end_s:
        return Response.event("r0", text, start_s, end_s)
    return Response.instant("r0", text, end_s, evidence=[Span(start_s=start_s, end_s=end_s)])


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


def take(video: Video, entry: SourceAnnotation, config: Config) -> Taken | tuple[str, str]:
    """The entry as it stands in the video, or a reason with its detail."""
    if not tasks_of(entry, config):
        return "task_not_wanted", " or ".join(TASKS[entry.kind])
    if not entry.text.strip() or (entry.kind == "qa" and not entry.question.strip()):
        return "empty_text", f"{entry.kind}: words are missing"
    span = span_of(entry, video.duration_s, config.tolerance_s)
    if span is None:
        return "bad_span", f"[{entry.start_s}, {entry.end_s}) of {video.duration_s:.2f} s"
    if entry.kind == "qa":
        return take_question(video, entry, span, config)
    if entry.start_s is None:
        return "no_span", f"{entry.kind}: what holds for the whole video has no moment"
    return Taken(entry, span)


def take_question(
    video: Video, entry: SourceAnnotation, span: tuple[float, float], config: Config
) -> Taken | tuple[str, str]:
    """A question with its answer worded and its time settled, or a reason with its detail."""
    text = worded(entry)
    if isinstance(text, tuple):
        return text
    asked_s = entry.asked_s or 0.0
    if asked_s > video.duration_s + max(config.tolerance_s, entry.resolution_s):
        return "outside_video", f"asked at {asked_s:.2f} s of {video.duration_s:.2f} s"
    answer = entry.model_copy(update={"text": text})
    return Taken(answer, span, min(asked_s, video.duration_s))


def annotation(task: Task, taken: Sequence[Taken]) -> Annotation:
    """The task that entries of one origin make together; a question stands alone."""
    ordered = sorted(taken, key=lambda each: (each.span[1], each.span[0], each.entry.text))
    first = ordered[0]
    question, options, responses = "", list[str](), list[Response]()
    if task == "offline_qa":
        question, options = first.entry.question, first.entry.options
        responses = [answered(first.entry.text, first.span, first.asked_s)]
    elif task == "event_grounding":
        question = first.entry.text
        responses = [
            Response.event(f"r{i}", stated(*each.span), *each.span)
            for i, each in enumerate(ordered)
        ]
    else:
        responses = [
            Response.event(f"r{i}", each.entry.text, *each.span) for i, each in enumerate(ordered)
        ]
    return Annotation(
        task=task,
        questions=[
            Question(
                qid="q0",
                text=question,
                asked_s=first.asked_s,
                options=options,
                asked_by="start" if first.entry.asked_s is None else "given",
            )
        ],
        responses=responses,
        origins=[first.entry.origin] if first.entry.origin else [],
        parent_ids=list(dict.fromkeys(e.entry.pointer for e in ordered if e.entry.pointer)),
    )


def refused(entry: SourceAnnotation, reason: str, detail: str) -> Reject:
    """The entry as a reject."""
    return Reject(reason=reason, detail=detail, row=entry.model_dump_json())


def made(
    video: Video, task: Task, taken: Sequence[Taken], config: Config
) -> Iterator[Annotation | Reject]:
    """The task that entries make together; of an event that is none to ground, each is refused."""
    detail = ""
    if task == "event_grounding":
        detail = config.excess((each.span for each in taken), video.duration_s)
    if detail:
        yield from (refused(each.entry, "covers_video", detail) for each in taken)
    else:
        yield annotation(task, taken)


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """What is made of the entries of one video, in order of the first that each is made of.

    An entry that stands twice is taken over once.
    """
    for video in rows[Video]:
        together: dict[tuple[Task, str, object], list[Taken]] = {}
        seen: set[str] = set()
        for number, entry in enumerate(video.annotations):
            taken = take(video, entry, config)
            if isinstance(taken, Taken):
                # What it is, wherever its dataset has it, and however coarse its times are.
                stated_fields = taken.entry.model_dump(exclude={"pointer", "raw", "resolution_s"})
                content = digest([stated_fields, taken.span, taken.asked_s], 16)
                if content in seen:
                    taken = "duplicate_annotation", taken.entry.text
                seen.add(content)
            if isinstance(taken, tuple):
                yield refused(entry, *taken)
                continue
            # Of several spans with one wording each alone would be half the answer.
            alone = {"offline_qa": number, "event_grounding": entry.text}
            for task in tasks_of(entry, config):
                together.setdefault((task, entry.origin, alone.get(task)), []).append(taken)
        for (task, _, _), entries in together.items():
            yield from made(video, task, entries, config)
        if not video.annotations:
            yield Reject(reason="no_source_annotations")


STAGE = per_video_stage(
    name="source_annotations",
    version=5,
    reads=(Video,),
    writes=Annotation,
    config=Config,
    run=run,
    tasks=lambda config, _: config.tasks,
    reasons=(
        Reason(
            "no_source_annotations", "The manifest annotates nothing of the video.", absence=True
        ),
        Reason("task_not_wanted", "The entry is of no task in `tasks`.", absence=True),
        Reason("empty_text", "The entry has no text, or a question no words."),
        BAD_SPAN,
        Reason("no_span", "The entry has no span, so there is no moment to speak of it."),
        COVERS_VIDEO,
        Reason("outside_video", "The question is asked behind the end of the video."),
        Reason("too_many_options", "The question has more options than there are letters."),
        Reason("duplicate_options", "Two options of the question are the same."),
        Reason("answer_not_an_option", "The answer is none of the options of the question."),
        Reason("duplicate_annotation", "The video has the same entry twice."),
    ),
)
