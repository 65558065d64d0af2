"""The verbs that make files to train from: ``export`` what a run or a corpus holds, ``convert``
and ``audit`` annotation files without any run."""

import json
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipeline.convert import Reading, convert, convert_officially
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.dialogue.audit.file import Audit
from pipeline.dialogue.audit.seen import Seen
from pipeline.dialogue.formats import FORMATS
from pipeline.dialogue.formats.messages import dataset_info
from pipeline.dialogue.json_rows import read_json_rows
from pipeline.dialogue.placing import Collision
from pipeline.dialogue.spelling import SPELLINGS
from pipeline.export import Shape, Tally, export, video_below
from pipeline.export_card import export_card
from pipeline.location import Location
from pipeline.media.base import StillsRequest
from pipeline.media.decode import DecodeProcess
from pipeline.options import (
    PARTLY,
    DurationsOption,
    FormatName,
    FpsOption,
    FramesOption,
    JsonOption,
    LimitOption,
    MaxTokensOption,
    OriginOption,
    OverlapOption,
    SetOption,
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
    planned,
    read_system,
)
from pipeline.run_parts import dialogue_parts, run_samples, survey
from pipeline.store import put_folder
from pipeline.suggest import ConfigError, did_you_mean
from pipeline.videos import LONGEST_S, Videos, read_durations

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


def audit_file(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="Raw or turn file, Parquet, or corpus folder.")
    ],
    fps: FpsOption = 1.0,
    videos: VideosOption = None,
    durations: DurationsOption = None,
    origin: OriginOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong with annotations or dialogues, and what conversion makes of them.

    Of raw files: what the official converter loses or puts too early, beside our own.
    """
    corpus = source.is_dir() or source.suffix == ".parquet"
    if not corpus:
        check_source(source)
    check_folder(videos)
    known = read_durations(durations) if durations else {}
    with Seen() as seen, ExitStack() as stack:
        media = stack.enter_context(DecodeProcess(videos)) if videos else None
        found = Videos(known, videos, media)
        audit = Audit(
            seen,
            turns_per_s=fps,
            origin=origin_of(origin),
            duration_s=found.known_duration_s,
            longest_s=LONGEST_S,
            rate=found.rate,
        )
        if corpus:
            for sample in read_corpus(source, frames=False):
                for dialogue in sample.dialogues:
                    audit.add_dialogue(dialogue)
        else:
            audit.add_rows(read_json_rows(source))
        findings = audit.findings()
    typer.echo(findings.model_dump_json(indent=2) if as_json else findings.to_text())


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
