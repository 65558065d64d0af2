"""Questions and responses of any shape: each is read, or refused by name."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.streamo.origin import Origin
from pipeline.corpus.streamo.raw import read_raw
from pipeline.dialogue.compile import compile_turns
from pipeline.dialogue.tiling import DialogueError, even_tiling
from pipeline.records import Question


def response(content: Any = "a", **keys: Any) -> dict[str, Any]:
    return {"content": content, **keys}


REFUSED: list[tuple[str, dict[str, Any] | Any]] = [
    ("bad_time", response(time="5s")),
    ("bad_time", response(time="abc")),
    ("bad_time", response(time="nan")),
    ("bad_time", response(time=float("inf"))),
    ("bad_time", response(time=float("nan"))),
    ("bad_time", response(st_time=float("nan"), end_time=3)),
    ("before_start", response(time=-1)),
    ("before_start", response(time="-1")),
    ("before_start", response(st_time=-2, end_time=-1)),
    ("before_start", response(st_time="-2", end_time=0)),
    ("bad_time", response(time="--1")),
    ("bad_time", response(time="-0:05")),
    ("bad_time", response(start_s=-1, end_s=2)),
    ("bad_time", response(time=True)),
    ("bad_time", response(time=[3])),
    ("bad_time", response(time=10**400)),
    ("bad_time", response(time="9" * 400)),
    ("bad_time", response(time="1:2:3:4")),
    ("bad_time", response(st_time=1, end_time="x", time=3)),
    ("bad_time", response(start_s="1", end_s=2)),
    ("bad_time", response(time=3, respond_s=float("nan"))),
    ("bad_time", response(time=3, valid_until_s="soon")),
    ("bad_evidence", response(time=3, evidence=[[1]])),
    ("bad_evidence", response(time=3, evidence=[[1, None]])),
    ("bad_evidence", response(time=3, evidence="yes")),
    ("no_time", response()),
    ("no_time", response(st_time=1, end_time="", time=" ")),
    ("no_time", response(end_time=1)),
    ("no_time", response(time=3, kind="event")),
    ("zero_length_span", response(st_time="0:03", end_time=3)),
    ("zero_length_span", response(st_time=3.5, end_time=3.5)),
    ("zero_length_span", response(st_time=0, end_time="0")),
    ("reversed_span", response(st_time=4, end_time=3)),
    ("reversed_span", response(start_s=4, end_s=3, kind="instant")),
    ("empty_text", response("", time=3)),
    ("empty_text", response(" \n", time=3)),
    ("empty_text", {"time": 3}),
    ("bad_text", response(5, time=3)),
    ("bad_text", response(["a"], time=3)),
    ("bad_text", response("\ud83d", time=3)),
    ("bad_entry", "a"),
    ("bad_entry", 5),
    ("bad_entry", None),
    ("unknown_qid", response(time=3, qid="q7")),
    ("duplicate_id", response(time=3, rid="before")),
]


@pytest.mark.parametrize(("reason", "entry"), REFUSED)
def test_what_cannot_be_used_is_refused_and_its_neighbours_go_on(reason: str, entry: Any) -> None:
    around = [response("before", time=1, rid="before"), response("after", time=9)]
    row = {"video_name": "v", "response": [around[0], entry, around[1]]}
    sample = read_raw(row, number=0, default_question="Q")
    assert [r.text for r in sample.annotation.responses] == ["before", "after"]
    assert [r.rid for r in sample.annotation.responses] == ["before", "r2"]
    (refusal,) = sample.refused
    assert refusal.reason == reason
    assert refusal.rid == ("before" if reason == "duplicate_id" else "r1")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10**15, "st_time is 1000000000000000"),
        (-(10**15), "st_time is -1000000000000000"),
        (True, "st_time is True"),
        (10**5000, "st_time is a whole number of 16610 bits"),
        ([3], "st_time is list"),
    ],
    ids=["large", "before 0", "boolean", "too long to write", "list"],
)
def test_what_is_refused_is_named(value: Any, said: str) -> None:
    row = {"video_name": "v", "response": response(st_time=value, end_time=3)}
    (refusal,) = read_raw(row, number=0).refused
    assert refusal.detail == said


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["5", "2.5", "0:07", "\udc00", "q0", "r1", "event", "instant", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
times = st.integers(0, 12) | st.floats(0, 12) | anything
entry = st.dictionaries(
    st.sampled_from(
        [
            *("content", "time", "st_time", "end_time", "time_s", "start_s", "end_s", "respond_s"),
            *("valid_until_s", "kind", "evidence", "rid", "qid", "options"),
        ]
    ),
    times,
) | st.fixed_dictionaries({"content": st.text(max_size=3), "time": times})
entries = st.lists(entry | st.lists(entry, max_size=2) | anything, max_size=4)
rows = st.fixed_dictionaries(
    {"video_name": st.just("v") | anything},
    optional={
        "question": entries | entry | anything,
        "response": entries | entry | anything,
        **dict.fromkeys(["video_path", "videos", "task_type", "source", "duration"], anything),
        "origin": st.sampled_from([0, 1]) | anything,
    },
)


def flat(value: Any) -> int:
    if isinstance(value, list):
        return sum(flat(item) if isinstance(item, list) else 1 for item in value)
    return 0 if value is None or value == "" else 1


@given(rows | anything, st.sampled_from(["auto", 0, 1]))
def test_all_is_read_or_refused_and_nothing_is_raised(row: Any, origin: Origin) -> None:
    try:
        sample = read_raw(row, number=0, origin=origin, default_question="None is asked")
    except DialogueError as error:
        assert error.reason in ("bad_row", "no_video_name")
        return
    annotation = sample.annotation
    default = annotation.questions == [Question(qid="q0", text="None is asked", asked_s=0.0)]
    read = len(annotation.questions) + len(annotation.responses)
    read += len(sample.refused_questions) + len(sample.refused)
    said = flat(row.get("question")) + flat(row.get("response"))
    assert said == read - 1 if default else said == read
    assert len({r.rid for r in annotation.responses}) == len(annotation.responses)
    qids = [question.qid for question in annotation.questions]
    assert len(set(qids)) == len(qids)
    assert {r.qid for r in annotation.responses} <= set(qids)
    # What is left is what the laws are about: it compiles, and each is said or refused by name.
    compilation = compile_turns(annotation, even_tiling(annotation.video_id, 12.0, 1.0))
    placed = sum(len(compiled.responses) for compiled in compilation.dialogues)
    assert placed + len(compilation.refused) == len(annotation.responses)


def test_an_instant_beside_an_unreadable_start_is_counted_once() -> None:
    said = {"content": "x", "time": 1, "st_time": "soon", "end_time": ""}
    sample = read_raw({"video_name": "v", "response": [said]}, number=0, origin=1)
    assert [response.start_s for response in sample.annotation.responses] == [0.0]
    assert sample.refused == ()
