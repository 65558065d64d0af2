"""The verb ``explain``: where a sample comes from."""

import json
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from pipeline.cli.options import ConfigOption, JsonOption, LimitOption, SetOption, planned, run_root
from pipeline.cli.pictures import strip, way_of
from pipeline.execution.replay import ReplayedAsk, asks_of_video
from pipeline.reports.explain import KeptReply, MadeAsk, as_json, explain_sample
from pipeline.reports.explain_text import lines_of
from pipeline.store.files.terminal import unescaped
from pipeline.store.files.text_table import TEXT_WIDTH
from pipeline.workflow.plan import NodePlan


def explain_one(
    sample: Annotated[str, typer.Argument(help="Its sample_id, or the beginning of it.")],
    config: ConfigOption,
    overrides: SetOption = None,
    limit: LimitOption = None,
    as_data: JsonOption = False,
) -> None:
    """Show all that led to a sample: its video and frames, and node by node every ask and row.

    Of each ask there are prompt, frames, reply, model and tokens; of each row what it says, and the
    file and row where it lies. Prompts are made anew by the stages from the rows that are there: a
    reply is shown with the very ask that it was given to, and what is gone is said. No model is
    asked. Frames are shown where the terminal shows pictures (kitty, iTerm2, sixel, or 24-bit
    colours).
    """
    settings, plans = planned(config, overrides, limit)
    parts = {(plan.node.name, n): part for plan in plans for n, part in plan.parts.items()}

    def asks_of(plan: NodePlan, shard: int, video_id: str) -> Sequence[MadeAsk]:
        return [_made(each) for each in asks_of_video(plan, shard, video_id, parts)]

    found = explain_sample(plans, sample, run_root(settings), asks_of)
    if as_data:
        typer.echo(json.dumps(as_json(found), indent=2, ensure_ascii=False))
        return
    stream = unescaped(sys.stdout)
    show = way_of(stream, os.environ)
    columns = TEXT_WIDTH
    for shown in lines_of(found):
        if isinstance(shown, str):
            typer.echo(shown)
        elif show is not None and (picture := strip([frame.jpeg for frame in shown])) is not None:
            sys.stdout.flush()
            stream.write(show(picture, columns))


def _made(asked: ReplayedAsk) -> MadeAsk:
    ask, entry = asked.ask, asked.entry
    replies = (
        tuple(KeptReply(reply, entry.attempts, entry.last_at) for reply in entry.replies)
        if entry
        else ()
    )
    return MadeAsk(ask.request_id, ask.system, ask.text, ask.frames, replies)
