"""What the verbs of the command line share: their options, and the plan of a run."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.config import RunConfig, load_config
from pipeline.dialogue.weights import Preset
from pipeline.executor import JOB_VARIABLE
from pipeline.graph import build_graph
from pipeline.plan import NodePlan, make_plan
from pipeline.source import read_source
from pipeline.suggest import ConfigError

DONE, FAILED, USAGE, PARTLY = 0, 1, 2, 3
"""Exit status."""

ConfigOption = Annotated[Path, typer.Option("-c", "--config", help="The run, a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="a.b=c", help="Set a key of the config. May be repeated."),
]
LimitOption = Annotated[
    int | None, typer.Option(min=1, help="Only the first so many videos of the source.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON instead of a table.")]

FormatName = Literal["raw", "stream", "messages", "qwen_vl", "livecc", "activation"]
SpellingOption = Annotated[
    Literal["official", "paper"], typer.Option(help="Of the state tokens: </Silence> or <Silence>.")
]
SystemOption = Annotated[
    Path | None,
    typer.Option(
        help="System text: a file, or a file of dialogues, for that of its first row; else ours."
    ),
]
WeightsOption = Annotated[
    Preset | None, typer.Option(help="Weigh the turns by this preset, over what they have.")
]
MaxTokensOption = Annotated[
    int | None, typer.Option(min=1, help="Cut longer dialogues into windows of so many tokens.")
]
OverlapOption = Annotated[
    int, typer.Option(min=0, help="Turns that a window repeats from the one before.")
]
FramesOption = Annotated[
    Literal["qwen2_vl", "qwen2_5_vl", "qwen3_vl", "internvl"],
    typer.Option(help="The model by whose rule frames become tokens."),
]
TokenizerOption = Annotated[
    Path | None, typer.Option(help="tokenizer.json to count texts with; estimated if not given.")
]
FpsOption = Annotated[float, typer.Option(min=0.01, max=30, help="Turns a second.")]
VideosOption = Annotated[
    Path | None, typer.Option("--videos", help="Folder of the videos that the rows name.")
]
DurationsOption = Annotated[
    Path | None, typer.Option(help="JSON object: name of a video, seconds.")
]
OriginOption = Annotated[
    Literal["auto", "0", "1"],
    typer.Option(
        help="What times mean: 1 counts seconds from 1 (official), 0 measures seconds (JoyAI);"
        " auto: 1 for a row whose times are all whole numbers, else 0."
    ),
]


def planned(
    config: Path, overrides: Sequence[str] | None, limit: int | None
) -> tuple[RunConfig, Sequence[NodePlan]]:
    """The settings of a run, and what it would do."""
    settings = load_config(config, overrides or ())
    nodes = build_graph(settings)
    source = read_source(settings.source, limit)
    return settings, make_plan(nodes, source, settings.run.videos_per_shard, run_root(settings))


def run_root(settings: RunConfig) -> Path:
    """Where the run lives. A Ray job works in a copy of the folder that is thrown away after it."""
    root = settings.run.root.expanduser()
    if JOB_VARIABLE in os.environ and not root.is_absolute():
        root = Path(os.environ.get("TURNWISE_HOME", "~/turnwise")).expanduser() / root
    return root.resolve()


def need_ffmpeg() -> None:
    """Raises ConfigError where ffmpeg is not installed."""
    missing = [name for name in ("ffmpeg", "ffprobe") if shutil.which(name) is None]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} not on PATH: install the package ffmpeg, or run"
            " `make install` and then `. .venv/bin/activate`"
        )
