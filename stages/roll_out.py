"""Let the model answer as it would have to live: at each relevant piece, by the frames up to it.

Which question is answered follows from the rows of the matrix up to there and from what was said
before; nothing that is shown, and nothing that is written in the prompt, is of a later time.

reads:  Annotation, PieceRelevance, FramedSegment
writes: RolledOut, one an ask, in order of time; ``trajectory`` makes annotations of them
source: arXiv:2605.10343 (one question of those that are relevant, answered from the prefix; which
        of several, and when one is answered again, it does not say)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import Field

from pipeline.records import (
    Annotation,
    FramedSegment,
    PieceRelevance,
    Question,
    Reject,
    RolledOut,
)
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, Seen, Sentence, SingleAnswerConfig, prefix
from stages._trajectory import is_whole
from stages._wording import UNKNOWN, bare


class Config(SingleAnswerConfig):
    """Which question is answered, and what is shown."""

    prompt: str = Field(
        "roll_out", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(512, ge=1, description="most tokens of one answer")
    pick: Literal["earliest_unanswered", "most_relevant"] = Field(
        "earliest_unanswered",
        description="which of several relevant questions without an answer it answers. The earliest"
        " asked, one that was tried in vain behind the others; or the one with the highest score;"
        " the paper does not say",
    )
    again: Literal["changed", "always", "never"] = Field(
        "changed",
        description="what becomes of a question that was answered, where no other is relevant."
        " changed: it is asked again, and only another answer is said; always: any answer is;"
        " never: it is answered once; the paper does not say",
    )
    earlier_answers: int = Field(
        8, ge=0, description="latest answers of the roll-out that the model is shown; ours"
    )
    max_frames: int = Field(
        64,
        ge=1,
        description="frames shown at most: all up to then of a video that has no more, else some of"
        " a grid that is the same for all asks about it, and the latest; ours",
    )
    latest_frames: int = Field(
        4,
        ge=1,
        description="of a longer video, how many of the latest frames are shown one by one, or as"
        " many more at most; ours",
    )


Outcome = Literal["said", "unchanged", "unknown", "failed"]


class AnswerNow(Answer):
    """What the frames show, then the answer as of the last one, or ``unknown``."""

    seen: Seen
    answer: Sentence


@dataclass(frozen=True)
class Moment:
    """A roll-out up to a piece, of which ``question`` is asked."""

    annotation: Annotation
    matrix: Sequence[PieceRelevance]
    video: Sequence[FramedSegment]
    said: tuple[tuple[float, Question, str], ...] = ()
    """What was said so far: when, to what, and what."""
    answered: tuple[str, ...] = ()
    """The questions that were answered, said or not, one an ask."""
    in_vain: tuple[str, ...] = ()
    """Likewise those whose answer was not known."""
    place: int = -1
    """Of the piece in ``matrix``."""
    question: Question | None = None

    def last_said(self, question: Question) -> str | None:
        """What was said last to a question."""
        return next((text for _, to, text in reversed(self.said) if to == question), None)


def picked(moment: Moment, row: PieceRelevance, config: Config) -> Question | None:
    """The question that is answered at a piece; None where all are silent."""
    relevant = [
        (place, question, row.scores[place])
        for place, question in enumerate(moment.annotation.questions)
        if row.relevant[place]
    ]
    fresh = [each for each in relevant if each[1].qid not in moment.answered]
    if fresh:
        highest = config.pick == "most_relevant"
        _, question, _ = min(
            fresh,
            key=lambda each: (
                -each[2] if highest else 0,
                moment.in_vain.count(each[1].qid),
                each[1].asked_s,
                each[0],
            ),
        )
        return question
    if config.again == "never" or not relevant:
        return None
    latest = {qid: at for at, qid in enumerate(moment.answered)}
    return min(relevant, key=lambda each: latest[each[1].qid])[1]


def following(moment: Moment, config: Config) -> Case[Moment] | None:
    """The next ask of a roll-out; None at its end."""
    for place in range(moment.place + 1, len(moment.matrix)):
        row = moment.matrix[place]
        question = picked(moment, row, config)
        if question is not None:
            return asked(replace(moment, place=place, question=question), question, config)
    return None


def asked(moment: Moment, question: Question, config: Config) -> Case[Moment]:
    """The ask, with the frames up to its piece and the latest answers before it."""
    until_s = moment.matrix[moment.place].frame_s
    count = bisect_right(moment.video, until_s, key=lambda turn: turn.frame_s)
    earlier = moment.said[len(moment.said) - config.earlier_answers :]
    variables = {
        "question": question.text,
        "earlier": [
            {"time_s": printed(time_s), "question": to.text, "answer": text}
            for time_s, to, text in (earlier if config.earlier_answers else ())
        ],
    }
    shown = prefix(moment.video, count, config.max_frames, config.latest_frames)
    return Case(moment, variables, shown)


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Moment] | Reject]:
    """The first ask about each annotation."""
    for annotation in rows[Annotation]:
        own = [r for r in rows[PieceRelevance] if r.annotation_id == annotation.annotation_id]
        matrix = sorted(own, key=lambda row: row.index)
        if not is_whole(matrix):
            detail = f"{len(matrix)} pieces of {annotation.annotation_id}"
            yield Reject(reason="unjudged_piece", detail=detail)
            continue
        first = following(Moment(annotation, matrix, rows[FramedSegment]), config)
        yield first or Reject(reason="never_relevant", detail=annotation.annotation_id)


def accept(
    case: Case[Moment], answers: Answers[AnswerNow], config: Config
) -> Iterator[RolledOut | Case[Moment]]:
    """What was answered, and the next ask."""
    moment, text = case.subject, answers[0].answer
    row, question = moment.matrix[moment.place], moment.question
    assert question is not None
    last = moment.last_said(question)
    if bare(text) == UNKNOWN:
        moment = replace(moment, in_vain=(*moment.in_vain, question.qid))
        yield _made(case, text, "unknown")
    else:
        moment = replace(moment, answered=(*moment.answered, question.qid))
        if config.again == "changed" and last is not None and bare(last) == bare(text):
            yield _made(case, text, "unchanged")
        else:
            moment = replace(moment, said=(*moment.said, (row.frame_s, question, text)))
            yield _made(case, text, "said")
    later = following(moment, config)
    if later is not None:
        yield later


def unanswered(case: Case[Moment], config: Config) -> Iterator[RolledOut]:
    """An ask without a valid answer ends the roll-out, and is seen to."""
    yield _made(case, "", "failed")


def _made(case: Case[Moment], text: str, outcome: Outcome) -> RolledOut:
    moment = case.subject
    assert moment.question is not None
    return RolledOut(
        annotation_id=moment.annotation.annotation_id,
        piece=moment.matrix[moment.place].index,
        qid=moment.question.qid,
        time_s=case.frames[-1].frame_s,
        text=text,
        outcome=outcome,
    )


STAGE = annotation_stage(
    name="roll_out",
    version=1,
    reads=(Annotation, PieceRelevance, FramedSegment),
    writes=RolledOut,
    config=Config,
    answer=AnswerNow,
    variables={
        "question": "How many cups are there by now?",
        "earlier": [{"time_s": 4.0, "question": "What does she hold?", "answer": "A cup."}],
    },
    cases=cases,
    accept=accept,
    unanswered=unanswered,
    reasons=(
        Reason("unjudged_piece", "The relevance of a piece is not known."),
        Reason("never_relevant", "No piece is relevant to any question.", absence=True),
    ),
)
