from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_manifest.inf_streams import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, read

WORDS = [[100, 100.5, "He"], [100.5, 101, "scores!"]]
ASKED = [["x", 101.5, "Who scores?", "Number 9."]]


def line(asked: Any = ASKED, **more: Any) -> list[Any]:
    video = {"type": "video", "video": "games/a_b.mp4", "video_start": 100, "video_end": 124} | more
    transcript = {"type": "text_stream", "text_stream": WORDS}
    return [
        {"role": "user", "content": [video]},
        {"role": "assistant", "content": [transcript | ({"qa_stream": asked} if asked else {})]},
    ]


def read_line(folder: Path, record: Any, stem: str = "train_s12w24") -> list[Entry | Unread]:
    (folder / f"{stem}_with_seeks.jsonl").write_text(json.dumps(record), encoding="utf-8")
    return read(ADAPTER, folder)


def test_sentences_and_questions_of_a_part(tmp_path: Path) -> None:
    assert only(read_line(tmp_path, line())) == Entry(
        "games/a_b.mp4_100-124",
        (Place("games/a_b.mp4", (100.0, 124.0)),),
        (
            RawAnnotation(
                "event", "He scores!", 0, 1, origin="asr", pointer="1/1/content/0/text_stream/0"
            ),
            RawAnnotation(
                "qa",
                "Number 9.",
                start_s=0.0,
                end_s=1.5,
                question="Who scores?",
                asked_s=1.5,
                origin="model",
                pointer="1/1/content/0/qa_stream/0",
            ),
        ),
    )


def test_a_part_that_was_cut_is_not_cut_again(tmp_path: Path) -> None:
    video = "Livecc_sft/a_b_100-124_2fps.mp4"
    entry = only(read_line(tmp_path, line(video=video)))
    assert entry.places == (Place(video),)
    assert entry.annotations[0].start_s == 0


def test_without_a_part_it_is_the_whole_video(tmp_path: Path) -> None:
    entry = only(read_line(tmp_path, line(None, video_start=None, video_end=None)))
    assert entry.places == (Place("games/a_b.mp4"),)
    assert entry.annotations[0].start_s == 100


def test_half_a_part_is_named(tmp_path: Path) -> None:
    (item,) = read_line(tmp_path, line(video_end=None))
    assert isinstance(item, Unread)
    assert item.reason == "no_time"


@pytest.mark.parametrize("asked", [[["x", "101", "Who?", "9"]], [[1, 2, "Who?"]], [{}]])
def test_a_question_of_another_shape_is_named(tmp_path: Path, asked: Any) -> None:
    (item,) = read_line(tmp_path, line(asked))
    assert isinstance(item, Unread)
    assert item.reason == "malformed"


def test_the_split_is_that_of_the_file_and_the_file_of_offsets_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "valid_s12w24_with_seeks_seeks.jsonl").write_text("[0, 512]", encoding="utf-8")
    assert only(read_line(tmp_path, line(), "valid_s12w24")).split == "val"
