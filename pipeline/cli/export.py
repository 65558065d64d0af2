"""The verb ``export``: the dialogues of a run or a corpus as files to train from."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.exit_status import PARTLY
from pipeline.cli.file_options import (
    FormatName,
    FramesOption,
    LayoutOption,
    MaxTokensOption,
    OverlapOption,
    SpellingOption,
    SystemOption,
    TokenizerOption,
    WeightsOption,
    budget_of,
    new_folder,
    system_of,
)
from pipeline.cli.options import JsonOption, LimitOption, SetOption, planned
from pipeline.corpus.export.exporter import Shape
from pipeline.corpus.export.folder import export_folder
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.read import corpus_parts, read_corpus
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.errors import ConfigError
from pipeline.workflow.outputs import dialogue_parts, run_samples


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
    layout: LayoutOption = "lines",
    images: Annotated[
        bool, typer.Option(help="Write the frames, for formats that name images.")
    ] = True,
    video_root: Annotated[str, typer.Option(help="Put before the path of every video.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Write the dialogues of a finished run, or of a corpus, as files that a trainer loads.

    raw and stream: Streamo's own; messages: ms-swift 4 and LLaMA-Factory; qwen_vl:
    qwen-vl-finetune; livecc: LiveCC and StreamingVLM; activation: StreamBridge;
    stride: STRIDE.
    """
    if (corpus is None) == (config is None):
        raise ConfigError("export: give a run with -c, or a corpus, and not both")
    if config is None and (overrides or limit):
        raise ConfigError(f"{'--set' if overrides else '--limit'}: of a run alone, not of a corpus")
    folder = new_folder(out)
    budget = budget_of(max_tokens, overlap_turns, frames_of, tokenizer)
    frames = images and FORMATS[form].needs_images
    if config is not None:
        plans = planned(config, overrides, limit)[1]
        parts, samples = dialogue_parts(plans), run_samples(plans, frames=frames)
    else:
        assert corpus is not None
        parts, samples = corpus_parts(corpus), read_corpus(corpus, frames=frames)
    shape = Shape(
        FORMATS[form],
        STATE_TOKENS[spelling],
        system_of(system, spelling),
        preset=weights,
        seed=seed,
        budget=budget,
        video_root=video_root,
        layout=layout,
    )
    tally = export_folder(samples, parts, folder, shape, tasks=tasks or (), frames=frames)
    typer.echo(json.dumps(tally.as_json(), indent=2) if as_json else tally.to_text())
    typer.echo(f"export: {out}", err=as_json)
    if tally.missing:
        typer.echo(f"not written: {out}/rejects.jsonl", err=True)
        raise typer.Exit(PARTLY)
