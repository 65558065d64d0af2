"""The version of a corpus's form: whoever reads one refuses what a newer turnwise wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from pipeline.corpus.layout import CORPUS_FORMAT, NEWEST_FORMAT, CorpusError

COUNTS: Final = "counts.json"
"""The file of the counts in a corpus."""
_BELOW_FOLDER = 2
"""Folders between a corpus and a Parquet file of it: ``data/<task>``."""


def check_format(path: Path) -> None:
    """Reads the format of a corpus folder, or of the corpus that a Parquet file lies in.

    One without a format, or without counts, is of the time before formats had numbers.

    Raises:
        CorpusError: ``newer_format``, or ``unreadable``.
    """
    above = path.absolute().parents
    folder = above[_BELOW_FOLDER] if path.is_file() and len(above) > _BELOW_FOLDER else path
    try:
        counts = json.loads((folder / COUNTS).read_bytes())
        written = counts.get("format", CORPUS_FORMAT) if isinstance(counts, dict) else None
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise CorpusError("unreadable", f"{folder / COUNTS}: {error}") from error
    if not isinstance(written, int):
        raise CorpusError("unreadable", f"{folder / COUNTS} states no counts of a corpus")
    if written > NEWEST_FORMAT:
        raise CorpusError(
            "newer_format",
            f"{folder} has format {written}, and this turnwise reads formats up to {NEWEST_FORMAT}:"
            " update turnwise, or ask for the corpus as an earlier one wrote it",
        )
