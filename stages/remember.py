"""Cut long dialogues into windows that begin with the memory of what lies before them.

reads:  Dialogue, Summary
writes: Dialogue: those that are short as they are, of the others the windows; a Reject for each
        response that no window can hold, and for each dialogue that cannot be cut
source: arXiv:2606.08615 (raw window, summaries of the middle and of long ago, as a runtime keeps
        them; training on them is ours); ``pipeline.dialogue.memory`` has the laws
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from pydantic import Field

from pipeline.dialogue.memory import Reach, remembering
from pipeline.dialogue.reasons import UNFIT
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Dialogue, Reject, Summary
from pipeline.workflow.stage import Context, StageConfig, VideoRows, per_video_stage, reasons_of


class Config(StageConfig):
    """How far windows remember."""

    memory: Reach = Field(
        Reach(),
        description="how far a window remembers; `harness` and `onestreamer` stand for those"
        " settings",
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Dialogue | Reject]:
    """The dialogues of one video, each followed by what could not be said in its windows."""
    for dialogue in rows[Dialogue]:
        row = json.dumps({"sample_id": dialogue.sample_id})
        try:
            cut = remembering(dialogue, rows[Summary], config.memory)
        except DialogueError as error:
            yield Reject(reason=error.reason, detail=error.detail, row=row)
            continue
        yield from cut.dialogues
        for refusal in cut.refused:
            detail = f"response {refusal.rid!r} of {dialogue.sample_id}: {refusal.detail}"
            yield Reject(reason=refusal.reason, detail=detail, row=row)


STAGE = per_video_stage(
    name="remember",
    version=1,
    reads=(Dialogue, Summary),
    writes=Dialogue,
    config=Config,
    run=run,
    reasons=reasons_of(UNFIT),
)
