"""The verb ``export``: the dialogues of a run or a corpus as files to train from."""

import json
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.file_options import (
    FormatName,
    FramesOption,
    MaxTokensOption,
    OverlapOption,
    SpellingOption,
    SystemOption,
    TokenizerOption,
    WeightsOption,
    budget_of,
    read_system,
)
from pipeline.cli.options import PARTLY, JsonOption, LimitOption, SetOption, planned
from pipeline.corpus.export.card import export_card
from pipeline.corpus.export.exporter import Shape, Tally, export, video_below
from pipeline.corpus.export.survey import survey
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.messages import dataset_info
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.dialogue.state_tokens import SPELLINGS
from pipeline.errors import ConfigError, did_you_mean
from pipeline.store.location import Location
from pipeline.store.parts import put_folder
from pipeline.workflow.outputs import dialogue_parts, run_samples

_NO_NAME = re.compile(r"[^\w.-]+")
"""Not in a name of a data set: trainers take lists of them, between commas."""


def export_files(
    corpus: Annotated[
        Path | None, typer.Argument(help="A corpus folder or Parquet file, in place of -c.")
    ] = None,
    form: Annotated[FormatName, typer.Option("--format", help="What to write.")] = "messages",
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to make.")] = Path("export"),
    config: Annotated[Path | None, typer.Option("-c", "--config", help="The run.")] = None,
    overrides: SetOption = None,
    limit: LimitOption = None,
    tasks: Annotated[
        list[str] | None, typer.Option("--task", help="Only this task. May be repeated.")
    ] = None,
    spelling: SpellingOption = "official",
    system: SystemOption = None,
    weights: WeightsOption = None,
    seed: Annotated[int, typer.Option(help="Draws what a preset of weights draws.")] = 0,
    max_tokens: MaxTokensOption = None,
    overlap_turns: OverlapOption = 0,
    frames_of: FramesOption = "qwen2_5_vl",
    tokenizer: TokenizerOption = None,
    images: Annotated[
        bool, typer.Option(help="Write the frames, for formats that name images.")
    ] = True,
    video_root: Annotated[str, typer.Option(help="Put before the path of every video.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Write the dialogues of a finished run, or of a corpus, as files that a trainer loads.

    raw and stream: Streamo's own; messages: ms-swift 4 and LLaMA-Factory; qwen_vl:
    qwen-vl-finetune; livecc: LiveCC and StreamingVLM; activation: StreamBridge.
    """
    if (corpus is None) == (config is None):
        raise ConfigError("export: give a run with -c, or a corpus, and not both")
    if config is None and (overrides or limit):
        raise ConfigError(f"{'--set' if overrides else '--limit'}: of a run alone, not of a corpus")
    place = out.resolve()
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise ConfigError(f"-o: {out} is not empty")
    budget = budget_of(max_tokens, overlap_turns, frames_of, tokenizer)
    frames = images and FORMATS[form].needs_images
    if config is not None:
        plans = planned(config, overrides, limit)[1]
        parts, samples = dialogue_parts(plans), run_samples(plans, frames=frames)
    else:
        assert corpus is not None
        files = [corpus] if corpus.is_file() else sorted(corpus.glob("data/*/*.parquet"))
        parts = [Location.of(file) for file in files]
        samples = read_corpus(corpus, frames=frames)
    held = survey(parts, tasks or ())
    for task in sorted(set(tasks or ()) - held.tasks):
        raise ConfigError(f"--task: there is no {task!r}{did_you_mean(task, held.tasks)}")
    shape = Shape(
        FORMATS[form],
        SPELLINGS[spelling],
        read_system(system, spelling),
        preset=weights,
        seed=seed,
        budget=budget,
        corpus=held.states,
        weighed=held.weighed,
        video=video_below(video_root),
    )
    chosen = _of_tasks(samples, tasks) if tasks else samples
    fresh = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    fresh.mkdir(parents=True)
    try:
        tally = export(chosen, fresh, shape, frames=frames)
        _finish(fresh, shape, tally, _NO_NAME.sub("_", place.name))
        put_folder(fresh, place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    typer.echo(json.dumps(tally.as_json(), indent=2) if as_json else tally.to_text())
    typer.echo(f"export: {out}", err=as_json)
    if tally.missing:
        typer.echo(f"not written: {out}/rejects.jsonl", err=True)
        raise typer.Exit(PARTLY)


def _of_tasks(samples: Iterable[VideoSample], tasks: Sequence[str]) -> Iterator[VideoSample]:
    for sample in samples:
        chosen = [dialogue for dialogue in sample.dialogues if dialogue.task in tasks]
        if chosen:
            yield VideoSample(chosen, sample.frames)


def _finish(folder: Path, shape: Shape, tally: Tally, name: str) -> None:
    """The README and, for LLaMA-Factory, its entry."""
    files = sorted(path.name for path in folder.glob(f"*.{shape.format.suffix}"))
    files = [file for file in files if file != "rejects.jsonl"]
    if shape.format.name == "messages":
        entries: dict[str, object] = {}
        for file in files:
            entries |= dataset_info(f"{name}_{Path(file).stem}", file)
        text = json.dumps(entries, indent=2) + "\n"
        (folder / "dataset_info.json").write_text(text, encoding="utf-8")
    first = f"{name}_{Path(files[0]).stem}" if files else name
    (folder / "README.md").write_text(export_card(shape, tally, files, first), encoding="utf-8")
