from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_manifest.live_whisperx import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, read

FILE = "live_whisperx_526k_with_seeks.jsonl"
WORDS = [[16.8, 16.9, "Now"], [17.0, 17.5, "cut."], [17.5, 18, " Then"], [18, 19.25, "wait"]]


def line(words: Any = WORDS, **more: Any) -> list[Any]:
    video = {"type": "video", "video": "video/youtube/a_b-c_d_e_f.mp4"}
    video |= {"video_start": 16.8, "video_end": 158} | more
    asked = {"type": "text", "text": "Go on.", "previous": "", "title": "T", "category": "C"}
    transcript = {"type": "text_stream", "text_stream": words}
    return [
        {"role": "user", "content": [video, asked]},
        {"role": "assistant", "content": [transcript]},
    ]


def read_lines(folder: Path, *lines: Any) -> list[Entry | Unread]:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines)
    (folder / FILE).write_text(text, encoding="utf-8")
    return read(ADAPTER, folder)


def test_a_part_of_a_video_with_sentences_in_seconds_of_the_part(tmp_path: Path) -> None:
    entry = only(read_lines(tmp_path, line()))
    name, clip = "a_b-c_d_e_f_16.8-158", (16.8, 158.0)
    where = "1/1/content/0/text_stream"
    assert entry == Entry(
        name,
        (
            Place(f"videos/videos/{name}_2fps.mp4"),
            Place(f"{name}_2fps"),
            Place("video/youtube/a_b-c_d_e_f.mp4", clip),
            Place("a_b-c_d_e_f", clip),
        ),
        (
            RawAnnotation(
                "event", "Now cut.", 0.0, 17.5 - 16.8, origin="asr", pointer=f"{where}/0"
            ),
            RawAnnotation(
                "event", "Then wait", 17.5 - 16.8, 19.25 - 16.8, origin="asr", pointer=f"{where}/2"
            ),
        ),
        platform_id="youtube:a_b-c_d_e_f",
    )


def test_the_last_line_is_no_record(tmp_path: Path) -> None:
    assert len(read_lines(tmp_path, line(), line(), [0, 5123, 9944])) == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("{broken", "damaged"),
        ({"role": "user"}, "malformed"),
        ([0, "5123"], "malformed"),
        (line([[16.8, None, "Now"]]), "malformed"),
        (line(None), "no_words"),
        (line(video=None), "no_video"),
        (line(video_end=None), "no_time"),
        ([], "no_video"),
    ],
)
def test_a_bad_line_costs_itself(tmp_path: Path, bad: Any, reason: str) -> None:
    before, item, after = read_lines(tmp_path, line(), bad, line())
    assert isinstance(item, Unread)
    assert (item.reason, item.pointer) == (reason, "2")
    assert only([before]).annotations
    assert only([after]).annotations


def test_a_part_without_words_has_no_annotation(tmp_path: Path) -> None:
    assert only(read_lines(tmp_path, line([]))).annotations == ()
