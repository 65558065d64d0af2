"""The verb ``audit``: what is wrong with a file of annotations or dialogues."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.file_options import (
    DurationsOption,
    FpsOption,
    OriginOption,
    VideosOption,
    check_folder,
    check_source,
    origin_of,
)
from pipeline.cli.options import JsonOption
from pipeline.corpus.audit.file import Audit
from pipeline.corpus.audit.seen import Seen
from pipeline.corpus.read import read_corpus
from pipeline.corpus.video_lookup import LONGEST_S, Videos, read_durations
from pipeline.media.decode import DecodeProcess
from pipeline.store.files.json_rows import read_json_rows


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
