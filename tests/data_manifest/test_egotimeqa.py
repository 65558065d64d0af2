from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.egotimeqa import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from tests.data_manifest.reading import only, spans, written

CLIP = "0a1b2c3d-0000-1111-2222-333344445555"
FILE = "annotations.EgoTimeQA.json"


def record(**more: Any) -> dict[str, Any]:
    return {
        "video_id": CLIP,
        "sample_id": None,
        "question": "what did l put on the table?",
        "answer": "a cup",
        "moment_start_frame": -7.5,
        "moment_end_frame": 45,
    } | more


def read_one(folder: Path, **more: Any) -> Entry:
    return only(written(ADAPTER, folder, FILE, [record(**more)]))


def test_a_question_about_a_moment_of_a_clip(tmp_path: Path) -> None:
    entry = read_one(tmp_path)
    assert (entry.name, entry.platform_id) == (CLIP, f"ego4d:{CLIP}")
    assert entry.places[0] == Place(CLIP)
    (annotation,) = entry.annotations
    assert (annotation.kind, annotation.text, annotation.origin) == ("qa", "a cup", "model")
    assert annotation.question == "what did I put on the table?"
    assert annotation.pointer == "0/answer"


def test_frames_are_thirty_a_second_and_may_lie_before_the_start(tmp_path: Path) -> None:
    assert spans(read_one(tmp_path)) == [(-0.25, 1.5)]


def test_the_window_of_the_narration_is_preferred(tmp_path: Path) -> None:
    assert spans(read_one(tmp_path, start_sec=1.25, end_sec=6)) == [(1.25, 6)]
    assert spans(read_one(tmp_path, start_sec=1.25)) == [(-0.25, 1.5)]


def test_without_any_time_it_is_no_moment(tmp_path: Path) -> None:
    (item,) = written(ADAPTER, tmp_path, FILE, [record(moment_end_frame=None)])
    assert isinstance(item, Unread)
    assert item.reason == "no_time"


@pytest.mark.parametrize(
    ("written_so", "meant"),
    [
        ("where was l?", "where was I?"),
        ("l", "I"),
        ("did l'm and l, l go", "did I'm and I, I go"),
        ("all the l-shaped level tools", "all the l-shaped level tools"),
    ],
)
def test_a_lone_l_is_me(tmp_path: Path, written_so: str, meant: str) -> None:
    assert read_one(tmp_path, question=written_so).annotations[0].question == meant


def test_the_order_of_options_does_not_reveal_the_answer(tmp_path: Path) -> None:
    wrong = ["a box", "a knife", "a book"]
    records = [record(question=f"what did l take {n}?", wrong_answers=wrong) for n in range(200)]
    first = written(ADAPTER, tmp_path, FILE, records)
    options = [only([item]).annotations[0].options for item in first]
    assert all(sorted(found) == sorted([*wrong, "a cup"]) for found in options)
    places = [found.index("a cup") for found in options]
    assert all(30 <= places.count(k) <= 70 for k in range(4))
    assert written(ADAPTER, tmp_path, FILE, records) == first


@pytest.mark.parametrize("more", [{"wrong_answers": []}, {"wrong_answers": ["a"], "answer": None}])
def test_no_options_without_a_wrong_and_a_right_one(tmp_path: Path, more: dict[str, Any]) -> None:
    assert read_one(tmp_path, **more).annotations[0].options == ()
