"""Ask for questions about what a window has in its memory alone.

reads:  Segment, Summary
writes: Annotation of the task memory_qa, not yet verified: a question that is asked long after the
        stretches that it is about; its evidence is the summary of these
source: arXiv:2606.08615 (contextual questions, twelve hours of memory); how such samples are made
        is not published
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from pipeline.dialogue.memory import Reach, recalled
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Annotation, Question, Reject, Remembered, Response, Segment, Summary
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SingleAnswerConfig
from stages._spans import JITTER_S
from stages._taxonomy import MEMORY
from stages._wording import bare, holds

TASK = "memory_qa"


class Config(SingleAnswerConfig):
    """How many questions are asked for, and about what."""

    prompt: str = Field(
        "memory_questions",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(512, ge=1, description="most tokens of the answer, one question")
    memory: Reach = Field(
        Reach(),
        description="as of remember: which summaries a window would have;"
        " `harness` and `onestreamer` stand for those settings",
    )
    every: int = Field(
        5, ge=1, description="of the stretches with a memory, one in so many has a question; ours"
    )
    distractors: int = Field(
        3, ge=1, le=4, description="wrong answers asked for, among which the verifier chooses; ours"
    )


Few = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class MemoryQuestion(Answer):
    """A question about the past."""

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=240)]
    answer: Few
    distractors: Annotated[list[Few], Field(max_length=4)]


class Recollection(NamedTuple):
    """A summary that is asked about, and when."""

    asked_s: float
    about: Remembered
    written: Summary | None


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Recollection] | Reject]:
    """Of the stretches before which something lies, those that are drawn: a turn of each, and a
    summary of its memory."""
    reach, summaries, turns = config.memory, rows[Summary], rows[Segment]
    last = int((turns[-1].end_s - JITTER_S) // reach.raw_s)
    asked = 0
    for number in range(1, last + 1):
        name = f"{rows.video_id} {number}"
        if hash_fraction(f"{name} asks", config.seed) >= 1 / config.every:
            continue
        try:
            memory = recalled(summaries, number, reach)
        except DialogueError as error:
            yield Reject(reason="no_memory", detail=error.detail)
            continue
        own = [t for t in turns if number * reach.raw_s <= t.start_s < (number + 1) * reach.raw_s]
        worth = [each for each in memory if _is_written(each, summaries)]
        if own and worth:
            asked += 1
            turn = own[int(hash_fraction(f"{name} when", config.seed) * len(own))]
            about = worth[int(hash_fraction(f"{name} what", config.seed) * len(worth))]
            written = _written(about, summaries)
            variables = {"summary": about.text, "distractors": config.distractors}
            yield Case(Recollection(turn.start_s, about, written), variables)
    if not asked:
        yield Reject(reason="nothing_remembered")


def _written(about: Remembered, summaries: Sequence[Summary]) -> Summary | None:
    found = (s for s in summaries if (s.level, s.start_s) == (about.level, about.start_s))
    return next(found, None)


def _is_written(about: Remembered, summaries: Sequence[Summary]) -> bool:
    """Whether something was said then, so that a model summarised it."""
    written = _written(about, summaries)
    return written is not None and written.provenance is not None


def accept(
    case: Case[Recollection], answers: Answers[MemoryQuestion], config: Config
) -> Iterator[Annotation | Reject]:
    """The question, unless it gives its answer away or has no wrong answers beside it."""
    found, (asked_s, about, written) = answers[0], case.subject
    row = found.model_dump_json()
    wrong = {bare(each): each for each in found.distractors if bare(each) != bare(found.answer)}
    if holds(found.question, found.answer):
        yield Reject(reason="tells_answer", detail=found.question, row=row)
        return
    if not wrong:
        yield Reject(reason="no_distractors", detail=found.answer, row=row)
        return
    response = Response.event("r0", found.answer, about.start_s, about.end_s)
    question = Question(
        qid="q0",
        text=found.question,
        asked_s=asked_s,
        distractors=list(wrong.values()),
        asked_by="given",
    )
    calls = [written.provenance] if written and written.provenance else []
    yield Annotation(
        task=TASK,
        aspect=MEMORY.aspect,
        questions=[question],
        responses=[response.model_copy(update={"from_memory": True})],
        provenance=calls,
        parent_ids=list(written.parent_ids) if written else [],
    )


STAGE = annotation_stage(
    name="memory_questions",
    version=1,
    reads=(Segment, Summary),
    writes=Annotation,
    config=Config,
    answer=MemoryQuestion,
    variables={"summary": "A ball rolled.", "distractors": 3},
    cases=cases,
    accept=accept,
    tasks=lambda *_: {TASK},
    reasons=(
        Reason("nothing_remembered", "Nothing that was said lies before a stretch.", absence=True),
        Reason("no_memory", "A stretch before the one that asks has no summary."),
        Reason("tells_answer", "The question holds its own answer."),
        Reason("no_distractors", "No wrong answer stands beside the right one."),
    ),
)
