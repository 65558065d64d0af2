"""The official converter's results, case by case: what it keeps, and what it loses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.streamo.official_converter import (
    OFFICIAL_QUESTION,
    OfficialFailure,
    official_frame_count,
    official_row,
    official_states,
    official_time,
    official_video_path,
)

ROOT = Path(__file__).resolve().parents[4]
EXAMPLE = ROOT.parent / "shared" / "annotations" / "streamo_target_example"


def event(text: str, st_time: Any, end_time: Any, **more: Any) -> dict[str, Any]:
    return {"content": text, "st_time": st_time, "end_time": end_time, "time": "", **more}


def instant(text: str, time: Any) -> dict[str, Any]:
    return {"content": text, "st_time": "", "end_time": "", "time": time}


def shape(states: list[str]) -> str:
    """A letter a turn: S, B (standby), or the text of the response, which is one small letter."""
    letters = {"</Silence>": "S", "</Standby>": "B"}
    return "".join(letters.get(state) or state.removeprefix("</Response> ") for state in states)


GOLDEN: list[tuple[str, int, float, list[dict[str, Any]], str]] = [
    ("an event", 10, 1, [event("a", 5, 7)], "SSSSBBBaSS"),
    ("until the end: lost", 10, 1, [event("a", 7, 10)], "SSSSSSBBBB"),
    ("until just before it", 10, 1, [event("a", 7, 9.99)], "SSSSSSBBBa"),
    ("events that touch", 12, 1, [event("a", 0, 5), event("b", 5, 9)], "BBBBBBBBBbSS"),
    ("a second between", 12, 1, [event("a", 0, 5), event("b", 6, 9)], "BBBBBBBBBbSS"),
    ("two seconds between", 12, 1, [event("a", 0, 5), event("b", 7, 9)], "BBBBBaBBBbSS"),
    ("listed backwards", 12, 1, [event("b", 5, 9), event("a", 0, 5)], "BBBBBaBBBbSS"),
    ("nested", 12, 1, [event("b", 2, 9), event("a", 4, 6)], "SBBBBBaBBbSS"),
    ("nested, backwards", 12, 1, [event("a", 4, 6), event("b", 2, 9)], "SBBBBBBBBbSS"),
    ("fractions", 12, 1, [event("a", 5.9, 7.9)], "SSSSBBBaSSSS"),
    ("reversed", 10, 1, [event("a", 8, 4)], "SSSSaSSSSS"),
    ("an instant at 0", 6, 1, [instant("a", 0)], "aSSSSS"),
    ("an instant at 1", 6, 1, [instant("a", 1)], "aSSSSS"),
    ("an instant at the end", 6, 1, [instant("a", 6)], "SSSSSa"),
    ("an instant past it", 6, 1, [instant("a", 7)], "SSSSSS"),
    ("two in a second", 6, 1, [instant("a", 3.1), instant("b", 3.8)], "SSbSSS"),
    ("no text", 6, 1, [event("", 2, 3)], "SBBSSS"),
    ("an instant without text", 6, 1, [instant("", 2)], "SSSSSS"),
    ("a span and a time", 10, 1, [event("a", 5, 7, time=2)], "SSSSBBBaSS"),
    ("half a span and a time", 6, 1, [event("a", 3, "", time=2)], "SaSSSS"),
    ("half a span", 6, 1, [event("a", "", 3)], "SSSSSS"),
    ("past the end", 6, 1, [event("a", 9, 12)], "SSSSSS"),
    ("negative", 6, 1, [event("a", -3, -1)], "BaSSSS"),
    ("unreadable", 6, 1, [event("a", "2s", "4s"), instant("b", "abc")], "SSSSSS"),
    ("strings", 10, 1, [event("a", "5", " 7 ")], "SSSSBBBaSS"),
    ("clocks", 10, 1, [event("a", "0:05", "00:00:07.5")], "SSSSBBBaSS"),
    ("numbers count turns", 10, 2, [event("a", 2.0, 4.0)], "SBBBaSSSSS"),
    ("strings of whole ones too", 10, 2, [event("a", "2", "4")], "SBBBaSSSSS"),
    ("strings of fractions do not", 10, 2, [event("a", "2.0", "4.0")], "SSSBBBBBaS"),
    ("nor do clocks", 10, 2, [event("a", "0:02", "0:04")], "SSSBBBBBaS"),
    ("half a turn a second", 6, 0.5, [instant("a", "9.0"), instant("b", 2)], "SbSaSS"),
]


@pytest.mark.parametrize(
    ("n_frames", "fps", "responses", "expected"),
    [c[1:] for c in GOLDEN],
    ids=[c[0] for c in GOLDEN],
)
def test_states(n_frames: int, fps: float, responses: list[Any], expected: str) -> None:
    states, asked = official_states(n_frames, [], responses, fps)
    assert shape(states) == expected
    assert asked == {}


QUESTIONS: list[tuple[str, list[dict[str, Any]], dict[int, str]]] = [
    ("a time", [{"content": "a", "time": "5"}], {4: "a"}),
    ("none", [{"content": "a", "time": ""}, {"content": "b"}], {}),
    ("0, negative, 1", [{"content": c, "time": t} for c, t in (("a", 0), ("b", -4))], {0: "b"}),
    ("the same", [{"content": "a", "time": 3}, {"content": "b", "time": 3.9}], {2: "b"}),
    ("no text", [{"content": "a", "time": 3}, {"content": "", "time": 3}], {2: "a"}),
    (
        "the last and past it",
        [{"content": c, "time": t} for c, t in (("a", 6), ("b", 7))],
        {5: "a"},
    ),
    ("no string", [{"content": 5, "time": 2}], {1: "5"}),
]


@pytest.mark.parametrize(
    ("questions", "expected"), [c[1:] for c in QUESTIONS], ids=[c[0] for c in QUESTIONS]
)
def test_questions(questions: list[Any], expected: dict[int, str]) -> None:
    assert official_states(6, questions, [], 1.0) == (["</Silence>"] * 6, expected)


TIMES: list[tuple[Any, float, int | None]] = [
    (None, 2, None),
    ("", 2, None),
    ("  ", 2, None),
    (5, 2, 5),
    (True, 2, 1),
    (5.9, 2, 5),
    (-0.9, 2, 0),
    ("5", 2, 5),
    (" -3 ", 2, -3),
    ("1_0", 2, 10),
    ("5.9", 2, 11),
    ("1e1", 2, 20),
    ("01:05", 2, 130),
    ("1:5.5", 2, 131),
    ("1:00:01", 2, 7202),
    ("-1:30", 1, -30),
    ("1:2:3:4", 2, None),
    (":", 2, None),
    ("5s", 2, None),
    ("nan", 2, None),
    ("0:nan", 2, None),
    ([5], 2, None),
    ({"a": 5}, 2, None),
]


@pytest.mark.parametrize(("value", "fps", "expected"), TIMES)
def test_times(value: Any, fps: float, expected: int | None) -> None:
    assert official_time(value, fps) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "inf", "0:inf", "1e999"])
def test_a_time_that_is_not_finite_stops_it(value: Any) -> None:
    with pytest.raises(OfficialFailure):
        official_time(value, 1.0)
    with pytest.raises(OfficialFailure):
        official_states(5, [], [event("a", 1, 2, time=value)], 1.0)


@pytest.mark.parametrize(
    ("total_frames", "video_fps", "fps", "expected"),
    [
        (300, 30.0, 1, 10),
        (309, 30.0, 1, 10),
        (7192, 29.97, 1, 248),  # 240 s
        (300, 30.0, 2, 20),
        (300, 30.0, 60, 300),
        (300, 30.0, 0, 300),
        (300, 30.0, -1, 300),
        (300, 0.0, 1, 300),
        (300, 30.0, 0.5, 5),
        (300, float("nan"), 1, 0),
        (300, float("inf"), 1, 0),
    ],
)
def test_frame_count(total_frames: int, video_fps: float, fps: float, expected: int) -> None:
    assert official_frame_count(total_frames, video_fps, fps) == expected


def contents(made: dict[str, Any] | None) -> list[str]:
    assert made is not None
    return [message["content"] for message in made["messages"]]


def test_a_row() -> None:
    row = {
        "source": "s",
        "task_type": "QA",
        "video_name": "",
        "video_path": "a/v.mp4",
        "question": [{"content": "Who?", "time": 2}],
        "response": [event("A man.", 1, 1)],
        "other": 5,
    }
    made = official_row(row, 3, fps=1.0, system="Look.", video_prefix="/videos")
    assert made is not None
    assert list(made) == ["messages", "videos", "task_type", "source"]
    assert made["videos"] == ["/videos/a/v.mp4"]
    assert made["messages"] == [
        {"role": "system", "content": "Look."},
        {"role": "user", "content": "Who?\n<0s-1s>\n<stream>"},
        {"role": "assistant", "content": "</Standby>"},
        {"role": "user", "content": "Who?\n<1s-2s>\n<stream>"},
        {"role": "assistant", "content": "</Response> A man."},
        {"role": "user", "content": "<2s-3s>\n<stream>"},
        {"role": "assistant", "content": "</Silence>"},
    ]


@pytest.mark.parametrize(
    ("questions", "first"),
    [
        ([], OFFICIAL_QUESTION),
        ({}, OFFICIAL_QUESTION),
        ([{"content": "", "time": 9}, {"content": "b", "time": 9}], OFFICIAL_QUESTION),
        ([{"content": "a", "time": 9}, {"content": "b", "time": 1}], "b"),
        ([{"content": "a"}, {"content": "b", "time": 2}], "a"),
    ],
)
def test_the_first_turn_always_asks(questions: Any, first: str) -> None:
    row = {"video_path": "v", "question": questions}
    assert contents(official_row(row, 3, fps=1, system=""))[1] == f"{first}\n<0s-1s>\n<stream>"


@pytest.mark.parametrize(
    ("row", "prefix", "expected"),
    [
        ({"video_path": "v", "videos": ["w"]}, "", "v"),
        ({"video_path": "", "videos": ["w", "x"]}, "", "w"),
        ({"videos": "w"}, "p/", "p/w"),
        ({"video_path": "./a//v"}, "p", "p/./a//v"),
        ({"video_path": "/v"}, "p", "/v"),
        ({"videos": []}, "p", ""),
    ],
)
def test_video_path(row: dict[str, Any], prefix: str, expected: str) -> None:
    assert official_video_path(row, prefix) == expected
    made = official_row(row, 1, fps=1, system="", video_prefix=prefix)
    assert (made and made["videos"]) == ([expected] if expected else None)
    assert official_row(row, 0, fps=1, system="", video_prefix=prefix) is None


@pytest.mark.parametrize(
    "row",
    [
        [],
        {"video_path": {"a": 1}},
        {"video_path": "v", "question": {"content": "a", "time": 1}},
        {"video_path": "v", "question": [["a"]]},
        {"video_path": "v", "question": "a"},
        {"video_path": "v", "question": None},
        {"video_path": "v", "response": {"content": "a", "time": 1}},
        {"video_path": "v", "response": [[{"content": "a", "time": 1}]]},
        {"video_path": "v", "response": 5},
    ],
)
def test_what_stops_it(row: Any) -> None:
    with pytest.raises(OfficialFailure):
        official_row(row, 5, fps=1, system="")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
entries = st.dictionaries(st.sampled_from(["content", "time", "st_time", "end_time"]), values)
keys = st.sampled_from(["video_path", "videos", "question", "response", "source"])
rows = values | st.dictionaries(keys, values | st.just("v") | st.lists(entries, max_size=3))


@given(rows, st.integers(-1, 8), st.sampled_from([0.5, 1, 2.0]))
def test_nothing_else_is_raised(row: Any, n_frames: int, fps: float) -> None:
    try:
        made = official_row(row, n_frames, fps=fps, system="s")
    except OfficialFailure:
        return
    assert made is None or len(made["messages"]) == 1 + 2 * n_frames


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the official example is not here")
def test_the_official_example() -> None:
    raw = json.loads((EXAMPLE / "raw_data.json").read_text(encoding="utf-8"))
    expected = json.loads((EXAMPLE / "stream_format.json").read_text(encoding="utf-8"))
    system = expected[0]["messages"][0]["content"]
    n_frames = (len(expected[0]["messages"]) - 1) // 2
    made = [official_row(row, n_frames, fps=1.0, system=system) for row in raw]
    # As text, since keys have an order too.
    assert json.dumps(made, indent=2) == json.dumps(expected, indent=2)
