"""Options of the verbs that read annotation files or write training files."""

from math import isnan
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from pipeline.corpus.formats.base import Format, FormatError
from pipeline.corpus.formats.system import read_system, system_text
from pipeline.corpus.streamo.origin import Origin
from pipeline.dialogue.budget import Budget
from pipeline.dialogue.memory_text import MemoryLayout
from pipeline.dialogue.state_tokens import STATE_TOKENS, StateTokensName
from pipeline.dialogue.tiling import DialogueError
from pipeline.dialogue.weights import Preset
from pipeline.errors import ConfigError
from pipeline.store.files.json_writer import JSON_ENDINGS, LINE_ENDINGS
from pipeline.store.files.signatures import HEAD_BYTES, what_it_is
from pipeline.workflow.prompt import PROMPTS

SYSTEM = PROMPTS / "system" / "turnwise.md"
TWO_STATES = PROMPTS / "system" / "two_states.md"


def _number(value: float) -> float:
    """The value; some versions of typer let NaN pass any limits."""
    if isnan(value):
        raise typer.BadParameter("it is no number")
    return value


FormatName = Literal["raw", "stream", "messages", "qwen_vl", "livecc", "activation", "stride"]
SpellingOption = Annotated[
    Literal["official", "paper", "two_states"],
    typer.Option(
        help="Of the state tokens: </Silence>, <Silence>, or </silence> and </response> alone."
    ),
]
LayoutOption = Annotated[
    MemoryLayout,
    typer.Option("--memory", help="How the memory of windows is written: lines, or in tags."),
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
        " auto: 0 for a file in which times have fractions, zeros or clocks, else 1."
    ),
]


def system_of(path: Path | None, spelling: StateTokensName) -> str:
    """The system text of a file (see ``read_system``), or our own.

    Raises:
        ConfigError: the file has none.
    """
    try:
        tokens = STATE_TOKENS[spelling]
        if path is None:
            ours = SYSTEM if tokens.standby else TWO_STATES
            return system_text(ours.read_text(encoding="utf-8").strip(), tokens)
        return read_system(path, tokens)
    except (OSError, UnicodeDecodeError, FormatError) as error:
        raise ConfigError(f"--system: {path}: {error}") from None


def budget_of(
    max_tokens: int | None, overlap_turns: int, frames_of: str, tokenizer: Path | None
) -> Budget | None:
    """The budget of a sample; None for no limit.

    Raises:
        ConfigError: the options contradict each other, or the tokenizer cannot be used.
    """
    if max_tokens is None:
        if overlap_turns or tokenizer:
            name = "--overlap-turns" if overlap_turns else "--tokenizer"
            raise ConfigError(f"{name}: it is about windows: give --max-tokens too")
        return None
    settings = {"max_tokens": max_tokens, "overlap_turns": overlap_turns, "frames": frames_of}
    try:
        budget = Budget.model_validate(settings | {"tokenizer": tokenizer})
        budget.counter("")
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"--max-tokens: {message}") from None
    except (OSError, ModuleNotFoundError, DialogueError) as error:
        raise ConfigError(f"--tokenizer: {error}") from None
    return budget


def origin_of(name: str) -> Origin:
    """The origin of times that the option names."""
    return "auto" if name == "auto" else 1 if name == "1" else 0


def check_source(source: Path) -> None:
    """Raises ConfigError for a source that is missing, compressed or no text in UTF-8."""
    if not source.is_file():
        raise ConfigError(f"there is no file {source}")
    with source.open("rb") as file:
        what = what_it_is(file.read(HEAD_BYTES))
    if what.startswith("compressed"):
        raise ConfigError(f"{source} is {what}: unpack it first")
    if what:
        raise ConfigError(f"{source} is {what}, not JSON in UTF-8")


def check_target(target: Path, source: Path, form: Format) -> None:
    """Raises ConfigError for a target that cannot or must not be written."""
    if target.suffix.lower() not in JSON_ENDINGS:
        raise ConfigError(f"-o: {target} does not end in {', '.join(JSON_ENDINGS)}")
    if form.save is not None and target.suffix.lower() not in LINE_ENDINGS:
        raise ConfigError(f"-o: {form.name} is JSON Lines, and {target} does not end in .jsonl")
    if target.is_dir():
        raise ConfigError(f"-o: {target} is a folder")
    if target.exists() and target.samefile(source):
        raise ConfigError(f"-o: {target} is the file that is read")


def new_folder(out: Path) -> Path:
    """The absolute path of a folder to write; raises ConfigError where something is there."""
    folder = out.resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"-o: {out} is not empty")
    return folder


def check_folder(videos: Path | None) -> None:
    """Raises ConfigError for a folder of videos that is missing."""
    if videos is not None and not videos.is_dir():
        raise ConfigError(f"--videos: there is no folder {videos}")
