"""Videos of which no file says a split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.manifest.report import Report
from pipeline.manifest.rules import Rules
from pipeline.manifest.survey import Wanted
from tests.pipeline.manifest.reconcile.reconciling import Make, reconciled

Dataset = Callable[..., Path]

NO_SPLIT = [
    {"name": "alone", "split": "unassigned", "annotations": [{"start_s": 0, "end_s": 1}]},
    {"name": "tested", "split": "unassigned", "annotations": [{"start_s": 0, "end_s": 2}]},
    {"name": "tested", "split": "test"},
    {"name": "trained"},
]
NAMES = ("alone.mp4", "tested.mp4", "trained.mp4")


def splits_of(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["video_id"].removeprefix("toy/"): row.get("split", "train") for row in rows}


@pytest.mark.parametrize(
    ("rules", "alone", "notes"),
    [
        (Rules(), "train", {"no_split_so_train": 1}),
        (Rules(unassigned="train"), "train", {"no_split_so_train": 1}),
        (Rules(unassigned="keep"), "unassigned", {}),
    ],
)
def test_a_video_without_a_split_is_trained_on_unless_the_rule_forbids_it(
    make: Make,
    dataset: Dataset,
    videos: Callable[..., Path],
    rules: Rules,
    alone: str,
    notes: dict[str, int],
) -> None:
    account, rows, rejects = make(dataset(a=NO_SPLIT), videos(*NAMES), rules=rules)
    assert splits_of(rows) == {"alone": alone, "tested": "test", "trained": "train"}
    assert (account.notes, rejects) == (notes, [])
    assert (account.coverage[alone]["with_file"], account.coverage["test"]) == (
        1 + (alone == "train"),
        {"with_file": 1},
    )
    assert ("no_split_so_train: 1" in account.to_text()) == bool(notes)
    summary = Report([account]).to_text().splitlines()[-1]
    assert summary == "all: 3 rows of 1 source, 1 of unknown split (toy 1)"
    assert account.as_json()["rows_without_split"] == 1
    reconciled(account, rejects)


def test_or_is_refused_by_name(make: Make, dataset: Dataset, videos: Callable[..., Path]) -> None:
    rules = Rules(unassigned="refuse")
    account, rows, rejects = make(dataset(a=NO_SPLIT), videos(*NAMES), rules=rules)
    assert splits_of(rows) == {"tested": "test", "trained": "train"}
    assert [(r["name"], r["pointer"], r["reason"]) for r in rejects] == [
        ("alone", "a.jsonl#0/annotations/0", "no_split")
    ]
    assert account.rejected == {"no_split": 1} and account.without_row == 1
    reconciled(account, rejects)


def test_what_is_trained_on_is_of_the_split_that_is_asked_for(
    make: Make, dataset: Dataset, videos: Callable[..., Path]
) -> None:
    account, rows, rejects = make(dataset(a=NO_SPLIT), videos(*NAMES), wanted=Wanted(split="train"))
    assert splits_of(rows) == {"alone": "train", "trained": "train"}
    assert account.left_out == {"split": 2}
    reconciled(account, rejects)


def test_an_entry_without_a_split_lends_its_place_and_its_words(
    make: Make, dataset: Dataset, videos: Callable[..., Path]
) -> None:
    event = {"start_s": 0, "end_s": 1}
    annotations = dataset(
        meta=[{"name": "a.7", "split": "unassigned", "places": ["a"], "clip": [3, 9]}],
        words=[{"name": "a.7", "places": ["a.7.mp4"], "annotations": [event], "split": "val"}],
    )
    account, rows, rejects = make(annotations, videos("a.mp4"))
    assert [(r["clip_start_s"], r["split"], len(r["annotations"])) for r in rows] == [(3, "val", 1)]
    assert rejects == [] and not account.notes
    reconciled(account, rejects)
