"""The verb ``convert``: dialogues from a raw annotation file, without any run."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.exit_status import PARTLY
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
    system_of,
)
from pipeline.cli.options import JsonOption
from pipeline.corpus.convert import Reading, convert, convert_officially
from pipeline.corpus.export.exporter import Shape
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.video_lookup import read_durations
from pipeline.dialogue.placement import Collision
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.errors import ConfigError
from pipeline.store.durable import make_folders


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
    text = system_of(system, spelling)
    known = read_durations(durations) if durations else {}
    budget = budget_of(max_tokens, overlap_turns, frames_of, tokenizer)
    needs_frames = FORMATS[form].needs_images
    if needs_frames or durations is None:  # else the folder may be that of another machine
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
    make_folders(out.parent)
    reading = Reading(fps, origin_of(origin), collision, known, videos)
    if compat:
        made = convert_officially(source, out, text, reading)
    else:
        shape = Shape(FORMATS[form], STATE_TOKENS[spelling], text, preset=weights, budget=budget)
        made = convert(source, out, shape, reading)
    typer.echo(json.dumps(made.as_json(), indent=2) if as_json else made.to_text())
    if made.times is not None and made.times.mixed:
        typer.echo(made.times.warning(), err=True)
    if made.tally.missing:
        typer.echo(f"not written: {out}.rejects.jsonl", err=True)
        raise typer.Exit(PARTLY)
