"""Make an annotation of each causal roll-out: what was said, when, and by which relevance.

reads:  RolledOut, Annotation, PieceRelevance
writes: Annotation of the task trajectory, with a response for each answer that was said
source: arXiv:2605.10343 (silence where no question is relevant, else the answer of the roll-out)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from pipeline.records import Annotation, Check, PieceRelevance, Reject, Response, RolledOut
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._trajectory import TASK


class Config(StageConfig):
    """Which trajectories stand."""

    least_answers: int = Field(
        1, ge=1, description="answers that a trajectory has at least; the paper gives none"
    )


def responses(rolled: Sequence[RolledOut]) -> list[Response]:
    """What was said, in order of time; each holds until its question is answered anew."""
    said = [row for row in rolled if row.outcome == "said"]
    return [
        Response.instant(
            f"r{place}",
            row.text,
            row.time_s,
            valid_until_s=next(
                (later.time_s for later in said[place + 1 :] if later.qid == row.qid), None
            ),
        ).model_copy(update={"qid": row.qid})
        for place, row in enumerate(said)
    ]


def checks(
    made: Sequence[Response], rolled: Sequence[RolledOut], matrix: Sequence[PieceRelevance]
) -> Iterator[Check]:
    """How relevant the piece of each response is to its question."""
    rows = {row.index: row for row in matrix}
    said = [each for each in rolled if each.outcome == "said"]
    for response, each in zip(made, said, strict=True):
        row = rows[each.piece]
        score = row.scores[row.qids.index(each.qid)]
        model = row.provenance.writer
        yield Check(name="relevance", passed=True, score=score, model=model, rid=response.rid)


def judged(
    annotation: Annotation,
    rolled: Sequence[RolledOut],
    matrix: Sequence[PieceRelevance],
    config: Config,
) -> Annotation | Reject:
    """One roll-out as an annotation."""
    failed = [row for row in rolled if row.outcome == "failed"]
    if failed:
        detail = f"{annotation.annotation_id} at {failed[0].time_s:.2f} s"
        return Reject(reason="roll_out_failed", detail=detail)
    made = responses(rolled)
    if len(made) < config.least_answers:
        detail = f"{len(made)} of at least {config.least_answers}, by {len(rolled)} asks"
        return Reject(reason="too_few_answers", detail=detail, row=annotation.model_dump_json())
    calls = [*(row.provenance for row in matrix), *(row.provenance for row in rolled)]
    return annotation.model_copy(
        update={
            "responses": made,
            "checks": [*annotation.checks, *checks(made, rolled, matrix)],
            "provenance": [*annotation.provenance, *calls],
        }
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The roll-outs of one video, each with its own questions and matrix."""
    for annotation in rows[Annotation]:
        own = annotation.annotation_id
        rolled = [row for row in rows[RolledOut] if row.annotation_id == own]
        matrix = [row for row in rows[PieceRelevance] if row.annotation_id == own]
        if rolled:
            yield judged(annotation, rolled, matrix, config)


STAGE = per_video_stage(
    name="trajectory",
    version=1,
    reads=(RolledOut, Annotation, PieceRelevance),
    writes=Annotation,
    config=Config,
    run=run,
    tasks=lambda *_: {TASK},
    reasons=(
        Reason("roll_out_failed", "An ask of the roll-out has no valid answer."),
        Reason("too_few_answers", "The roll-out says less than `least_answers` answers."),
    ),
)
