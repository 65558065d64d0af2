"""Check each response of an annotation by how relevant the pieces are that it rests on.

reads:  Annotation, PieceRelevance (of the same annotations, by the stage ``relevance``)
writes: Annotation, with a check ``relevance`` for each response that was judged
source: ours; the matrix is that of arXiv:2605.10343, applied to the samples of any recipe
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from pipeline.records import Annotation, Check, PieceRelevance, Reject, Response
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._trajectory import rests_on


class Config(StageConfig):
    """What fails, and what becomes of it."""

    least: float = Field(
        0.5,
        ge=0,
        le=1,
        description="relevance that a response needs: the mean over the pieces that it rests on;"
        " ours",
    )
    failing: Literal["flag", "refuse"] = Field(
        "flag",
        description="what becomes of a response with less. flag: it stays, with a check that did"
        " not pass; refuse: it is turned down, and so is one that was not judged; ours",
    )


def score(response: Response, rows: Sequence[PieceRelevance]) -> float | None:
    """The mean relevance of what a response rests on; None where that was not judged.

    ``rows`` are those of its annotation, in order of time.
    """
    found = [
        row.scores[row.qids.index(response.qid)]
        for row in (rows[place] for place in rests_on(response, rows))
        if response.qid in row.qids
    ]
    return sum(found) / len(found) if found else None


def checked(
    annotation: Annotation, rows: Sequence[PieceRelevance], config: Config
) -> Iterator[Annotation | Reject]:
    """One annotation with its checks, and the responses of it that are turned down."""
    kept, checks = [], []
    for response in annotation.responses:
        found = score(response, rows)
        passed = found is not None and found >= config.least
        if config.failing == "refuse" and not passed:
            reason = "unjudged_response" if found is None else "irrelevant_response"
            detail = f"response {response.rid} of {annotation.annotation_id}: {found}"
            yield Reject(reason=reason, detail=detail, row=response.model_dump_json())
            continue
        kept.append(response)
        if found is not None:
            model = rows[0].provenance.writer
            about = {"score": found, "model": model, "rid": response.rid}
            checks.append(Check.model_validate({"name": "relevance", "passed": passed, **about}))
    if annotation.responses and not kept:
        row = annotation.model_dump_json()
        yield Reject(reason="no_relevant_response", detail=annotation.annotation_id, row=row)
        return
    rids = {response.rid for response in kept}
    stand = [check for check in annotation.checks if not check.rid or check.rid in rids]
    calls = [row.provenance for row in rows]
    yield annotation.model_copy(
        update={
            "responses": kept,
            "checks": [*stand, *checks],
            "provenance": [*annotation.provenance, *calls],
        }
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The annotations of one video."""
    for annotation in rows[Annotation]:
        own = [r for r in rows[PieceRelevance] if r.annotation_id == annotation.annotation_id]
        yield from checked(annotation, sorted(own, key=lambda row: row.index), config)


STAGE = per_video_stage(
    name="check_relevance",
    version=1,
    reads=(Annotation, PieceRelevance),
    writes=Annotation,
    config=Config,
    run=run,
    reasons=(
        Reason(
            "irrelevant_response",
            "What the response rests on is less relevant to its question than `least`"
            " (`failing: refuse`).",
        ),
        Reason(
            "unjudged_response",
            "The relevance of what the response rests on is not known (`failing: refuse`).",
        ),
        Reason("no_relevant_response", "All responses of the annotation were turned down."),
    ),
)
