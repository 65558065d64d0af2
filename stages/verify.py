"""Ask for each answer again: can it be seen when it is due, and not before? And since when? And of
some: does the last answer still hold at several times up to the end?

reads:  Annotation, FramedSegment
writes: Verdict, one per response and required check, by annotation and time; behind it those of
        earlier looks; last, of the annotations drawn for it, those of later looks
source: ours; section 4.1 of arXiv:2512.21334 does not verify its time-sensitive QA
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import Any, Literal, NamedTuple

from pydantic import Field

from pipeline.records import Annotation, FramedSegment, Reject, Response, Verdict
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.annotation_stage import AnnotationConfig, Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, Seen, Sentence, evenly, prefix
from stages._wording import UNKNOWN, CheckName, bare, by_time, majority, options, required_checks


class Config(AnnotationConfig):
    """How the verifier is asked; of several samples the most frequent answer counts."""

    prompt: str = Field(
        "verify", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(512, ge=1, description="most tokens of one answer")
    max_frames: int = Field(
        64,
        ge=1,
        description="frames shown at most: all up to then of a video that has no more, else some of"
        " a grid that is the same for all looks at it, and the latest; ours",
    )
    latest_frames: int = Field(
        4,
        ge=1,
        description="of a longer video, how many of the latest frames are shown one by one, or as"
        " many more at most; ours",
    )
    looks: int = Field(
        0,
        ge=0,
        description="most further asks for an answer that is seen before it is due: by them `lint`"
        " finds the first frame from which on it is seen. 0: none, and that frame is known only of"
        " answers that the check before they are due has settled",
    )
    still_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="of the questions, those of which it is asked whether their last answer holds"
        " to the end of the video, drawn by hash; `dialogue` asks them where it changes no more, so"
        " that they are answered once and silence is right from then on; the paper has none",
    )
    still_looks: int = Field(
        3,
        ge=2,
        description="asks for that, at times evenly spread behind the last answer, the last frame"
        " among them",
    )


class AnswerSeen(Answer):
    """What is on screen, then the answer as of the last frame: an option, or ``unknown``."""

    seen: Seen
    value: Sentence


class Trial(NamedTuple):
    """One check of one response of an annotation, or an earlier or a later look for it."""

    annotation: Annotation
    response: Response
    check: CheckName | Literal["look", "still"]
    video: Sequence[FramedSegment]
    """All frames of the video."""
    segments: Sequence[FramedSegment]
    """Those of them up to now."""
    earlier: Sequence[FramedSegment]
    """Those of them before the last at which looks may tell since when the answer is seen."""
    first: bool
    """Whether it is of the first answer."""
    asked: Mapping[str, Any]
    """The values of the prompt."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Trial] | Reject]:
    """The checks of each annotation, with the frames that they may see.

    The question comes with all its answers and distractors to choose from. A check that has no
    frame is left out.
    """
    segments = rows[FramedSegment]
    for annotation in rows[Annotation]:
        trials = [trial for trial in checks(annotation, segments) if trial.segments]
        if not trials:
            yield Reject(
                reason="nothing_to_verify",
                detail=annotation.annotation_id,
                row=annotation.model_dump_json(),
            )
        for trial in (*trials, *stays(annotation, segments, config)):
            yield shown(trial, config)


def stays(
    annotation: Annotation, segments: Sequence[FramedSegment], config: Config
) -> Iterator[Trial]:
    """Later looks for the last answer, if the annotation is drawn for them and the answer is not
    known to end; none where there are not as many frames behind it."""
    chance = hash_fraction(f"still {annotation.annotation_id}", config.seed)
    if chance >= config.still_share or len(annotation.questions) != 1 or not annotation.responses:
        return
    last = by_time(annotation.responses)[-1]
    later = [s for s in segments if s.frame_s > last.respond_s]
    if last.valid_until_s is not None or len(later) < config.still_looks:
        return
    (question,) = annotation.questions
    asked = {"question": question.text, "options": options(annotation, question)}
    for look in evenly(later, config.still_looks):
        seen = [s for s in segments if s.frame_s <= look.frame_s]
        yield Trial(annotation, last, "still", segments, seen, (), first=False, asked=asked)


def checks(annotation: Annotation, segments: Sequence[FramedSegment]) -> Iterator[Trial]:
    """The required checks. The frames at the very time of a response are seen when it is due."""
    questions = {question.qid: question for question in annotation.questions}
    since_s = before_s = -inf
    for response, check in required_checks(annotation.responses):
        asked = {
            "question": questions[response.qid].text,
            "options": options(annotation, questions[response.qid]),
        }
        due = check == "answerable"
        if due:
            since_s, before_s = before_s, response.respond_s
        seen = [
            s
            for s in segments
            if (s.frame_s <= response.respond_s if due else s.frame_s < response.respond_s)
        ]
        # The frame at which the answer before is due is among them: there this one cannot be seen.
        earlier = [s for s in seen[:-1] if s.frame_s >= since_s]
        if due:
            earlier = []  # the check just before tells it, or it repeats the answer before
        yield Trial(annotation, response, check, segments, seen, earlier, since_s == -inf, asked)


def shown(trial: Trial, config: Config) -> Case[Trial]:
    """The ask of a trial, whose answer is one of the options."""
    allowed = [*trial.asked["options"], UNKNOWN]
    count = len(trial.segments)
    frames = prefix(trial.video, count, config.max_frames, config.latest_frames)
    return Case(trial, trial.asked, frames, choices={"value": allowed})


def accept(
    case: Case[Trial], answers: Answers[AnswerSeen], config: Config
) -> Iterator[Verdict | Case[Trial]]:
    """What was seen. It passes by the expected value when due and later, and by any other before.

    Where an answer is seen before it is due, looks are spread evenly over the frames before, all in
    one round, so their number is bounded and none rests on another: that what was seen once is seen
    from then on is not taken for granted.
    """
    trial = case.subject
    annotation, response, check = trial.annotation, trial.response, trial.check
    values = [answer.value for answer in answers]
    seen = majority(values)
    as_expected = bare(seen) == bare(response.text)
    yield Verdict(
        annotation_id=annotation.annotation_id,
        rid=response.rid,
        check=check,
        at_s=case.frames[-1].frame_s,
        opens=trial.first and len(trial.segments) == 1,
        expected=response.text,
        seen=seen,
        passed=as_expected == (check != "premature"),
        consistency=sum(bare(value) == bare(seen) for value in values) / answers.drawn,
    )
    if as_expected and check != "look" and config.looks:
        for last in evenly(trial.earlier, config.looks):
            seen_then = [s for s in trial.segments if s.frame_s <= last.frame_s]
            yield shown(trial._replace(check="look", segments=seen_then, earlier=()), config)


STAGE = annotation_stage(
    name="verify",
    version=5,
    reads=(Annotation, FramedSegment),
    writes=Verdict,
    config=Config,
    answer=AnswerSeen,
    variables={"question": "Which ball rolls?", "options": ["the red one", "the blue one"]},
    cases=cases,
    accept=accept,
    reasons=(
        Reason("nothing_to_verify", "The annotation has no answer to confirm.", absence=True),
    ),
)
