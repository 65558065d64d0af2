"""A corpus of a newer form is refused by whoever reads it, by name and with what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.corpus.compare import compare_corpora
from pipeline.corpus.corpus_format import COUNTS, check_format
from pipeline.corpus.hub.licences import Licences
from pipeline.corpus.hub.release import Choice, make_release
from pipeline.corpus.layout import (
    CORPUS_FORMAT,
    NEWEST_FORMAT,
    CorpusError,
    CorpusSettings,
    VideoSample,
)
from pipeline.corpus.read import corpus_parts, read_corpus
from pipeline.corpus.write import write_corpus

READERS: list[Callable[[Path], object]] = [
    lambda folder: list(read_corpus(folder, frames=True)),
    lambda folder: list(read_corpus(folder, frames=False)),
    lambda folder: list(read_corpus(next(folder.glob("data/*/*.parquet")), frames=False)),
    corpus_parts,
    lambda folder: compare_corpora(folder, folder),
    lambda folder: make_release(folder, Choice(), Licences({}), folder.parent / "copies"),
]


@pytest.fixture
def folder(tmp_path: Path, samples: list[VideoSample]) -> Path:
    write_corpus(tmp_path / "corpus", samples[:1], CorpusSettings())
    return tmp_path / "corpus"


def with_format(folder: Path, number: object) -> None:
    counts = json.loads((folder / COUNTS).read_bytes())
    (folder / COUNTS).write_text(json.dumps({**counts, "format": number}), encoding="utf-8")


@pytest.mark.parametrize("read", READERS)
def test_readers_refuse_what_is_newer(folder: Path, read: Callable[[Path], object]) -> None:
    assert json.loads((folder / COUNTS).read_bytes())["format"] == CORPUS_FORMAT
    read(folder)
    with_format(folder, NEWEST_FORMAT + 1)
    with pytest.raises(
        CorpusError, match=f"format {NEWEST_FORMAT + 1}.*update turnwise"
    ) as refused:
        read(folder)
    assert refused.value.reason == "newer_format"


def test_one_of_before_formats_is_read_and_a_damaged_one_named(folder: Path) -> None:
    counts = json.loads((folder / COUNTS).read_bytes())
    del counts["format"]
    (folder / COUNTS).write_text(json.dumps(counts), encoding="utf-8")
    check_format(folder)
    for damaged in ("{", "[]", '{"format": "two"}'):
        (folder / COUNTS).write_text(damaged, encoding="utf-8")
        with pytest.raises(CorpusError, match=COUNTS):
            check_format(folder)
    (folder / COUNTS).unlink()
    check_format(folder)
