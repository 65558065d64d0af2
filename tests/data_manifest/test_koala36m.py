from __future__ import annotations

import csv
from pathlib import Path

import pytest

from data_manifest.koala36m import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, read

HEADER = [
    "videoID",
    "url",
    "timestamp",
    "caption",
    "clarity_score",
    "aesthetic_score",
    "motion_score",
    "video_training_suitability_score",
]
TIMES = "['0:01:02.500', '1:00:03']"


def row(
    clip: str = "a_b-c_d_e_f_12", timestamp: str = TIMES, caption: str = "A boat."
) -> list[str]:
    return [clip, "https://www.youtube.com/watch?v=a", timestamp, caption, "1", "4.5", "3", "2"]


def read_rows(folder: Path, *rows: list[str]) -> list[Entry | Unread]:
    with (folder / "Koala_36M_3.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return read(ADAPTER, folder)


def test_a_clip_is_cut_out_of_its_video_and_its_caption_is_of_all_of_it(tmp_path: Path) -> None:
    entry = only(read_rows(tmp_path, row()))
    assert entry == Entry(
        "a_b-c_d_e_f_12",
        (Place("a_b-c_d_e_f_12"), Place("a_b-c_d_e_f", clip=(62.5, 3603.0))),
        (RawAnnotation("event", "A boat.", origin="model", pointer="1/caption"),),
        "train",
        "youtube:a_b-c_d_e_f",
    )


@pytest.mark.parametrize("clip", ["-aaaaaaaaaa_0", "_aaaaaaaaa__7", "v_aaaaaaaaa_100"])
def test_ids_are_parted_from_the_right(tmp_path: Path, clip: str) -> None:
    entry = only(read_rows(tmp_path, row(clip)))
    assert entry.name == clip
    assert entry.platform_id == f"youtube:{clip[:11]}"


def test_captions_hold_commas_quotes_line_breaks_and_hundreds_of_words(tmp_path: Path) -> None:
    caption = 'He says "go",\nthen, ' + "and again, " * 20_000
    assert only(read_rows(tmp_path, row(caption=caption))).annotations[0].text == caption


@pytest.mark.parametrize(
    "timestamp",
    ["", "['0:00:01']", "[1.0, 2.0]", "['0:00:01', __import__('os')]", '["0:00:01", "0:00:02"]'],
)
def test_a_time_of_another_form_is_named(tmp_path: Path, timestamp: str) -> None:
    (item,) = read_rows(tmp_path, row(timestamp=timestamp))
    assert isinstance(item, Unread)
    assert (item.pointer, item.reason) == ("1", "bad_time")


@pytest.mark.parametrize("clip", ["aaaaaaaaaaa", "_3", "aaaaaaaaaaa_x", "aaaaaaaaaaa_\u00b2"])
def test_a_clip_without_a_number_is_named(tmp_path: Path, clip: str) -> None:
    (item,) = read_rows(tmp_path, row(clip))
    assert isinstance(item, Unread)
    assert item.reason == "bad_id"


def test_short_rows_and_bad_bytes_cost_themselves(tmp_path: Path) -> None:
    lines = [",".join(HEADER), "short,row", f'aaaaaaaaaaa_1,u,"{TIMES}",caf\xe9,1,1,1,1']
    (tmp_path / "Koala_36M_1.csv").write_bytes("\n".join(lines).encode("latin-1"))
    short, entry = read(ADAPTER, tmp_path)
    assert isinstance(short, Unread)
    assert short.reason == "damaged"
    assert only([entry]).annotations[0].text == "caf\ufffd"
