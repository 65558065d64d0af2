"""The verb ``audit``: what is wrong with a file of annotations or dialogues."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.exit_status import FAILED, PARTLY
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
from pipeline.corpus.audit.file import audit_path, is_corpus
from pipeline.corpus.audit.text import text_of_findings
from pipeline.corpus.video_lookup import read_durations


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

    Of raw files: what the official converter loses or puts too early, beside our own. Exit status
    3: some rows cannot be read; 1: none can.
    """
    if not is_corpus(source):
        check_source(source)
    check_folder(videos)
    findings = audit_path(
        source,
        turns_per_s=fps,
        origin=origin_of(origin),
        durations_s=read_durations(durations) if durations else {},
        folder=videos,
    )
    typer.echo(findings.model_dump_json(indent=2) if as_json else text_of_findings(findings))
    if not findings.unread:
        return
    if findings.unread == findings.rows:
        typer.echo(f"error: no row of {source} can be read", err=True)
        raise typer.Exit(FAILED)
    typer.echo(f"not read: {findings.unread} of {findings.rows} rows", err=True)
    raise typer.Exit(PARTLY)
