"""The verb ``diff``: what changed from one corpus to another."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import JsonOption
from pipeline.corpus.compare import compare_corpora, text_of_comparison


def diff_corpora(
    before: Annotated[Path, typer.Argument(help="A corpus folder, or a Parquet file of it.")],
    after: Annotated[Path, typer.Argument(help="The other one.")],
    as_json: JsonOption = False,
) -> None:
    """Say which samples are gone, new or changed from one corpus to another, and what in them.

    By task and cause; then the counts of both, before > after. A sample that changed in several
    ways counts once, for what matters most: states, texts, times, responses, weights, licence,
    split, video, models, provenance.
    """
    comparison = compare_corpora(before, after)
    typer.echo(comparison.model_dump_json(indent=2) if as_json else text_of_comparison(comparison))
