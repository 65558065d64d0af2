"""The verb ``diff``: what changed from one corpus to another."""

import re
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.options import JsonOption
from pipeline.corpus.compare import compare_corpora, text_of_comparison
from pipeline.corpus.corpus_format import COUNTS
from pipeline.corpus.facts import CONFIG, RUN
from pipeline.errors import ConfigError

_ON_THE_HUB = re.compile(r"([\w.-]+/[\w.-]+)@([\w./-]+)")
_READ = ("data/*/*.parquet", COUNTS, CONFIG, RUN)
"""The files that a comparison reads."""
_WHAT = "A corpus folder, a Parquet file of it, or ORG/NAME@REVISION of the HF Hub."


def diff_corpora(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help=_WHAT)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The other one, likewise.")],
    as_json: JsonOption = False,
) -> None:
    """Say which samples are gone, new or changed from one corpus to another, and what in them.

    By task and cause; then the counts of both, before > after, the settings that changed, and what
    each step of their runs turned down. A sample that changed in several ways counts once, for what
    matters most: states, texts, times, responses, weights, licence, split, video, models,
    provenance.
    """
    comparison = compare_corpora(_corpus(before), _corpus(after))
    typer.echo(comparison.model_dump_json(indent=2) if as_json else text_of_comparison(comparison))


def _corpus(name: str) -> Path:
    """A path as it is; of the Hub a folder with what is to be read, which its client keeps.

    Raises:
        ConfigError: the Hub's client is not installed.
        CorpusError: ``hub``, with what to do.
    """
    found = None if Path(name).exists() else _ON_THE_HUB.fullmatch(name)
    if found is None:
        return Path(name)
    try:  # Not above: the Hub's client takes a third of a second to load.
        from pipeline.corpus.hub.client import HubClient  # noqa: PLC0415
    except ImportError as error:
        raise ConfigError(f"diff needs {error.name}: install turnwise[hub]") from None
    return HubClient(found[1]).download(found[2], _READ)
