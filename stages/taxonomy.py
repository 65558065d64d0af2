"""Say where annotations of other stages stand in the taxonomy: when and how, by their own times.

reads:  Annotation
writes: Annotation, each one read and in their order, with its cell of the taxonomy as its aspect
source: arXiv:2606.08615 (the taxonomy); what its words mean is ours
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import Field

from pipeline.records import Annotation, Reject
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._taxonomy import Form, cell_of


class Config(StageConfig):
    """Which form the annotations of a task have."""

    forms: Mapping[str, Form] = Field(
        {
            "narration": "narration",
            "tsqa": "fact_changing",
            "offline_qa": "answer_invariant",
            "event_grounding": "answer_invariant",
        },
        description="by task, the form of its samples; those of other tasks are refused",
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The annotations of one video."""
    for annotation in rows[Annotation]:
        form = config.forms.get(annotation.task)
        if form is None:
            detail = f"{annotation.annotation_id} of {annotation.task}"
            yield Reject(reason="no_form", detail=detail, row=annotation.model_dump_json())
        elif not annotation.responses:
            detail = f"{annotation.annotation_id} has no answer"
            yield Reject(reason="no_form", detail=detail, row=annotation.model_dump_json())
        else:
            aspect = cell_of(annotation, form).aspect
            yield annotation.model_copy(update={"aspect": aspect})


STAGE = per_video_stage(
    name="taxonomy",
    version=1,
    reads=(Annotation,),
    writes=Annotation,
    config=Config,
    run=run,
    reasons=(Reason("no_form", "Its task has no form, or nothing is answered.", policy=True),),
)
