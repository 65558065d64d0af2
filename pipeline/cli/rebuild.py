"""The verb ``rebuild``: the frames of a corpus, from whoever holds its videos."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.exit_status import PARTLY
from pipeline.cli.file_options import check_folder, new_folder
from pipeline.cli.options import JsonOption
from pipeline.execution.rebuild import rebuild


def rebuild_corpus(
    corpus: Annotated[Path, typer.Argument(help="A corpus folder, with or without frames.")],
    videos: Annotated[Path, typer.Option("--videos", help="Folder of its videos.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to make.")] = Path("rebuilt"),
    workers: Annotated[int, typer.Option(min=1, help="Videos read at once.")] = os.cpu_count() or 1,
    as_json: JsonOption = False,
) -> None:
    """Read the frames of a corpus again from its videos, and write it with them.

    A video is looked for by the end of its uri, then by its id. Its frames are compared with the
    digest of those that were annotated: other bytes of the same file are counted, other files left
    out. OUT/rejects.jsonl names what was left out, and why. Exit status 3: there is such.
    """
    check_folder(videos)
    made = rebuild(corpus, videos, new_folder(out), workers=workers)
    typer.echo(json.dumps(made.as_json(), indent=2) if as_json else made.to_text())
    typer.echo(f"rebuild: {out}", err=as_json)
    if made.rejected:
        raise typer.Exit(PARTLY)
