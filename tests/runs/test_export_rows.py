"""Rows of an export are alike in keys and types: trainers take the first ones for all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.layout import CorpusSettings, VideoSample
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


MARKED = ["embedded@1", "teacher-7b@a1"]


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus in which every model of ``MARKED`` had a part in the narrations, and in no more."""
    folder = tmp_path_factory.mktemp("marked")
    samples = [
        VideoSample(
            [
                d.model_copy(update={"models": MARKED * (d.task == "narration")})
                for d in s.dialogues
            ],
            s.frames,
        )
        for s in small_corpus()
    ]
    write_corpus(folder, samples, CorpusSettings())
    return folder


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_origin_and_mark_are_in_rows_and_readme(
    form: str, marked: Path, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "out"
    status, text, _ = call(capsys, "export", marked, "--format", form, "-o", out, "--no-images")
    assert status in (0, 3), "livecc holds no dialogue of two questions"
    kind, path = FORMATS[form], out / f"train.{FORMATS[form].suffix}"
    rows = json.loads(path.read_text("utf-8")) if kind.suffix == "json" else lines_of(path)
    found = [kind.read(row) for row in (kind.load(path) if kind.load else rows)]
    of_models = [sample for sample in found if sample.task == "narration"]
    assert len(of_models) == 2 and len(found) > 2 - (form == "livecc")
    assert all(list(sample.models) == MARKED for sample in of_models)
    assert not any(sample.models for sample in found if sample not in of_models)
    assert {sample.licence for sample in found} == {"CC0-1.0"}
    marks = re.findall(r'"for_training": *(true|false)', path.read_text("utf-8"))
    assert (marks.count("false"), len(marks)) == (2, len(found))

    readme = (out / "README.md").read_text("utf-8")
    written = len({sample.sample_id for sample in found}) + 1  # one is of the other split
    assert f"**Not for training.** 3 of the {written} samples" in readme
    assert f"not for training: 3 of {written} samples" in text
    for row in (f"| made | {written} |", f"| CC0-1.0 | {written} |", "| `teacher-7b@a1` | 3 |"):
        assert row in readme
    assert ("| no model |" in readme) is (written > 3)


def test_no_mark_where_models_wrote_it(corpus: Path, tmp_path: Path, capsys: Capture) -> None:
    assert call(capsys, "export", corpus, "--no-images", "-o", tmp_path / "out")[0] == 0
    rows = lines_of(tmp_path / "out" / "train.jsonl")
    assert all(row["for_training"] is True and row["models"] == "" for row in rows)
    assert "Not for training" not in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_the_mark_outlives_raw_files(marked: Path, tmp_path: Path, capsys: Capture) -> None:
    """``export`` to raw, then ``convert``: what the second writes says what the first did."""
    raw, out = tmp_path / "raw", tmp_path / "out.jsonl"
    assert call(capsys, "export", marked, "--format", "raw", "-o", raw)[0] == 0
    assert call(capsys, "convert", raw / "train.json", "-o", out)[0] == 0
    rows = [(row["models"], row["licence"], row["for_training"]) for row in lines_of(out)]
    assert rows.count((", ".join(MARKED), "CC0-1.0", False)) == 2
    assert rows.count(("", "CC0-1.0", True)) == len(rows) - 2 > 0
