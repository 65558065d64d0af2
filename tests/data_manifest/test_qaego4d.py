from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.qaego4d import ADAPTER
from pipeline.manifest.adapters.entry import Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, written

CLIP = "0a1b2c3d-0000-1111-2222-333344445555"


def record(**more: Any) -> dict[str, Any]:
    return {
        "video_id": CLIP,
        "sample_id": "ann_3",
        "question": "Where did I leave the pan?",
        "answer": "on the stove",
        "moment_start_frame": 33.0,
        "moment_end_frame": 61.5,
    } | more


@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("prefix", ["", "QaEgo4D_"])
def test_a_question_of_each_split_under_either_name(
    tmp_path: Path, split: str, prefix: str
) -> None:
    entry = only(written(ADAPTER, tmp_path, f"data/annotations.{prefix}{split}.json", [record()]))
    assert (entry.name, entry.split, entry.platform_id) == (CLIP, split, f"ego4d:{CLIP}")
    assert Place(f"v2/clips/{CLIP}") in entry.places
    (annotation,) = entry.annotations
    assert annotation == RawAnnotation(
        "qa",
        "on the stove",
        start_s=33 / 30,
        end_s=2.05,
        question="Where did I leave the pan?",
        pointer="0/answer",
    )


def test_a_question_without_a_moment_is_named(tmp_path: Path) -> None:
    rows = [record(moment_end_frame=None), record()]
    bad, good = written(ADAPTER, tmp_path, "annotations.train.json", rows)
    assert isinstance(bad, Unread)
    assert (bad.reason, bad.detail.partition(":")[0]) == ("malformed", "moment_end_frame")
    assert only([good]).annotations


def test_the_same_questions_with_options_are_not_read_again(tmp_path: Path) -> None:
    for name in ("EgoTimeQA", "QaEgo4D_test_close", "QaEgo4D_val_options"):
        assert written(ADAPTER, tmp_path, f"annotations.{name}.json", [record()]) == []
