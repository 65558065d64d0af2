"""Rows of an export are alike in keys and types: trainers take the first ones for all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.layout import CorpusSettings
from pipeline.corpus.write import write_corpus
from tests.runs.raw_files import call, lines_of
from tests.runs.small_corpus import small_corpus

Capture = pytest.CaptureFixture[str]
FORMS: dict[str, tuple[str, ...]] = {
    "whole": (),
    "weighed": ("--weights", "streamo_fixed"),
    "masked": ("--weights", "transitions"),
    "windows": ("--max-tokens", "600", "--overlap-turns", "2"),
    "weighed windows": ("--max-tokens", "600", "--weights", "inverse_silence"),
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, small_corpus(), CorpusSettings())
    return folder


def kind(value: Any) -> Any:
    """The type of a value, with its keys in their order; of a list, those of its items once."""
    if isinstance(value, dict):
        return tuple((key, kind(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", frozenset(map(kind, value))
    assert value is not None
    return type(value).__name__


@pytest.mark.parametrize("form", ["messages", "qwen_vl"])
@pytest.mark.parametrize("name", FORMS)
def test_rows_are_alike(
    name: str, form: str, corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    given = ("export", corpus, "--format", form, "-o", tmp_path / "out", *FORMS[name])
    assert call(capsys, *given)[0] == 0
    files = sorted((tmp_path / "out").glob("[tv]*.jsonl"))
    assert [path.name for path in files] == ["train.jsonl", "validation.jsonl"]
    rows = [row for path in files for row in lines_of(path)]
    assert len(rows) > (5 if "windows" in name else 4)
    assert len({kind(row) for row in rows}) == 1
    if form == "messages":
        said = [m for row in rows for m in row["messages"] if m["role"] == "assistant"]
        weighed = name != "whole"
        assert all(("loss" in m, "loss_scale" in m) == (weighed, weighed) for m in said)
        shown = {m["role"]: kind(m) for row in rows for m in row["messages"]}
        assert all(kind(m) == shown[m["role"]] for row in rows for m in row["messages"])


def test_what_a_window_repeats_counts_nothing(
    corpus: Path, tmp_path: Path, capsys: Capture
) -> None:
    given = ("export", corpus, "--max-tokens", 600, "--overlap-turns", 2, "-o", tmp_path / "out")
    assert call(capsys, *given)[0] == 0
    repeated = 0
    for row in lines_of(tmp_path / "out" / "train.jsonl"):
        said = [m for m in row["messages"] if m["role"] == "assistant"]
        weights = [(m["loss"], m["loss_scale"]) for m in said]
        context = row["context_turns"]
        assert weights == [(False, 0.0)] * context + [(True, 1.0)] * (len(said) - context)
        repeated += context
    assert repeated > 0
    assert "repeat an earlier window" in (tmp_path / "out" / "README.md").read_text("utf-8")
