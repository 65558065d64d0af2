"""Files of every adapter, spoilt at random: each record is an entry or unread, and none raises."""

from __future__ import annotations

import json
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_manifest import (
    activitynet_captions,
    charades_sta,
    coin,
    didemo,
    hacs_clips,
    hacs_segments,
    qvhighlights,
    shot2story,
    vitt,
    youcook2,
)
from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, read_file
from pipeline.manifest.adapters.entry import Entry, Unread
from tests.conftest import examples

ID = "-_aaaaaaaaa"
LISTS = {"duration": 9.5, "timestamps": [[0, 4.5], [4, 9]], "sentences": ["one", " two"]}
STEPS = [{"id": "1", "segment": [1, 4.5], "label": "one"}]

JSON_FILES: list[tuple[Any, int, Any]] = [
    (activitynet_captions, 0, {f"v_{ID}": LISTS, "v_bbbbbbbbbbb": LISTS}),
    (
        qvhighlights,
        0,
        [{"query": "a", "vid": f"{ID}_0.0_150.0", "relevant_windows": [[2, 4], [8, 150]]}],
    ),
    (
        youcook2,
        0,
        {
            "database": {
                ID: {
                    "annotations": [{"id": 0, "segment": [2, 5], "sentence": "stir"}],
                    "recipe_type": "101",
                    "subset": "training",
                }
            }
        },
    ),
    (youcook2, 1, {f"v_{ID}": LISTS}),
    (
        didemo,
        0,
        [
            {
                "video": "1@N02_55_abc.mov",
                "description": "a",
                "num_segments": 6,
                "times": [[1, 1], [1, 2], [0, 5]],
            }
        ],
    ),
    (coin, 0, {"database": {ID: {"annotation": STEPS, "recipe_type": 3, "subset": "testing"}}}),
    (shot2story, 1, [{"video": f"{ID}.12.mp4", "whole_caption": "a"}]),
    (hacs_segments, 0, {"database": {ID: {"annotations": STEPS, "subset": "validation"}}}),
    (vitt, 0, [{"id": "aB3d", "annotations": [{"timestamp": 260, "tag": "a"}]}]),
]
TEXT_FILES: list[tuple[Any, int, str]] = [
    (charades_sta, 0, "AB1CD 0.0 6.9##a person hums.\nAB1CD 7.5 12##a person stops.\n"),
    (
        shot2story,
        0,
        "clip_id,categories,duration,youtube_id\n"
        f"""{ID}.7,['Music'],"['00:12:10.470', '00:12:23.490']",{ID}\n""",
    ),
    (
        hacs_clips,
        0,
        "classname,youtube_id,subset,start,end,label\n"
        f"Ice fishing,{ID},training,15.5,17.5,1\nArchery,{ID},validation,1,3,-1\n",
    ),
]
ALL: list[tuple[Any, int, Any]] = [*JSON_FILES, *TEXT_FILES]

NAMES = st.text(st.characters(codec=None), max_size=5) | st.sampled_from(["v_", "\ud800", "a/../b"])
SPOILS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(10**300, 10**310),
    st.floats(),
    st.text(st.characters(codec=None), max_size=12),
    st.sampled_from(["", "None", "v_", ".mp4", "_", "../x", "-", "\ud800", "1e400", "nan"]),
    st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
quick = settings(max_examples=examples(60))


def spoilt(value: Any, data: st.DataObject) -> Any:
    """The value with a part dropped, replaced, renamed, repeated, or in another order."""
    inner = isinstance(value, (dict, list)) and bool(value)
    if not inner or data.draw(st.integers(0, 5)) == 0:
        return data.draw(SPOILS)
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    at = data.draw(st.integers(0, len(pairs) - 1))
    how = data.draw(st.sampled_from(["within", "within", "within", "drop", "repeat", "shuffle"]))
    if how == "within":
        pairs[at] = (pairs[at][0], spoilt(pairs[at][1], data))
    elif how == "drop":
        del pairs[at]
    elif how == "repeat":
        pairs.append((data.draw(NAMES), pairs[at][1]))
    else:
        pairs = data.draw(st.permutations(pairs))
    return dict(pairs) if isinstance(value, dict) else [item for _, item in pairs]


def as_bytes(case: tuple[Any, int, Any]) -> bytes:
    content = case[2]
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def read_bytes(file: AnnotationFile[Any], content: bytes) -> list[Entry | Unread]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / file.pattern.rpartition("/")[2].replace("*", "1")
        path.write_bytes(content)
        return list(read_file(file, path))


def check(items: list[Entry | Unread]) -> None:
    for item in items:
        if isinstance(item, Unread):
            assert item.reason in {"malformed", "damaged", "other_set"}
            assert len(item.detail) < 400
            continue
        assert item.name
        assert item.split in {"train", "val", "test", "unassigned"}
        assert item.places
        for place in item.places:
            assert place.path
            assert place.clip is None or all(map(isfinite, place.clip))
        for annotation in item.annotations:
            assert all(isfinite(s) for s in (annotation.start_s, annotation.end_s) if s is not None)
            assert annotation.text is None or isinstance(annotation.text, str)


def name_of(case: Any) -> str:
    return str(case[0].ADAPTER.name) + str(case[1]) if isinstance(case, tuple) else ""


def file_of(case: tuple[Any, int, Any]) -> AnnotationFile[Any]:
    adapter: Adapter = case[0].ADAPTER
    return adapter.files[case[1]]


@pytest.mark.parametrize("case", ALL, ids=name_of)
def test_the_unspoilt_file_is_read(case: tuple[Any, int, Any]) -> None:
    items = read_bytes(file_of(case), as_bytes(case))
    check(items)
    assert items
    assert all(isinstance(item, Entry) for item in items)


@pytest.mark.parametrize("case", JSON_FILES, ids=name_of)
@quick
@given(data=st.data())
def test_spoilt_records_never_raise(case: tuple[Any, int, Any], data: st.DataObject) -> None:
    content = case[2]
    for _ in range(data.draw(st.integers(1, 3))):
        content = spoilt(content, data)
    check(read_bytes(file_of(case), json.dumps(content).encode()))


@pytest.mark.parametrize("case", ALL, ids=name_of)
@quick
@given(data=st.data())
def test_spoilt_bytes_never_raise(case: tuple[Any, int, Any], data: st.DataObject) -> None:
    content = as_bytes(case)
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, len(content)))
    put = data.draw(st.binary(max_size=4) | st.sampled_from([b"1e400", b'"', b"\0", b"\n", b"##"]))
    behind = content[end:] if data.draw(st.booleans()) else b""
    check(read_bytes(file_of(case), content[:start] + put + behind))
