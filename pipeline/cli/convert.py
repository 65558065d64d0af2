"""The verb ``convert``: dialogues from a raw annotation file, without any run."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.file_options import (
    DurationsOption,
    FormatName,
    FpsOption,
    FramesOption,
    MaxTokensOption,
    OriginOption,
    OverlapOption,
    SpellingOption,
    SystemOption,
    TokenizerOption,
    VideosOption,
    WeightsOption,
    budget_of,
    check_folder,
    check_source,
    check_target,
    origin_of,
    read_system,
)
from pipeline.cli.options import PARTLY, JsonOption
from pipeline.corpus.convert import Reading, convert, convert_officially
from pipeline.corpus.export.exporter import Shape, video_below
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.video_lookup import Videos, read_durations
from pipeline.dialogue.placement import Collision
from pipeline.dialogue.state_tokens import SPELLINGS
from pipeline.errors import ConfigError
from pipeline.media.base import StillsRequest
from pipeline.media.decode import DecodeProcess


def convert_file(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Raw file: JSON or JSON Lines.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="JSON, or JSON Lines by its ending.")],
    form: Annotated[FormatName, typer.Option("--to", help="What to write.")] = "stream",
    fps: FpsOption = 1.0,
    videos: VideosOption = None,
    durations: DurationsOption = None,
    origin: OriginOption = "auto",
    collision: Annotated[
        Collision, typer.Option(help="Of two responses in one turn: see the stage dialogue.")
    ] = "merge",
    compat: Annotated[
        bool, typer.Option("--compat", help="As the official converter does it, with all it loses.")
    ] = False,
    spelling: SpellingOption = "official",
    system: SystemOption = None,
    weights: WeightsOption = None,
    max_tokens: MaxTokensOption = None,
    overlap_turns: OverlapOption = 0,
    frames_of: FramesOption = "qwen2_5_vl",
    tokenizer: TokenizerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make dialogues of a raw annotation file, losing no response: no run is needed.

    The length of a video comes from --durations, its file below --videos, or its row
    (``duration``). OUT.rejects.jsonl names what could not be written, and why. Exit status 3:
    some rows or responses are there.
    """
    check_source(source)
    check_target(out, source, FORMATS[form])
    text = read_system(system, spelling)
    known = read_durations(durations) if durations else {}
    budget = budget_of(max_tokens, overlap_turns, frames_of, tokenizer)
    needs_frames = FORMATS[form].needs_images
    if needs_frames or durations is None:  # otherwise the folder is one of another machine, maybe
        check_folder(videos)
    if compat:
        ours = (form, spelling, origin, collision) != ("stream", "official", "auto", "merge")
        if ours or weights or budget:
            raise ConfigError(
                "--compat: it writes --to stream in the official spelling, reads times and settles"
                " collisions in its own way, and neither weighs nor cuts"
            )
        if videos is None and durations is None:
            raise ConfigError("--compat: give --videos or --durations")
    elif needs_frames and videos is None:
        raise ConfigError(f"--to {form}: needs the frames: give --videos")
    elif weights == "class_balanced":
        raise ConfigError("--weights class_balanced: needs the states of a corpus: use export")
    out.parent.mkdir(parents=True, exist_ok=True)
    if compat:
        prefix = str(videos or "")
        with ExitStack() as stack:
            media = stack.enter_context(DecodeProcess(videos)) if videos else None
            seen = Videos(known, videos, media)
            made = convert_officially(
                source, out, fps=fps, system=text, video_prefix=prefix, videos=seen
            )
    else:
        request = StillsRequest(turns_per_s=fps) if needs_frames else None
        shape = Shape(
            FORMATS[form],
            SPELLINGS[spelling],
            text,
            preset=weights,
            budget=budget,
            video=video_below(str(videos or "")),
            name=lambda head: head.video_id,
            key=lambda head: head.uri,
            images=f"{out.name}.images",
        )
        with ExitStack() as stack:
            media = stack.enter_context(DecodeProcess(videos)) if videos else None
            reading = Reading(fps, origin_of(origin), collision)
            made = convert(source, out, shape, reading, Videos(known, videos, media, request))
    told, found = {"rows": made.rows, **made.tally.as_json()}, made.tally.to_text()
    if compat:  # what it makes of single responses, audit says
        told = {key: told[key] for key in ("rows", "dialogues", "written", "rejected")}
        found = found.partition("\n")[0]
    typer.echo(json.dumps(told, indent=2) if as_json else f"rows: {made.rows}\n{found}")
    if made.tally.missing:
        typer.echo(f"not written: {out}.rejects.jsonl", err=True)
        raise typer.Exit(PARTLY)
