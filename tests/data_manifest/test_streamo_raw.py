from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.streamo_raw import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, spans, texts, written

UID = "0a1b2c3d-0000-1111-2222-333344445555"
PATH = "LLaVA_Video/1_2_m/videos/youtube_video_2024/ytb_-a_bcdefghi.mp4"


def row(*responses: dict[str, Any], task: str = "QA", asked: str = "Who is it?") -> dict[str, Any]:
    return {
        "video_name": "ytb_-a_bcdefghi.mp4",
        "video_path": PATH,
        "task_type": task,
        "source": "LLaVA_Video",
        "question": [{"content": asked, "time": "5"}],
        "response": list(responses),
    }


def response(text: str, start: Any = "", end: Any = "", time: Any = "") -> dict[str, Any]:
    return {"content": text, "st_time": start, "end_time": end, "time": time}


def read_rows(folder: Path, *rows: Any) -> list[Entry | Unread]:
    return written(ADAPTER, folder, "raw.json", list(rows))


def test_a_question_whose_times_count_from_one(tmp_path: Path) -> None:
    assert only(read_rows(tmp_path, row(response("A man.", 5.0, 6.0)))) == Entry(
        PATH,
        (Place(PATH), Place("ytb_-a_bcdefghi.mp4")),
        (
            RawAnnotation(
                "qa",
                "A man.",
                start_s=4.0,
                end_s=6.0,
                question="Who is it?",
                asked_s=4.0,
                origin="model",
                pointer="0/response/r0",
            ),
        ),
        platform_id="youtube:-a_bcdefghi",
    )


def test_an_answer_at_a_time_is_borne_out_by_what_was_shown_until_then(tmp_path: Path) -> None:
    (annotation,) = only(read_rows(tmp_path, row(response("A man.", time="8.5")))).annotations
    assert (annotation.start_s, annotation.end_s, annotation.asked_s) == (0, 8.5, 5)


@pytest.mark.parametrize(
    ("task", "kind"),
    [("action_caption", "step"), ("Event Caption", "event"), ("narration", "event")],
)
def test_captions_by_their_task(tmp_path: Path, task: str, kind: str) -> None:
    rows = row(response("He runs.", 2.5, 4), response("He stops.", time=6.5), task=task)
    entry = only(read_rows(tmp_path, rows))
    assert {one.kind for one in entry.annotations} == {kind}
    assert texts(entry) == ["He runs.", "He stops."]
    assert spans(entry) == [(2.5, 4), (6.5, None)]


@pytest.mark.parametrize(
    ("asked", "caption"),
    [
        ("Say when it is over. The given event is: 'A man's dog jumps.'", "A man's dog jumps."),
        ('Localise "a dog jumps".', "a dog jumps"),
    ],
)
def test_the_event_to_be_found_stands_in_its_question(
    tmp_path: Path, asked: str, caption: str
) -> None:
    rows = row(response("From 2.5 to 4.", 2.5, 4.0), task="event_grounding", asked=asked)
    entry = only(read_rows(tmp_path, rows))
    assert (texts(entry), spans(entry)) == ([caption], [(2.5, 4)])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row(response("It is.", 1, 2), task="event_grounding"), "no_caption"),
        (row(response("Red.", 1, 2), response("Blue.", 4, 5), task="TSQA"), "changing_answers"),
        (row(response("It is.", 1, 2), task="poem"), "unsupported_task"),
        ({"video_name": "a.mp4", "messages": []}, "no_response"),
        ({"response": []}, "no_video_name"),
    ],
)
def test_what_is_no_question_and_no_caption_is_named(
    tmp_path: Path, bad: dict[str, Any], reason: str
) -> None:
    (item,) = read_rows(tmp_path, bad)
    assert isinstance(item, Unread)
    assert item.reason == reason


def test_a_response_that_cannot_be_used_costs_itself(tmp_path: Path) -> None:
    rows = row(
        response("Back.", 9.5, 4),
        response("He runs.", 2.5, 4),
        response("", 5, 6),
        task="narration",
    )
    entry, reversed_span, empty = read_rows(tmp_path, rows)
    assert texts(only([entry])) == ["He runs."]
    assert isinstance(reversed_span, Unread)
    assert isinstance(empty, Unread)
    assert (reversed_span.reason, reversed_span.pointer) == ("reversed_span", "0/response/r0")
    assert (empty.reason, empty.pointer) == ("empty_text", "0/response/r2")


@pytest.mark.parametrize(
    ("source", "name", "platform_id"),
    [
        ("Ego-TimeQA", f"{UID}_3_40.mp4", f"ego4d:{UID}"),
        ("ActivityNet", "v_v_cdefghijk.mp4", "youtube:v_cdefghijk"),
        ("QVHighlight", "-a_bcdefghi_60.0_210.0.mp4", "youtube:-a_bcdefghi"),
        ("coin", "a_bcdefghi-.mp4", "youtube:a_bcdefghi-"),
        ("Koala", "a_bcdefghi-.mp4", ""),
        ("DiDeMo", "12@N00_345_6f.mov", "flickr:345"),
        (
            "LLaVA-Video",
            "academic_source/youcook2/1/-a_bcdefghi/split_2.mp4",
            "youtube:-a_bcdefghi",
        ),
        ("LLaVA-Video", "academic_source/NextQA/1202/345.mp4", "flickr:345"),
    ],
)
def test_ids_by_the_source_of_the_row(
    tmp_path: Path, source: str, name: str, platform_id: str
) -> None:
    rows = row(response("A man.", 5, 6)) | {"source": source, "video_path": "", "video_name": name}
    assert only(read_rows(tmp_path, rows)).platform_id == platform_id


def test_a_row_without_a_question_gets_none(tmp_path: Path) -> None:
    (annotation,) = only(
        read_rows(tmp_path, row(response("A man.", 5, 6)) | {"question": []})
    ).annotations
    assert annotation.question == ""


def test_the_rows_of_a_file_are_read_alike(tmp_path: Path) -> None:
    whole = row(response("A man.", 5.0, 6.0), response("He.", 7, 7), task="narration")
    first, *_ = read_rows(tmp_path, whole)
    assert spans(only([first])) == [(4, 6), (6, 7)], "both included, counted from 1"
    first, zero_length, second = read_rows(
        tmp_path, whole, row(response("A man.", 5.5, 6.0), task="narration")
    )
    assert spans(only([first])) == [(5, 6)], "seconds, since another row has fractions"
    assert isinstance(zero_length, Unread) and zero_length.reason == "zero_length_span"
    assert spans(only([second])) == [(5.5, 6)]


def test_a_question_without_a_time_that_can_be_read_keeps_its_answer(tmp_path: Path) -> None:
    bad = row(response("A man.", -1, 6))
    bad["question"] = [{"content": "Who?", "time": "5s"}]
    (annotation,) = only(read_rows(tmp_path, bad)).annotations
    assert (annotation.question, annotation.asked_s) == ("Who?", None)
    assert (annotation.start_s, annotation.end_s) == (0, 6)
