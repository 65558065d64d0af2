"""Ask which questions each piece of a video is relevant to: the relevance matrix, row by row.

A row is judged by the frames of its piece alone, so that it holds nothing of what comes later. The
questions are those of any annotation, so that the matrix of another recipe's samples says which of
their responses rest on what is seen (``check_relevance``).

reads:  Annotation, FramedSegment
writes: PieceRelevance, one for each annotation and piece, in order
source: arXiv:2605.10343 (the matrix of segments, which are pieces here, and questions; how long a
        piece is, any threshold, and the prompt's words are ours)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from pipeline.records import Annotation, FramedSegment, PieceRelevance, Reject
from pipeline.workflow.annotation_stage import AnnotationConfig, Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, Seen
from stages._trajectory import Piece, pieces, rests_on


class Config(AnnotationConfig):
    """How relevance is judged; of several samples, so many must agree as ``least_share`` says."""

    prompt: str = Field(
        "relevance", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(320, ge=1, description="most tokens of one answer")
    turns: int = Field(
        2,
        ge=1,
        description="turns of a piece, each with its frame: at one turn a second a piece of 2 s, as"
        " far as the paper's frames are apart; how long its segments are it does not say",
    )
    pieces: Literal["all", "answered"] = Field(
        "all",
        description="which pieces are judged. answered: those alone that a response of the"
        " annotation rests on, which is what a check of it needs and costs less; ours",
    )
    least_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="share of the samples that must call a piece relevant; the paper gives none",
    )


Number = Annotated[int, Field(ge=1)]


class PieceJudged(Answer):
    """What the frames show, then the numbers of the questions that they bear on."""

    seen: Seen
    relevant: Annotated[list[Number], Field(max_length=16)]


class Judging(NamedTuple):
    """A row of the matrix to be asked for."""

    annotation: Annotation
    piece: Piece
    of: int
    """How many pieces the video has."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Judging] | Reject]:
    """Each piece with all questions of each annotation."""
    video = pieces(rows[FramedSegment], config.turns)
    for annotation in rows[Annotation]:
        chosen = set(range(len(video)))
        if config.pieces == "answered":
            chosen = {place for r in annotation.responses for place in rests_on(r, video)}
        if not chosen:
            yield Reject(reason="no_piece", detail=annotation.annotation_id)
        texts = [question.text for question in annotation.questions]
        numbers = range(1, len(texts) + 1)
        for place in sorted(chosen):
            yield Case(
                Judging(annotation, video[place], len(video)),
                {"questions": texts},
                shared=video[place].turns,
                choices={"relevant.[]": numbers},
            )


def accept(
    case: Case[Judging], answers: Answers[PieceJudged], config: Config
) -> Iterator[PieceRelevance]:
    """The row. What is no number of a question counts for none."""
    annotation, piece, of = case.subject
    scores = [
        sum(number in answer.relevant for answer in answers) / answers.drawn
        for number in range(1, len(annotation.questions) + 1)
    ]
    yield PieceRelevance(
        annotation_id=annotation.annotation_id,
        index=piece.place,
        pieces=of,
        start_s=piece.turns[0].start_s,
        end_s=piece.turns[-1].end_s,
        after_s=piece.after_s,
        first_frame_s=piece.first_frame_s,
        frame_s=piece.frame_s,
        qids=[question.qid for question in annotation.questions],
        scores=scores,
        relevant=[score >= config.least_share for score in scores],
    )


STAGE = annotation_stage(
    name="relevance",
    version=1,
    reads=(Annotation, FramedSegment),
    writes=PieceRelevance,
    config=Config,
    answer=PieceJudged,
    variables={"questions": ["What does she hold?", "How many cups are there by now?"]},
    cases=cases,
    accept=accept,
    reasons=(
        Reason(
            "no_piece",
            "No response of the annotation rests on a piece (`pieces: answered`).",
            absence=True,
        ),
    ),
)
