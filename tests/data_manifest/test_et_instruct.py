from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.et_instruct import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, spans, texts, written

FILE = "et_instruct_164k_txt.json"
LIST = "36.0 - 44.0 seconds, peel the pears. 49 - 57.5 seconds, cut them in two."


def sample(answer: str | None = LIST, asked: str = "<image>\nList them.", **more: Any) -> Any:
    return {
        "task": "slc",
        "source": "how_to_step",
        "video": "how_to_step/-a_bcdefghi.mp4",
        "duration": 200.7,
        "tgt": [36, 44, 49, 57.5],
        "conversations": [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}],
    } | more


def read_one(folder: Path, record: Any) -> Entry:
    return only(written(ADAPTER, folder, FILE, [record]))


def test_steps_and_their_times(tmp_path: Path) -> None:
    entry = read_one(tmp_path, sample())
    assert entry.places[0] == Place("videos/how_to_step/-a_bcdefghi.mp4")
    assert entry.platform_id == "youtube:-a_bcdefghi"
    assert spans(entry) == [(36, 44), (49, 57.5)]
    assert [text and text.strip() for text in texts(entry)] == [
        "peel the pears.",
        "cut them in two.",
    ]
    assert {(one.kind, one.origin) for one in entry.annotations} == {("step", "model")}


def test_captions_of_people_stay_theirs(tmp_path: Path) -> None:
    more = {"task": "dvc", "source": "activitynet", "video": "activitynet/v_v_cdefghijk.mp4"}
    entry = read_one(tmp_path, sample(**more))
    assert entry.platform_id == "youtube:v_cdefghijk"
    assert {(one.kind, one.origin) for one in entry.annotations} == {("event", "human")}


def test_a_question_about_a_span(tmp_path: Path) -> None:
    asked = "<image>\nWhat is cut at 3.0 - 5.0 seconds?\n(A) A pear\n(B) A plum\nPlease choose."
    entry = read_one(tmp_path, sample("(B) A plum", asked, task="rvq", src=[3, 5], tgt=None))
    assert entry.annotations == (
        RawAnnotation(
            "qa",
            "A plum",
            3,
            5,
            question="What is cut at 3.0 - 5.0 seconds?",
            options=("A pear", "A plum"),
            origin="model",
            pointer="0/conversations/1",
        ),
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"task": "tvg"}, "unsupported_task"),
        ({"task": "tal", "tgt": None}, "unsupported_task"),
        ({"task": "rvq"}, "unclear_answer"),
        ({"tgt": [36, 44]}, "unclear_answer"),
        ({"tgt": [36, 44, 49]}, "unclear_answer"),
        ({"tgt": None}, "unclear_answer"),
        ({"answer": "First: " + LIST}, "unclear_answer"),
        ({"answer": "<vid> - <vid>, peel the pears. <vid> - <vid>, cut."}, "unclear_answer"),
        ({"answer": None}, "unclear_answer"),
        ({"conversations": []}, "unpaired_turns"),
        ({"source": None}, "malformed"),
    ],
)
def test_what_is_not_clear_is_named(tmp_path: Path, more: dict[str, Any], reason: str) -> None:
    (item,) = written(ADAPTER, tmp_path, FILE, [sample(**more)])
    assert isinstance(item, Unread)
    assert item.reason == reason


@pytest.mark.parametrize(
    ("source", "stem", "platform_id"),
    [
        ("ego4d_naq", "0a1b2c3d-0000-1111-2222-333344445555", "ego4d:"),
        ("ego4d_naq", "clip_7", "ego4d:"),
        ("coin", "v_abcdefghi", "youtube:"),
        ("coin", "abcdefghijk_part", ""),
        ("activitynet", "v_abcdefghi", ""),
        ("didemo", "abcdefghijk", ""),
    ],
)
def test_only_whole_ids_are_ids(tmp_path: Path, source: str, stem: str, platform_id: str) -> None:
    entry = read_one(tmp_path, sample(source=source, video=f"{source}/{stem}.mp4"))
    assert entry.platform_id == (platform_id and platform_id + stem)


def test_the_file_with_tokens_for_times_is_not_read_beside_it(tmp_path: Path) -> None:
    assert written(ADAPTER, tmp_path, "et_instruct_164k_vid.json", [sample()]) == []


def test_names_of_didemo_have_the_number_of_their_photo(tmp_path: Path) -> None:
    entry = read_one(tmp_path, sample(source="didemo", video="didemo/12@N00_345_6f.mp4"))
    assert entry.platform_id == "flickr:345"
