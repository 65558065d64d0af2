"""The verbs that make files to train from: ``export`` what a run or a corpus holds, ``convert``
and ``audit`` annotation files without any run."""

import json
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from pipeline.convert import Reading, convert, convert_officially
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.read import read_corpus
from pipeline.dialogue.audit.file import Audit
from pipeline.dialogue.audit.seen import Seen
from pipeline.dialogue.budget import Budget
from pipeline.dialogue.formats import FORMATS
from pipeline.dialogue.formats.base import FormatError
from pipeline.dialogue.formats.messages import dataset_info
from pipeline.dialogue.formats.system import system_text
from pipeline.dialogue.json_rows import read_json_rows
from pipeline.dialogue.placing import Collision
from pipeline.dialogue.raw import Origin
from pipeline.dialogue.spelling import SPELLINGS, SpellingName
from pipeline.export import Shape, Tally, export, survey, video_below, write_frames
from pipeline.export_card import export_card
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
    planned,
)
from pipeline.prompt import PROMPTS
from pipeline.records import Dialogue
from pipeline.run_parts import dialogue_parts, run_samples
from pipeline.store import put_folder, write_text
from pipeline.suggest import ConfigError, explain
from pipeline.videos import Videos, read_durations

SYSTEM = PROMPTS / "system" / "turnwise.md"


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
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"-o: {out} is not empty")
    frames = images and FORMATS[form].needs_images
    if config is not None:
        plans = planned(config, overrides, limit)[1]
        parts, samples = dialogue_parts(plans), run_samples(plans, frames=frames)
    else:
        assert corpus is not None
        parts = [corpus] if corpus.is_file() else sorted(corpus.glob("data/*/*.parquet"))
        samples = read_corpus(corpus, frames=frames)
    counts, weighed = survey(parts)
    shape = Shape(
        FORMATS[form],
        SPELLINGS[spelling],
        read_system(system, spelling),
        preset=weights,
        seed=seed,
        budget=_budget(max_tokens, overlap_turns, frames_of, tokenizer),
        corpus=counts,
        weighed=weighed,
        video=video_below(video_root),
    )
    chosen = _of_tasks(samples, tasks) if tasks else samples
    fresh = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    fresh.mkdir(parents=True)
    try:
        tally = export(chosen, fresh, shape, frames=frames)
        _finish(fresh, shape, tally, out.name)
        put_folder(fresh, out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    typer.echo(json.dumps(tally.as_json(), indent=2) if as_json else tally.to_text())
    typer.echo(f"export: {out}", err=as_json)


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
    text = read_system(system, spelling)
    known = read_durations(durations) if durations else {}
    needs_frames = FORMATS[form].needs_images
    if compat:
        if form != "stream" or spelling != "official" or weights or max_tokens:
            raise ConfigError("--compat: writes --to stream, official spelling, nothing weighed")
        if videos is None and durations is None:
            raise ConfigError("--compat: give --videos or --durations")
        made = convert_officially(
            source,
            out,
            fps=fps,
            system=text,
            video_prefix=str(videos or ""),
            videos=Videos(known, videos),
        )
    else:
        if needs_frames and videos is None:
            raise ConfigError(f"--to {form}: needs the frames: give --videos")
        if weights == "class_balanced":
            raise ConfigError("--weights class_balanced: needs the states of a corpus: use export")
        media = DecodeProcess(videos) if videos else None
        request = StillsRequest(turns_per_s=fps) if needs_frames else None
        found = Videos(known, videos, media, request)
        shape = Shape(
            FORMATS[form],
            SPELLINGS[spelling],
            text,
            preset=weights,
            budget=_budget(max_tokens, overlap_turns, frames_of, tokenizer),
            video=video_below(str(videos or "")),
        )

        def leave(dialogue: Dialogue) -> int:
            jpegs = found.jpegs(dialogue.video_id, dialogue.uri)
            return write_frames(out.parent, dialogue.video_id, jpegs)

        reading = Reading(fps, _origin(origin), collision)
        made = convert(source, out, shape, reading, found, leave if needs_frames else None)
    found_text = f"rows: {made.rows}\n{made.tally.to_text()}"
    told = {"rows": made.rows, **made.tally.as_json()}
    typer.echo(json.dumps(told, indent=2) if as_json else found_text)
    if made.tally.rejected or made.tally.refused:
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
    known = read_durations(durations) if durations else {}
    found = Videos(known, videos, DecodeProcess(videos) if videos else None)
    with Seen() as seen:
        audit = Audit(
            seen,
            turns_per_s=fps,
            origin=_origin(origin),
            duration_s=found.known_duration_s,
            rate=found.rate,
        )
        if source.is_dir() or source.suffix == ".parquet":
            for sample in read_corpus(source, frames=False):
                for dialogue in sample.dialogues:
                    audit.add_dialogue(dialogue)
        else:
            audit.add_rows(read_json_rows(source))
        findings = audit.findings()
    typer.echo(findings.model_dump_json(indent=2) if as_json else findings.to_text())


def read_system(path: Path | None, spelling: SpellingName) -> str:
    """The system text of a file, byte for byte but for the names of states in double braces.

    Raises:
        ConfigError: there is none in it.
    """
    try:
        if path is None:
            return system_text(SYSTEM.read_text(encoding="utf-8").strip(), SPELLINGS[spelling])
        if path.suffix not in (".json", ".jsonl"):
            return system_text(path.read_text(encoding="utf-8"), SPELLINGS[spelling])
        first = next(read_json_rows(path), None)
    except (OSError, UnicodeDecodeError, FormatError) as error:
        raise ConfigError(f"--system: {path}: {error}") from None
    messages = first.value.get("messages") if first and isinstance(first.value, dict) else None
    message = messages[0] if isinstance(messages, list) and messages else None
    if not isinstance(message, dict) or message.get("role") != "system":
        raise ConfigError(f"--system: the first row of {path} has no system message")
    return str(message.get("content"))


def _budget(
    max_tokens: int | None, overlap_turns: int, frames_of: str, tokenizer: Path | None
) -> Budget | None:
    if max_tokens is None:
        return None
    given = {"max_tokens": max_tokens, "overlap_turns": overlap_turns, "frames": frames_of}
    try:
        return Budget.model_validate(given | {"tokenizer": tokenizer})
    except ValidationError as error:
        raise ConfigError(explain(error, Budget)) from None


def _origin(name: str) -> Origin:
    return "auto" if name == "auto" else 1 if name == "1" else 0


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
        write_text(folder / "dataset_info.json", json.dumps(entries, indent=2) + "\n")
    first = f"{name}_{Path(files[0]).stem}" if files else name
    write_text(folder / "README.md", export_card(shape, tally, files, first))
