from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.llava_video import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, written

FOLDER = "30_60_s_academic_v0_1"
QUESTIONS = f"{FOLDER}/30_60_s_academic_oe_v0_1_qa_processed.json"


def record(*messages: str | None, **more: Any) -> dict[str, Any]:
    speakers = ["human", "gpt"] * len(messages)
    turns = [{"from": who, "value": what} for who, what in zip(speakers, messages, strict=False)]
    return {
        "id": "X1",
        "conversations": turns,
        "data_source": FOLDER,
        "video": "academic_source/Charades/X1.mp4",
    } | more


def questions(folder: Path, *records: Any) -> list[Entry | Unread]:
    return written(ADAPTER, folder, QUESTIONS, list(records))


def test_a_conversation_is_as_many_questions_as_it_has_answers(tmp_path: Path) -> None:
    messages = ("<image>\nWho runs?", "A dog.", "Where<image>?", "On grass.")
    entry = only(questions(tmp_path, record(*messages)))
    where = "0/conversations"
    assert entry == Entry(
        "academic_source/Charades/X1.mp4",
        (
            Place(f"{FOLDER}/academic_source/Charades/X1.mp4"),
            Place("academic_source/Charades/X1.mp4"),
        ),
        (
            RawAnnotation(
                "qa", "A dog.", question="Who runs?", origin="model", pointer=f"{where}/1"
            ),
            RawAnnotation(
                "qa", "On grass.", question="Where?", origin="model", pointer=f"{where}/3"
            ),
        ),
        platform_id="charades:X1",
    )


@pytest.mark.parametrize("answer", ["B. a red  Kite", "B", "B.", "(B) A red kite"])
def test_options_lose_their_letters_and_the_answer_is_one_of_them(
    tmp_path: Path, answer: str
) -> None:
    asked = "<image>\nWhat flies?\nA. a bird\nB. A red kite\nC. a plane\nPlease say the letter."
    (annotation,) = only(questions(tmp_path, record(asked, answer))).annotations
    assert annotation.question == "What flies?"
    assert annotation.options == ("a bird", "A red kite", "a plane")
    assert annotation.text == "A red kite"


def test_a_letter_of_another_option_than_its_text_is_not_decided_here(tmp_path: Path) -> None:
    asked = "What flies?\nA. a bird\nB. a kite"
    (annotation,) = only(questions(tmp_path, record(asked, "A. a kite"))).annotations
    assert annotation.text == "A. a kite"


def test_a_caption_is_of_the_whole_video(tmp_path: Path) -> None:
    name = f"{FOLDER}/{FOLDER}_cap_processed.json"
    entry = only(written(ADAPTER, tmp_path, name, [record("<image>\nDescribe it.", "A dog runs.")]))
    (annotation,) = entry.annotations
    assert annotation == RawAnnotation(
        "event", "A dog runs.", origin="model", pointer="0/conversations/1"
    )


@pytest.mark.parametrize(
    ("video", "platform_id"),
    [
        (
            "liwei_youtube_videos/videos/youtube_video_2024/ytb_ytb_bcdefg-.mp4",
            "youtube:ytb_bcdefg-",
        ),
        ("academic_source/activitynet/v1-3/train_val/v_v_cdefghijk.mp4", "youtube:v_cdefghijk"),
        ("academic_source/ego4d/0a-1b.mp4", "ego4d:0a-1b"),
        ("academic_source/Ego4D_clips/x/0a-1b.mp4", "ego4d:0a-1b"),
        ("academic_source/Charades/ytb_1.mp4", "charades:ytb_1"),
        ("NextQA/NExTVideo/1006/8968804598.mp4", "flickr:8968804598"),
        ("academic_source/youcook2/101/v_-bcdefghi/split_2.mp4", "youtube:v_-bcdefghi"),
        ("academic_source/youcook2/split_2.mp4", ""),
        ("perception_test/videos/video_1.mp4", ""),
    ],
)
def test_ids_come_from_paths_whose_rule_is_known(
    tmp_path: Path, video: str, platform_id: str
) -> None:
    entry = only(questions(tmp_path, record("Who?", "A dog.", video=video)))
    assert entry.platform_id == platform_id


@pytest.mark.parametrize(
    "source", ["0_30_s_nextqa", "2_3_m_activitynetqa", "0_30_s_perceptiontest"]
)
def test_questions_of_older_datasets_are_peoples(tmp_path: Path, source: str) -> None:
    (annotation,) = only(
        questions(tmp_path, record("Who?", "A dog.", data_source=source))
    ).annotations
    assert annotation.origin == "human"


@pytest.mark.parametrize("messages", [(), ("Who?",), ("Who?", "A dog.", "Where?")])
def test_turns_without_an_answer_are_named(tmp_path: Path, messages: tuple[str, ...]) -> None:
    (item,) = questions(tmp_path, record(*messages))
    assert isinstance(item, Unread)
    assert item.reason == "unpaired_turns"


def test_missing_texts_stay_missing(tmp_path: Path) -> None:
    (annotation,) = only(questions(tmp_path, record(None, None))).annotations
    assert (annotation.question, annotation.text) == ("", None)


def test_caption_and_questions_of_a_video_have_its_name(tmp_path: Path) -> None:
    questions(tmp_path, record("Who?", "A dog."))
    name = f"{FOLDER}/{FOLDER}_cap_processed.json"
    items = written(ADAPTER, tmp_path, name, [record("Describe it.", "A dog runs.", id="Y")])
    assert len({only([item]).name for item in items}) == 1 < len(items)
