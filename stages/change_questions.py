"""Ask for a question over what changes of one subject in one aspect, and for its answers by time.

The question is made of the change points alone, as in the paper: what its answers say was settled
where the frames were looked at, another look could bring in what is no change point, and the stage
``verify`` looks again by itself. So an ask costs no frames.

reads:  ChangePoint
writes: Annotation of the task tsqa, one per question, not yet verified; its distractors are kept
        for the stage ``multiple_choice``
source: section 4.1 of arXiv:2512.21334, time-sensitive QA, step 2; kinds of question are those of
        its supplement, table 17
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field, StringConstraints

from pipeline.records import Annotation, Aspect, ChangePoint, Question, Reject, Response
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.annotation_stage import PRINTED_S, Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, AnswerTime, SingleAnswerConfig
from stages._change_groups import Group, Moment, groups, in_turns
from stages._wording import UNKNOWN, bare

Kind = Literal["descriptive", "counting", "state", "action", "binary"]
Asked = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Value = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]

FITTING: Final[Mapping[Aspect, tuple[Kind, ...]]] = {
    "attribute": ("descriptive", "state", "binary"),
    "position": ("descriptive", "binary"),
    "action": ("action", "state", "binary"),
    "count": ("counting", "binary"),
    "scene": ("descriptive", "state", "binary"),
}
"""The kinds of question that a change of each aspect can answer."""
KINDS: Final[Mapping[Kind, float]] = {
    "descriptive": 2,
    "counting": 2,
    "state": 2,
    "action": 2,
    "binary": 1,
}


class Config(SingleAnswerConfig):
    """How questions are asked for."""

    prompt: str = Field(
        "change_questions",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(2048, ge=1, description="most tokens of the answer, one question")
    max_questions: int = Field(
        4, ge=1, description="questions per video; no more are asked for; the paper gives none"
    )
    min_gap_s: float = Field(
        3.0,
        ge=0,
        description="seconds between two answers; what changes faster is not asked about; the paper"
        " gives none. The stage lint enforces its own",
    )
    kinds: dict[Kind, Weight] = Field(
        dict(KINDS),
        description="how often each kind of question is asked for, where it fits the aspect:"
        " weights of a draw by hash; a kind without one is not asked for; the paper gives none",
    )
    distractors: int = Field(
        3,
        ge=0,
        le=4,
        description="wrong options asked for with each question, about 5 tokens each; which"
        " questions offer them is a setting of multiple_choice, and asks nobody anew",
    )

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """As many distractors as are asked for."""
        return {"distractors": {"maxItems": self.distractors}}


class TimedAnswer(Answer):
    """When an answer becomes true, and the answer."""

    time_s: AnswerTime
    value: Value


class ChangeQuestion(Answer):
    """A question, its answers through the video, and what is never an answer to it."""

    question: Asked
    answers: Annotated[list[TimedAnswer], Field(max_length=32)]
    distractors: list[Value]


class Subject(NamedTuple):
    """What is asked about, and how."""

    group: Group
    kind: Kind


def kind_of(group: Group, video_id: str, config: Config) -> Kind | None:
    """The kind drawn for a question about a group; None where none that fits has a weight."""
    weights = {kind: config.kinds.get(kind, 0) for kind in FITTING[group.aspect]}
    chance = hash_fraction(f"{video_id} {group.aspect} {bare(group.subject)}", config.seed)
    at = chance * sum(weights.values())
    for kind, weight in weights.items():
        at -= weight
        if at < 0:
            return kind
    return None


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Subject] | Reject]:
    """One case a subject and aspect that changes; what cannot be asked about is refused."""
    chosen: list[Subject] = []
    for group in in_turns(groups(rows[ChangePoint])):
        kind = kind_of(group, rows.video_id, config)
        name = f"{group.aspect} of {group.subject}"
        if not group.changes():
            yield Reject(reason="same_value", detail=name)
        elif not group.well_spaced(config.min_gap_s):
            detail = f"{name}: {group.smallest_gap_s:.2f} s of at least {config.min_gap_s:.2f} s"
            yield Reject(reason="gap_too_small", detail=detail)
        elif kind is None:
            yield Reject(reason="no_kind", detail=name)
        elif len(chosen) == config.max_questions:
            yield Reject(reason="too_many_questions", detail=f"{name} beyond {len(chosen)}")
        else:
            chosen.append(Subject(group, kind))
    yield from (_case(subject, config) for subject in chosen)


def _case(subject: Subject, config: Config) -> Case[Subject]:
    group, kind = subject
    moments = [(printed(moment.time_s), moment.value) for moment in group.moments]
    variables = {
        "kind": kind,
        "aspect": group.aspect,
        "subject": group.subject,
        "moments": [{"time_s": time_s, "value": value} for time_s, value in moments],
        "min_gap_s": config.min_gap_s,
        "distractors": wanted(kind, config),
    }
    times = list(dict.fromkeys(time_s for time_s, value in moments if value))
    return Case(subject, variables, choices={"answers.time_s": times})


def wanted(kind: Kind, config: Config) -> int:
    """How many distractors a question of a kind has: beside yes and no there is nothing."""
    return 0 if kind == "binary" else config.distractors


def timed(
    answers: Sequence[TimedAnswer], moments: Sequence[Moment]
) -> list[tuple[float, str]] | tuple[str, str]:
    """The answers by time, each at its moment; or a reason with its detail."""
    if not answers:
        return "no_answers", "the model gives none"
    found: list[tuple[float, str]] = []
    for answer in sorted(answers, key=lambda a: a.time_s):
        near = (m for m in moments if m.value and abs(m.time_s - answer.time_s) <= PRINTED_S)
        moment = next(near, None)
        if moment is None:
            return "other_time", f"{answer.time_s:.2f} s is the time of no change point"
        if bare(answer.value) == UNKNOWN:
            return "unknown_answer", f"at {answer.time_s:.2f} s"
        found.append((moment.time_s, answer.value))
    return found


def accept(
    case: Case[Subject], answers: Answers[ChangeQuestion], config: Config
) -> Iterator[Annotation | Reject]:
    """The question as a task, with the distractors that no change point contradicts."""
    asked, (group, kind) = answers[0], case.subject
    result = timed(asked.answers, group.moments)
    if isinstance(result, tuple):
        reason, detail = result
        yield Reject(reason=reason, detail=detail, row=asked.model_dump_json())
        return
    held = group.values | {bare(value) for _, value in result} | {UNKNOWN}
    distractors: list[str] = []
    for text in asked.distractors[: wanted(kind, config)]:
        if bare(text) in held:
            yield Reject(reason="distractor_holds", detail=text, row=asked.model_dump_json())
        elif bare(text) in map(bare, distractors):
            yield Reject(reason="duplicate_distractor", detail=text, row=asked.model_dump_json())
        else:
            distractors.append(text)
    fields = {"text": asked.question, "kind": kind, "distractors": distractors}
    question = Question.model_validate({"qid": "q0", "asked_s": 0, **fields})
    yield annotation(question, result, group)


def annotation(
    question: Question, answers: Sequence[tuple[float, str]], group: Group
) -> Annotation:
    """The question, with an instant response where each answer becomes true.

    A response holds until the next one, or until the subject is no longer in view.
    """
    ends = [time_s for time_s, _ in answers] + [m.time_s for m in group.moments if not m.value]
    found_by = group.points[0].provenance
    return Annotation(
        task="tsqa",
        aspect=group.aspect,
        questions=[question],
        responses=[
            Response.instant(
                f"r{i}",
                text,
                time_s,
                valid_until_s=min((end for end in ends if end > time_s), default=None),
            )
            for i, (time_s, text) in enumerate(answers)
        ],
        provenance=[found_by],
        parent_ids=[found_by.request_id],
    )


STAGE = annotation_stage(
    name="change_questions",
    version=2,
    reads=(ChangePoint,),
    writes=Annotation,
    config=Config,
    answer=ChangeQuestion,
    variables={
        "kind": "state",
        "aspect": "attribute",
        "subject": "traffic light",
        "moments": [{"time_s": 0.0, "value": "red"}, {"time_s": 4.2, "value": "green"}],
        "min_gap_s": 3.0,
        "distractors": 3,
    },
    cases=cases,
    accept=accept,
    reasons=(
        Reason("same_value", "Of the subject one thing alone holds.", absence=True),
        Reason("gap_too_small", "The subject changes in less than `min_gap_s`.", absence=True),
        Reason("no_kind", "None of `kinds` fits the aspect.", absence=True),
        Reason("too_many_questions", "The video has `max_questions` already.", absence=True),
        Reason("no_answers", "The question has no answers."),
        Reason("other_time", "An answer stands at the time of no change point."),
        Reason("unknown_answer", "An answer says that it is not known."),
        Reason("distractor_holds", "A wrong option holds at some time, and is left out."),
        Reason("duplicate_distractor", "A wrong option is given twice, and left out once."),
    ),
)
