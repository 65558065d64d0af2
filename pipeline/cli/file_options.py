"""Options of the verbs that read annotation files or write training files."""

from math import isnan
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from pipeline.corpus.formats.base import Format, FormatError
from pipeline.corpus.formats.system import system_text
from pipeline.corpus.streamo.raw import Origin
from pipeline.dialogue.budget import Budget
from pipeline.dialogue.state_tokens import SPELLINGS, SpellingName
from pipeline.dialogue.tiling import DialogueError
from pipeline.dialogue.weights import Preset
from pipeline.errors import ConfigError
from pipeline.store.files.json_rows import read_json_rows
from pipeline.store.files.json_writer import LINE_ENDINGS
from pipeline.workflow.prompt import PROMPTS

SYSTEM = PROMPTS / "system" / "turnwise.md"


JSON_ENDINGS = (".json", *sorted(LINE_ENDINGS))


GZIP = b"\x1f\x8b"


def _number(value: float) -> float:
    """The value; some versions of the library let what is no number through any limits."""
    if isnan(value):
        raise typer.BadParameter("it is no number")
    return value


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


FpsOption = Annotated[
    float, typer.Option(min=0.01, max=30, callback=_number, help="Turns a second.")
]


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


def read_system(path: Path | None, spelling: SpellingName) -> str:
    """The system text of a file as it stands, with line ends made one kind, without a mark of
    byte order, and with the names of states in double braces spelled out.

    Raises:
        ConfigError: there is none in it.
    """
    try:
        if path is None:
            return system_text(SYSTEM.read_text(encoding="utf-8").strip(), SPELLINGS[spelling])
        if path.suffix not in JSON_ENDINGS:
            return system_text(path.read_text(encoding="utf-8-sig"), SPELLINGS[spelling])
        first = next(read_json_rows(path), None)
    except (OSError, UnicodeDecodeError, FormatError) as error:
        raise ConfigError(f"--system: {path}: {error}") from None
    messages = first.value.get("messages") if first and isinstance(first.value, dict) else None
    message = messages[0] if isinstance(messages, list) and messages else None
    said = message if isinstance(message, dict) else {}
    content = said.get("content")
    if said.get("role") != "system" or not isinstance(content, str):
        raise ConfigError(f"--system: the first row of {path} has no system message")
    return content


def budget_of(
    max_tokens: int | None, overlap_turns: int, frames_of: str, tokenizer: Path | None
) -> Budget | None:
    """How long a sample may be; None for as long as it is.

    Raises:
        ConfigError: the options make no sense together, or texts cannot be counted so.
    """
    if max_tokens is None:
        if overlap_turns or tokenizer:
            name = "--overlap-turns" if overlap_turns else "--tokenizer"
            raise ConfigError(f"{name}: it says something of windows: give --max-tokens too")
        return None
    given = {"max_tokens": max_tokens, "overlap_turns": overlap_turns, "frames": frames_of}
    try:
        budget = Budget.model_validate(given | {"tokenizer": tokenizer})
        budget.counter("")
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--max-tokens: {said}") from None
    except (OSError, ModuleNotFoundError, DialogueError) as error:
        raise ConfigError(f"--tokenizer: {error}") from None
    return budget


def origin_of(name: str) -> Origin:
    """What times mean."""
    return "auto" if name == "auto" else 1 if name == "1" else 0


def check_source(source: Path) -> None:
    """Raises ConfigError for what is no file of JSON."""
    if not source.is_file():
        raise ConfigError(f"there is no file {source}")
    with source.open("rb") as file:
        if file.read(len(GZIP)) == GZIP:
            raise ConfigError(f"{source} is compressed: unpack it first")


def check_target(target: Path, source: Path, form: Format) -> None:
    """Raises ConfigError for a file that is not to be written."""
    if target.suffix.lower() not in JSON_ENDINGS:
        raise ConfigError(f"-o: {target} does not end in {', '.join(JSON_ENDINGS)}")
    if form.save is not None and target.suffix.lower() not in LINE_ENDINGS:
        raise ConfigError(f"-o: {form.name} is JSON Lines, and {target} does not end in .jsonl")
    if target.is_dir():
        raise ConfigError(f"-o: {target} is a folder")
    if target.exists() and target.samefile(source):
        raise ConfigError(f"-o: {target} is the file that is read")


def check_folder(videos: Path | None) -> None:
    """Raises ConfigError for what is no folder of videos."""
    if videos is not None and not videos.is_dir():
        raise ConfigError(f"--videos: there is no folder {videos}")
