"""Ask for questions over what changes of a subject, of a kind of the taxonomy that is drawn.

What holds when was settled where the frames were looked at (``change_points``), and when is asked
is drawn here; the model words the questions. So no answer is the model's, and another seed draws
other moments of the same video.

reads:  Segment, ChangePoint
writes: Annotation of the task taxonomy_qa, one for each subject and aspect that changes, not yet
        verified; its aspect is its cell of the taxonomy
source: arXiv:2606.08615 (the taxonomy; shares and prompts are not published)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from pipeline.records import Annotation, ChangePoint, Question, Reject, Segment
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SingleAnswerConfig
from stages._change_groups import Group, groups
from stages._taxonomy import ASKED, Cell, Shares, drawn_cell, has_follow_up, is_dependent
from stages._taxonomy_moments import Asking, placed
from stages._wording import bare, holds

TASK = "taxonomy_qa"


class Config(SingleAnswerConfig):
    """Which questions are asked for."""

    prompt: str = Field(
        "taxonomy_questions",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(512, ge=1, description="most tokens of the answer, two questions")
    shares: Shares = Field(
        {cell.aspect: 1.0 for cell in ASKED},
        description="how often each cell of the taxonomy is drawn, as weights; the paper gives"
        " none, and even ones are ours",
    )
    margin_s: float = Field(
        1.0,
        ge=0,
        description="seconds that a subject has held still for, least, when it is asked about, and"
        " that are left to the next change; ours",
    )
    max_questions: int = Field(
        6, ge=1, description="annotations a video, one for each subject and aspect; ours"
    )


AskedText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
FollowUp = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class TaxonomyQuestions(Answer):
    """A question, and the one that follows it; empty where none is asked for."""

    question: AskedText
    follow_up: FollowUp


class Subject(NamedTuple):
    """What is asked about a subject, one question after the other."""

    group: Group
    cell: Cell
    askings: tuple[Asking, ...]


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Subject] | Reject]:
    """One case for each subject that changes, of the cell drawn for it."""
    found = [group for group in groups(rows[ChangePoint]) if group.changes()]
    if not found:
        yield Reject(reason="nothing_changes")
    for number, group in enumerate(found):
        name = f"{rows.video_id} {group.aspect} {bare(group.subject)}"
        cell = drawn_cell(name, config.shares, config.seed)
        chance = hash_fraction(f"{name} when", config.seed)
        askings = placed(group, cell, rows[Segment], config.margin_s, chance)
        if number >= config.max_questions:
            yield Reject(reason="too_many_questions", detail=name)
        elif askings is None:
            yield Reject(reason="no_moment", detail=f"{name}: {cell.aspect}")
        else:
            yield _case(Subject(group, cell, askings))


def _case(subject: Subject) -> Case[Subject]:
    group, cell, askings = subject
    variables = {
        "subject": group.subject,
        "aspect": group.aspect,
        "wants": [asking.want for asking in askings],
        "follow_up": has_follow_up(cell),
        "dependent": is_dependent(cell),
        "values": list(dict.fromkeys(moment.value for moment in group.answers)),
    }
    return Case(subject, variables)


def accept(
    case: Case[Subject], answers: Answers[TaxonomyQuestions], config: Config
) -> Iterator[Annotation | Reject]:
    """The questions as a task, unless one gives something away or cannot follow the other."""
    (group, cell, askings), found = case.subject, answers[0]
    texts = [found.question, found.follow_up][: len(askings)]
    row = found.model_dump_json()
    said = [response.text for asking in askings for response in asking.responses]
    if not all(texts):
        yield Reject(reason="no_follow_up", detail=group.subject, row=row)
    elif len(texts) > 1 and bare(texts[0]) == bare(texts[1]) and is_dependent(cell):
        yield Reject(reason="no_follow_up", detail="it repeats the question", row=row)
    elif is_dependent(cell) and holds(texts[1], group.subject):
        yield Reject(reason="names_subject", detail=texts[1], row=row)
    elif any(holds(text, value) for text in texts for value in said):
        yield Reject(reason="tells_answer", detail=" ".join(texts), row=row)
    else:
        yield annotation(case.subject, texts)


def annotation(subject: Subject, texts: Sequence[str]) -> Annotation:
    """The questions and what is answered to them, with all values of the subject to choose from."""
    group, cell, askings = subject
    calls = list(dict.fromkeys(point.provenance for point in group.points))
    values = list(dict.fromkeys(moment.value for moment in group.answers))
    questions = []
    for number, (asking, text) in enumerate(zip(askings, texts, strict=True)):
        said = {response.text for response in asking.responses}
        questions.append(
            Question(
                qid=f"q{number}",
                text=text,
                asked_s=asking.asked_s,
                distractors=[value for value in values if value not in said],
                asked_by="given",
                depends_on="q0" if number and is_dependent(cell) else "",
            )
        )
    return Annotation(
        task=TASK,
        aspect=cell.aspect,
        questions=questions,
        responses=[response for asking in askings for response in asking.responses],
        provenance=calls,
        parent_ids=list(dict.fromkeys(call.request_id for call in calls)),
    )


STAGE = annotation_stage(
    name="taxonomy_questions",
    version=1,
    reads=(Segment, ChangePoint),
    writes=Annotation,
    config=Config,
    answer=TaxonomyQuestions,
    variables={
        "subject": "traffic light",
        "aspect": "attribute",
        "wants": ["now", "before"],
        "follow_up": True,
        "dependent": True,
        "values": ["red", "green"],
    },
    cases=cases,
    accept=accept,
    tasks=lambda *_: {TASK},
    reasons=(
        Reason("nothing_changes", "Nothing that is known of the video changes.", absence=True),
        Reason(
            "no_moment", "The subject holds still too shortly for what was drawn.", absence=True
        ),
        Reason("too_many_questions", "The video has `max_questions` already.", policy=True),
        Reason("no_follow_up", "A second question was asked for, and there is none."),
        Reason("names_subject", "The second question names its subject, and needs no first one."),
        Reason("tells_answer", "A question holds an answer."),
    ),
)
