"""Valid records with something changed: each is an entry or is turned down, and nothing raises."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_manifest import (
    egotimeqa,
    et_instruct,
    finevideo,
    inf_streams,
    koala36m,
    live_whisperx,
    llava_video,
    moviechat1k,
    qaego4d,
    streamo_raw,
    table,
)
from pipeline.manifest.adapters.adapter import Adapter, read_file
from pipeline.manifest.adapters.entry import Entry, Unread
from tests.conftest import examples

TURNS = [{"from": "human", "value": "<image>\nWho?\nA. he\nB. she"}, {"from": "gpt", "value": "B"}]
MOMENT = {"video_id": "c", "question": "did l?", "answer": "yes", "wrong_answers": ["no", "so"]}
FRAMES = {"moment_start_frame": 3.5, "moment_end_frame": 60}
CLIP = {"type": "video", "video": "v/a_b.mp4", "video_start": 1.5, "video_end": 20}
WORDS = {"type": "text_stream", "text_stream": [[2, 2.5, "So."], [9, 10, "it"]]}
TALK = [
    {"role": "user", "content": [CLIP, {"type": "text", "text": "Go."}]},
    {"role": "assistant", "content": [WORDS | {"qa_stream": [[0, 3, "Who?", "He."]]}]},
]
TIMES = {"start_timestamp": "00:00:01.000", "end_timestamp": "00:00:02.000"}
SCENE = {
    "title": "A",
    "timestamps": TIMES,
    "activities": [{"description": "B", "timestamp": TIMES}],
}
FINE = {
    "original_video_filename": "a.mp4",
    "content_metadata": {
        "description": "C",
        "qAndA": [{"question": "Who?", "answer": "He."}],
        "scenes": [SCENE],
    },
}
MOVIE = {
    "info": {"fps": 24, "video_path": "1.mp4"},
    "global": [{"question": "Who?", "answer": "He."}],
    "breakpoint": [{"question": "Who?", "answer": "He.", "time": 48}],
    "caption": "D",
}
SAMPLE = {
    "task": "dvc",
    "source": "coin",
    "video": "coin/a.mp4",
    "src": [1, 2],
    "tgt": [1, 2, 3, 4],
    "conversations": [
        {"from": "human", "value": "List."},
        {"from": "gpt", "value": "1.0 - 2.0 seconds, a. 3.0 - 4.0 seconds, b."},
    ],
}
RAW = {
    "video_name": "a.mp4",
    "video_path": "d/a.mp4",
    "task_type": "QA",
    "question": [{"content": "Who is 'he'?", "time": "5"}],
    "response": [{"content": "He.", "st_time": 5.0, "end_time": 6.0, "time": ""}],
}
KOALA = {"videoID": "a_b_1", "timestamp": "['0:00:01', '0:00:02.5']", "caption": "E"}
CELLS = {
    "video": "a",
    "text": "x",
    "start_s": 1,
    "end_s": "0:00:02",
    "question": "Who?",
    "options": '["x", "y"]',
    "asked_s": 0.5,
    "clip_start_s": 1,
    "clip_end_s": 9,
    "name": 3,
}


def as_list(record: Any) -> bytes:
    return json.dumps([record, record]).encode()


def as_lines(record: Any) -> bytes:
    return b"\n".join([json.dumps(record).encode()] * 2) + b"\n[0, 77]\n"


def as_object(record: Any) -> bytes:
    return json.dumps(record).encode()


def as_csv(record: Any) -> bytes:
    text = io.StringIO()
    cells = record if isinstance(record, Mapping) else {"?": record}
    csv.writer(text).writerows([cells.keys(), cells.values()])
    return text.getvalue().encode("utf-8", "surrogatepass")


def as_parquet(record: Any) -> bytes:
    buffer = io.BytesIO()
    try:
        rows = pa.Table.from_pylist([{"mp4": b"", "json": record}, {"mp4": None, "json": None}])
        pq.write_table(rows, buffer)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError):
        # Lists of several types, or nothing at all: no such column can be written.
        buffer = io.BytesIO()
        pq.write_table(pa.table({"json": [json.dumps(record)]}), buffer)
    return buffer.getvalue()


@dataclass(frozen=True)
class Case:
    adapter: Adapter
    name: str
    record: Any
    as_bytes: Callable[[Any], bytes]


CASES = {
    "koala36m": Case(koala36m.ADAPTER, "Koala_36M_1.csv", KOALA, as_csv),
    "llava_video_cap": Case(
        llava_video.ADAPTER,
        "a_cap_processed.json",
        {"video": "a/b.mp4", "data_source": "d", "conversations": TURNS},
        as_list,
    ),
    "llava_video_qa": Case(
        llava_video.ADAPTER,
        "a_qa_processed.json",
        {"video": "ego4d/b.mp4", "conversations": TURNS * 2},
        as_list,
    ),
    "egotimeqa": Case(
        egotimeqa.ADAPTER, "annotations.EgoTimeQA.json", MOMENT | FRAMES | {"start_sec": 1}, as_list
    ),
    "qaego4d": Case(qaego4d.ADAPTER, "annotations.val.json", MOMENT | FRAMES, as_list),
    "finevideo": Case(finevideo.ADAPTER, "a.parquet", FINE, as_parquet),
    "moviechat1k": Case(moviechat1k.ADAPTER, "1.json", MOVIE, as_object),
    "et_instruct": Case(et_instruct.ADAPTER, "et_instruct_164k_txt.json", SAMPLE, as_list),
    "live_whisperx": Case(
        live_whisperx.ADAPTER, "live_whisperx_526k_with_seeks.jsonl", TALK, as_lines
    ),
    "inf_streams": Case(inf_streams.ADAPTER, "train_s12w24_with_seeks.jsonl", TALK, as_lines),
    "streamo_raw": Case(streamo_raw.ADAPTER, "raw.json", RAW, as_list),
    "table_json": Case(table.make({}), "a.json", CELLS, as_list),
    "table_csv": Case(table.make({}), "a.csv", CELLS, as_csv),
}

ODDITIES: list[Any] = [
    *(None, True, False, 0, -1, 3, 10**400, -2.5, 1e308, 1e-320, float("nan"), float("inf")),
    *("", " ", "None", "nan", "x", "-a_b", "0:00:09", "\ud800", "\0", "/../a", "<image>", "A"),
    *([], {}, [[]], [None], [1, 2], ["a", 3], [{}], {"a": 1}),
]
ODD = st.sampled_from(ODDITIES)


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value with one change, somewhere within it."""
    inner = list(value.items() if isinstance(value, dict) else enumerate(value))
    key, found = draw(st.sampled_from(inner))
    if isinstance(found, dict | list) and found and draw(st.booleans()):
        changed = mutated(draw, found)
    elif draw(st.booleans()):
        changed = draw(ODD)
    else:
        inner = [pair for pair in inner if pair[0] != key]
        changed = None
        key = None
    pairs = draw(st.permutations([(k, changed if k == key else v) for k, v in inner]))
    return dict(pairs) if isinstance(value, dict) else [v for _, v in pairs]


