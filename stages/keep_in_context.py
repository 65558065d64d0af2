"""Keep the annotations whose answers rest on what they claim to rest on.

reads:  Annotation, Verdict (of verify_context)
writes: Annotation, those all of whose answers passed, with their checks; a Reject for each other
source: ours
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.records import Annotation, Check, Reject, Verdict
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage

REASONS = {"in_context": "not_answerable", "without_context": "context_not_needed"}


class Config(StageConfig):
    """Nothing to set: an annotation is kept or not."""


def failure(annotation: Annotation, verdicts: Sequence[Verdict]) -> tuple[str, str] | None:
    """A reason with its detail: of the first answer that failed, or that nobody looked at."""
    depends = {question.qid for question in annotation.questions if question.depends_on}
    for response in annotation.responses:
        own: dict[str, Verdict] = {v.check: v for v in verdicts if v.rid == response.rid}
        needed = ["in_context"]
        if response.from_memory or response.qid in depends:
            needed.append("without_context")
        for check in needed:
            verdict = own.get(check)
            if verdict is None:
                return "unverified", f"{response.rid}: {check}"
            if not verdict.passed:
                return REASONS[check], f"{response.rid}: {verdict.seen!r} for {verdict.expected!r}"
    return None


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The annotations of one video, each with its own verdicts."""
    for annotation in rows[Annotation]:
        own = [v for v in rows[Verdict] if v.annotation_id == annotation.annotation_id]
        failed = failure(annotation, own)
        if failed is not None:
            reason, detail = failed
            yield Reject(reason=reason, detail=detail, row=annotation.model_dump_json())
            continue
        checks = [
            Check(
                name=v.check,
                passed=v.passed,
                score=v.consistency,
                model=v.provenance.writer,
                rid=v.rid,
            )
            for v in own
        ]
        yield annotation.model_copy(
            update={
                "checks": [*annotation.checks, *checks],
                "provenance": [*annotation.provenance, *(v.provenance for v in own)],
            }
        )


STAGE = per_video_stage(
    name="keep_in_context",
    version=1,
    reads=(Annotation, Verdict),
    writes=Annotation,
    config=Config,
    run=run,
    reasons=(
        Reason("not_answerable", "The verifier gives another answer, with all that it rests on."),
        Reason("context_not_needed", "The verifier gives the answer without the context, too."),
        Reason("unverified", "A check of the answer was not answered."),
    ),
)
