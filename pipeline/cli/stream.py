"""The verb ``stream``: a model watches the samples of a corpus, and its answers become a file."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated, Any, NamedTuple

import typer
from pydantic import ValidationError

from pipeline.cli.exit_status import PARTLY
from pipeline.cli.file_options import LayoutOption, SpellingOption, SystemOption, system_of
from pipeline.cli.options import SetOption, engine_of
from pipeline.corpus.read import read_corpus
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.engines import close_engines, open_engine
from pipeline.errors import ConfigError, explain
from pipeline.scoring.chat import ChatSettings, watch_chat
from pipeline.scoring.items import Prediction
from pipeline.scoring.predictions import Predictions
from pipeline.scoring.stream import Failure, StreamSettings, Watching, watch
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig, load_config
from pipeline.workflow.prompt import load_prompts

PROMPT = "stream"
_WEIGHTS = ("*.json", "*.safetensors", "*.bin", "*.txt", "*.jinja")


class _Watcher(NamedTuple):
    """Who watches: all that its predictions depend on beside the corpus, and how it does it."""

    protocol: Mapping[str, Any]
    watch: Callable[[Iterable[Watching]], Iterator[Prediction | Failure]]


def stream_samples(
    watcher: Annotated[
        str, typer.Argument(help="The role of an engine of the config, or a checkpoint's folder.")
    ],
    on: Annotated[Path, typer.Option(help="The corpus to watch; it needs its frames.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The file of predictions.")],
    config: Annotated[
        Path | None, typer.Option("-c", "--config", help="The run with the engine, a YAML file.")
    ] = None,
    overrides: SetOption = None,
    window_s: Annotated[
        float, typer.Option(help="Seconds of the latest frames that the model sees in each turn.")
    ] = 120.0,
    overlap_s: Annotated[
        float, typer.Option(help="Of a checkpoint: seconds with which its next window begins.")
    ] = 8.0,
    max_tokens: Annotated[int, typer.Option(help="Most tokens of what it does in a turn.")] = 256,
    spelling: SpellingOption = "official",
    system: SystemOption = None,
    layout: LayoutOption = "lines",
    task: Annotated[str, typer.Option(help="Only the samples of this task.")] = "",
    split: Annotated[str, typer.Option(help="Only those of this split.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many of them.")
    ] = None,
    at_once: Annotated[
        int, typer.Option(min=1, help="Of an engine: samples under way at the same time.")
    ] = 16,
) -> None:
    """Let a model watch the samples of a corpus turn by turn, and keep what it does, for `score`.

    In each turn it sees the frames so far, what was asked and what it said, and says whether it is
    silent, stands by or responds: an engine as a prompt asks it to, a checkpoint of transformers
    (turnwise[train]) by the likeliest of the three state tokens. What is in the file already is not
    asked again: after an interruption, give the same command.
    """
    shared = {"window_s": window_s, "max_tokens": max_tokens, "layout": layout}
    if config is None:
        if overrides:
            raise ConfigError("--set: of a config alone: give -c too")
        chat = {"spelling": spelling, "system": system_of(system, spelling), "overlap_s": overlap_s}
        who = _checkpoint(Path(watcher), {**shared, **chat})
    else:
        who = _engine(load_config(config, overrides or ()), watcher, shared, at_once)
    done = _resumed(out, who.protocol)
    samples = islice(_samples(on, task, split), limit)
    left = (each for each in samples if each[0].sample_id not in done)
    latencies_s: list[float] = []
    failures: list[Failure] = []
    kept = len(done)
    try:
        with out.open("a", encoding="utf-8") as file:
            for made in who.watch(left):
                if isinstance(made, Failure):
                    failures.append(made)
                    continue
                file.write(made.model_dump_json(exclude_defaults=True) + "\n")
                file.flush()
                kept += 1
                latencies_s += made.latencies_s
    finally:
        close_engines()
    typer.echo(f"predictions: {out}, {kept:,} samples ({len(done):,} of them from before)")
    if latencies_s:
        slow_s = sorted(latencies_s)[int(0.95 * (len(latencies_s) - 1))]
        typer.echo(f"a turn took {median(latencies_s):.3f} s (median), {slow_s:.3f} s (95 %)")
    for each in failures:
        typer.echo(f"not watched: {each.sample_id}, turn {each.turn}: {each.detail}", err=True)
    if failures:
        raise typer.Exit(PARTLY)


def _engine(settings: RunConfig, role: str, given: Mapping[str, Any], at_once: int) -> _Watcher:
    engine = engine_of(settings, role)
    how = StreamSettings(**given, language=settings.language)
    prompt = load_prompts(PROMPT)[PROMPT]

    def watching(samples: Iterable[Watching]) -> Iterator[Prediction | Failure]:
        opened = open_engine((*engine.replica_configs(), engine)[0])
        return watch(
            samples, opened, prompt, how, timed_frames=engine.timed_frames, at_once=at_once
        )

    protocol = {
        "engine": {"kind": engine.kind, **engine.identity()},
        "prompt": prompt.sha,
        **how.model_dump(mode="json"),
    }
    return _Watcher(protocol, watching)


def _checkpoint(folder: Path, given: Mapping[str, Any]) -> _Watcher:
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder}: no folder with a checkpoint; the role of an engine needs -c")
    try:
        how = ChatSettings(**given)
    except ValidationError as error:
        raise ConfigError(explain(error, ChatSettings, "stream")) from None

    def watching(samples: Iterable[Watching]) -> Iterator[Prediction | Failure]:
        try:
            from pipeline.scoring.checkpoint import Checkpoint  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise ConfigError(f"a checkpoint needs {error.name}: turnwise[train] has it") from error
        model = Checkpoint.load(folder, STATE_TOKENS[how.spelling], how.max_tokens)
        return watch_chat(samples, model, how)

    files = {each for pattern in _WEIGHTS for each in folder.glob(pattern)}
    digests = {each.name: Location.of(each).sha256() for each in sorted(files)}
    return _Watcher({"checkpoint": digests, **how.model_dump(mode="json")}, watching)


def _samples(corpus: Path, task: str, split: str) -> Iterator[Watching]:
    for sample in read_corpus(corpus, frames=True):
        for dialogue in sample.dialogues:
            if task in ("", dialogue.task) and split in ("", dialogue.split):
                first = dialogue.turns.first
                yield dialogue, sample.frames[first : first + len(dialogue.turns)]


def _resumed(out: Path, protocol: Mapping[str, Any]) -> set[str]:
    """The samples that the file has; beside it lies how they were made.

    Raises:
        ConfigError: they were made otherwise, or the file cannot be written.
    """
    beside = out.with_name(f"{out.name}.protocol.json")
    try:
        out.touch()
        if not beside.exists():
            if out.stat().st_size:
                raise ConfigError(f"-o: {out} is there, and nothing beside it says how it was made")
            beside.write_text(json.dumps(protocol, indent=2) + "\n", encoding="utf-8")
        before = json.loads(beside.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"-o: {out}: {error.strerror}") from None
    if before != protocol:
        other = sorted(k for k in {*before, *protocol} if before.get(k) != protocol.get(k))
        raise ConfigError(
            f"-o: {out} was made with another {', '.join(other)}: choose another file"
        )
    return Predictions.resumed(out)
