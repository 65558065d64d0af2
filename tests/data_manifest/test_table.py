from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_manifest.table import make
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, read, texts, written
from tests.pipeline.media.containers import make_parquet

CSV = "file,begin,end,caption\n-a b_c.mp4,1.5,0:01:02.25,It runs.\n"
MAP = {"video": "file", "start_s": "begin", "end_s": "end", "text": "caption"}


def test_a_table_with_columns_of_its_own(tmp_path: Path) -> None:
    entry = only(written(make(MAP), tmp_path, "a.csv", CSV))
    assert entry == Entry(
        "-a b_c.mp4",
        (Place("-a b_c.mp4"),),
        (RawAnnotation("event", "It runs.", 1.5, 62.25, pointer="1/caption"),),
        "unassigned",
    )


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.parquet", "a.csv"])
def test_four_kinds_of_file_say_the_same(tmp_path: Path, name: str) -> None:
    rows = [{"video": "a", "text": "x", "start_s": 1.0, "end_s": 2.5, "split": "val"}]
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
        items = read(make({}), tmp_path)
    elif name.endswith("csv"):
        items = written(make({}), tmp_path, name, "video,text,start_s,end_s,split\na,x,1,2.5,val\n")
    else:
        items = written(make({}), tmp_path, name, rows)
    entry = only(items)
    assert (entry.split, texts(entry)) == ("val", ["x"])
    assert (entry.annotations[0].start_s, entry.annotations[0].end_s) == (1, 2.5)


def test_a_question_with_options(tmp_path: Path) -> None:
    header, row = "video,question,text,options,asked_s", 'a,Who?,me,"[""me"", ""you""]",3'
    (annotation,) = only(written(make({}), tmp_path, "a.csv", f"{header}\n{row}\n")).annotations
    assert annotation == RawAnnotation(
        "qa", "me", question="Who?", options=("me", "you"), asked_s=3, pointer="1/text"
    )


def test_units_origin_and_kind_of_all_rows(tmp_path: Path) -> None:
    options = {"per_second": "1000", "kind": "step", "origin": "asr"}
    rows = [{"video": "a", "text": "x", "start_s": 500, "end_s": "2500"}]
    (annotation,) = only(written(make(options), tmp_path, "a.json", rows)).annotations
    assert (annotation.kind, annotation.origin, annotation.start_s, annotation.end_s) == (
        "step",
        "asr",
        0.5,
        2.5,
    )


def test_how_coarse_the_times_of_all_rows_are(tmp_path: Path) -> None:
    rows = [{"video": "a", "text": "x", "start_s": 0, "end_s": 5}]
    (annotation,) = only(written(make({"resolution_s": "5"}), tmp_path, "a.json", rows)).annotations
    assert annotation.resolution_s == 5
    for value in ("-1", "inf", "nan", "coarse"):
        with pytest.raises(ValueError, match="resolution_s"):
            make({"resolution_s": value})


def test_a_clip_and_names_of_its_own(tmp_path: Path) -> None:
    rows = [
        {"video": "a.mp4", "clip_start_s": 1.5, "clip_end_s": 4},
        {"video": "a.mp4", "name": 7, "platform_id": "youtube:a"},
    ]
    first, second = (only([item]) for item in written(make({}), tmp_path, "a.json", rows))
    assert (first.name, first.places) == ("a.mp4#t=1.5,4", (Place("a.mp4", (1.5, 4.0)),))
    assert (second.name, second.platform_id) == ("7", "youtube:a")
    assert first.annotations == second.annotations == ()


def test_blank_cells_say_nothing_and_a_blank_text_is_judged_elsewhere(tmp_path: Path) -> None:
    header = "video,name,text,start_s,end_s,clip_start_s,clip_end_s,split,options"
    entry = only(written(make({}), tmp_path, "a.csv", f"{header}\na,,,,, ,,,\n"))
    assert (entry.name, entry.split, entry.places) == ("a", "unassigned", (Place("a"),))
    assert entry.annotations == (RawAnnotation("event", "", pointer="1/text"),)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"start_s": "soon"}, "bad_time"),
        ({"start_s": "nan"}, "bad_time"),
        ({"end_s": 10**400}, "bad_time"),
        ({"end_s": True}, "malformed"),
        ({"clip_start_s": 3}, "bad_clip"),
        ({"question": "Who?", "options": "me|you"}, "bad_options"),
        ({"question": "Who?", "options": [1]}, "malformed"),
        ({"video": " "}, "malformed"),
        ({"text": 3}, "malformed"),
    ],
)
def test_a_cell_of_another_kind_is_named(
    tmp_path: Path, cells: dict[str, object], reason: str
) -> None:
    rows = [{"video": "a", "text": "x"} | cells]
    (item,) = written(make({}), tmp_path, "a.json", rows)
    assert isinstance(item, Unread)
    assert item.reason == reason


def test_a_column_that_was_named_must_be_there(tmp_path: Path) -> None:
    (item,) = written(make(MAP | {"text": "captoin"}), tmp_path, "a.csv", CSV)
    assert item == Unread(
        "1", "no_column", "there is no column 'captoin'; there are: file, begin, end, caption"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vidoe": "a"}, "vidoe: unknown key; did you mean 'video'?"),
        ({"kind": "evnt"}, "kind: 'evnt' is not one of event, step, qa"),
        ({"per_second": "0"}, "per_second: Input should be greater than 0"),
        ({"text": ""}, "text: String should have at least 1 character"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("?", r"\?")):
        make(options)


def test_a_pattern_chooses_the_files(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("video\nb\n", encoding="utf-8")
    written(make({}), tmp_path, "a.csv", "video\na\n")
    assert only(read(make({"pattern": "b.*"}), tmp_path)).name == "b"
    (tmp_path / "b.csv").rename(tmp_path / "b.tsv")
    (item,) = read(make({"pattern": "b.*"}), tmp_path)
    assert isinstance(item, Unread)
    assert item.reason == "unsupported"


def test_a_column_with_the_bytes_of_videos(tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    video.write_bytes(b"no video")
    path = make_parquet(tmp_path / "a.parquet", [video, video])
    rows = read(make({"video": "video", "text": "n"}), tmp_path)
    assert all(isinstance(row, Unread) for row in rows)  # a number is no text
    named = [only([row]) for row in read(make({"video": "video"}), tmp_path)]
    assert [(entry.name, entry.places) for entry in named] == [
        ("v.mp4", (Place("v.mp4"), Place(f"{path}#video/{row}"))) for row in (0, 1)
    ]
    bare = [only([row]) for row in read(make({"video": "mp4"}), tmp_path)]
    assert [(entry.name, entry.places[-1]) for entry in bare] == [
        (f"{path}#mp4/{row}", Place(f"{path}#mp4/{row}")) for row in (0, 1)
    ]


def test_a_column_of_bytes_alone(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"no video")
    path = make_parquet(tmp_path / "a.parquet", [tmp_path / "v.mp4"] * 300, column="mp4")
    names = [only([row]).name for row in read(make({"video": "mp4"}), tmp_path)]
    assert names == [f"{path}#mp4/{row}" for row in range(300)]
