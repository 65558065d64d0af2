"""Have the assistant keep the memory itself: it says what it sees, and what each stretch came to.

reads:  Summary, Annotation (of the tasks named, such as narration)
writes: Annotation of the task memory_turns, at most one a video
source: arXiv:2610.01762 (OneStreamer: details, and a summary once a stretch is over, behind its
        details and before those of the next; its texts begin with their seconds)
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import Annotation, Reject, Response, Summary
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage

TASK = "memory_turns"


class Config(StageConfig):
    """What is said."""

    tasks: tuple[str, ...] = Field(
        ("narration",), min_length=1, description="whose responses are the details"
    )
    instruction: str = Field(
        "Keep notes of what goes on, and sum up each stretch when it is over.",
        min_length=1,
        description="what the user asks for, at the start; ours",
    )


def observed(response: Response) -> Response:
    """A detail, when it was seen."""
    span = f"{response.start_s:.1f} seconds"
    if response.kind == "event":
        span = f"{response.start_s:.1f} - {response.end_s:.1f} seconds"
    return response.model_copy(update={"text": f"[{span}] {response.text}"})


def summed_up(summary: Summary) -> Response:
    """What a stretch came to, when it is over."""
    text = f"[{summary.start_s:.1f} - {summary.end_s:.1f} seconds] {summary.text}"
    return Response.event("", text, summary.start_s, summary.end_s)


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The notes on one video: details and summaries, in the order in which they are said."""
    details = [each for each in rows[Annotation] if each.task in config.tasks]
    stretches = [each for each in rows[Summary] if each.level == "middle"]
    if not details or not stretches:
        yield Reject(reason="nothing_summarised", detail=f"{len(details)} of {config.tasks}")
        return
    said = [
        *(summed_up(summary) for summary in stretches),
        *(observed(response) for each in details for response in each.responses),
    ]
    said.sort(key=lambda response: response.respond_s)
    calls = [call for each in details for call in each.provenance]
    calls += [each.provenance for each in stretches if each.provenance]
    made = Annotation.instants(TASK, config.instruction, [])
    numbered = [r.model_copy(update={"rid": f"r{n}", "qid": "q0"}) for n, r in enumerate(said)]
    yield made.model_copy(
        update={
            "responses": numbered,
            "provenance": list(dict.fromkeys(calls)),
            "origins": sorted({origin for each in details for origin in each.origins}),
            "parent_ids": [each.annotation_id for each in details],
        }
    )


STAGE = per_video_stage(
    name="memory_turns",
    version=1,
    reads=(Summary, Annotation),
    writes=Annotation,
    config=Config,
    run=run,
    tasks=lambda *_: {TASK},
    reasons=(
        Reason("nothing_summarised", "The video has no details, or no stretch.", absence=True),
    ),
)