@st.composite
def mutations(draw: st.DrawFn, record: Any) -> Any:
    for _ in range(draw(st.integers(0, 3))):
        if record:
            record = mutated(draw, record)
    return record


def read(case: Case, content: bytes) -> list[Entry | Unread]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / case.name
        path.write_bytes(content)
        kinds = [kind for kind in case.adapter.files if path.match(kind.pattern)]
        assert kinds
        return [item for kind in kinds for item in read_file(kind, path)]


def check(items: list[Entry | Unread]) -> None:
    for item in items:
        assert isinstance(item, Entry | Unread)
        if isinstance(item, Unread):
            assert item.reason.isidentifier()
            continue
        assert item.name.strip()
        assert all(place.path.strip() for place in item.places)
        for annotation in item.annotations:
            times = (annotation.start_s, annotation.end_s, annotation.asked_s)
            assert all(time is None or isinstance(time, float | int) for time in times)
            assert annotation.text is None or isinstance(annotation.text, str)
            assert all(isinstance(option, str) for option in annotation.options)


@pytest.mark.parametrize("name", CASES)
def test_the_record_itself_is_an_entry(name: str) -> None:
    case = CASES[name]
    items = read(case, case.as_bytes(case.record))
    entries = [item for item in items if isinstance(item, Entry)]
    assert entries
    assert all(entry.annotations for entry in entries)
    # The second row of the Parquet file is null.
    assert len(items) - len(entries) == (name == "finevideo")


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=examples(60))
@given(data=st.data())
def test_a_changed_record_is_an_entry_or_turned_down(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    check(read(case, case.as_bytes(data.draw(mutations(case.record)))))


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=examples(25))
@given(data=st.data())
def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    content = case.as_bytes(case.record)
    check(read(case, content[: data.draw(st.integers(0, len(content) - 1))]))
