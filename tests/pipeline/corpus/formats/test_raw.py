"""Raw rows: exact for us, and for the official converter as right as it can have them."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import ExactEvent, ReadQuestion
from pipeline.corpus.streamo.official_converter import official_states
from pipeline.corpus.streamo.raw import read_raw
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.records import Dialogue, Question, Response
from tests.pipeline.corpus.formats.samples import as_json, dialogue_of, dialogues, view

LETTERS = {"</Silence>": "S", "</Standby>": "B"}


@given(dialogues())
def test_a_raw_row_comes_back(dialogue: Dialogue) -> None:
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    read = FORMATS["raw"].read(row)
    assert (read.video, read.task, read.source) == ("videos/v.mp4", dialogue.task, "films")
    assert (read.sample_id, read.duration_s) == (dialogue.sample_id, dialogue.duration_s)
    assert read.turns_per_s == dialogue.turns_per_s
    assert set(read.questions) == {ReadQuestion(q.asked_s, q.text) for q in dialogue.questions}
    assert set(read.events) == {
        ExactEvent(r.rid, r.kind, r.text, r.start_s, r.end_s) for r in dialogue.responses
    }
    assert len(read.events) == len(dialogue.responses)


@given(dialogues())
def test_the_annotation_comes_back(dialogue: Dialogue) -> None:
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    annotation = read_raw(row, number=0, origin="auto", default_question="?").annotation
    questions = [(q.qid, q.text, q.asked_s, q.options) for q in annotation.questions]
    assert questions == [(q.qid, q.text, q.asked_s, q.options) for q in dialogue.questions]
    given = {response.rid: response for response in annotation.responses}
    assert len(given) == len(dialogue.responses)
    for response in dialogue.responses:
        fields = {name: getattr(response, name) for name in Response.model_fields}
        assert given[response.rid] == Response(**fields)


@given(dialogues(rates=st.just(1.0)))
def test_the_official_converter_gives_our_states(dialogue: Dialogue) -> None:
    turns = [response.turn for response in dialogue.responses]
    assume(len(set(turns)) == len(turns))
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    states, asked = official_states(len(dialogue.turns), row["question"], row["response"], 1.0)
    assert states == [STATE_TOKENS["official"].message(turn) for turn in dialogue.turns]
    assert set(asked) == {turn.index for turn in dialogue.turns if turn.question}
    alone = [turn for turn in dialogue.turns if len(turn.qids) == 1]
    assert all(asked[turn.index] == turn.question for turn in alone)


@given(dialogues())
def test_at_any_rate_the_official_times_are_seconds_of_the_video(dialogue: Dialogue) -> None:
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    last = ceil(dialogue.duration_s)
    given = {response.rid: response for response in dialogue.responses}
    for response in row["response"]:
        counted = [response[key] for key in ("st_time", "end_time", "time")]
        assert all(time is None or 1 <= time <= last for time in counted)
        assert (counted[2] is None) == (counted[0] is not None) == (counted[1] is not None)
        second = response["end_time"] if counted[2] is None else counted[2] - 1
        start_s = dialogue.turns[given[response["rid"]].turn].start_s
        assert start_s - 1e-6 <= second < start_s + 1 or second == last - 1
    assert all(1 <= question["time"] <= last for question in row["question"])


def event(rid: str, start_s: float, end_s: float) -> Response:
    return Response(
        rid=rid, qid="q", kind="event", text=rid, start_s=start_s, end_s=end_s, respond_s=end_s
    )


ASKED = Question(qid="q", text="What happens?", asked_s=4.2)
AT_ONCE = ASKED.model_copy(update={"asked_s": 0.0})


@pytest.mark.parametrize(
    ("spans", "order", "shape"),
    [
        ([(5, 7)], "a", "SSSSSBBRSSSS"),
        ([(7, 12)], "a", "SSSSSSSBBBBR"),
        ([(0, 5), (7, 9)], "ab", "BBBBBRSBBRSS"),
        ([(0, 5), (5, 9)], "ba", "BBBBBRBBBRSS"),
        ([(2, 9), (4, 6)], "ab", "SSBBBBRBBRSS"),
        ([(4, 6), (2, 9), (6, 8)], "bca", "SSBBBBRBRRSS"),
    ],
)
def test_the_latest_comes_first_only_where_it_must(
    spans: list[tuple[float, float]], order: str, shape: str
) -> None:
    responses = [event(name, *span) for name, span in zip("abc", spans, strict=False)]
    (row,) = as_json(FORMATS["raw"].write(dialogue_of(12, 1, [AT_ONCE], responses), view()))
    assert "".join(response["content"] for response in row["response"]) == order
    states, _ = official_states(12, row["question"], row["response"], 1.0)
    assert "".join(LETTERS.get(state, "R") for state in states) == shape


def test_a_raw_row_in_full() -> None:
    changed = Response(
        rid="b", qid="q", kind="instant", text="Red.", start_s=9, end_s=9, respond_s=9
    )
    dialogue = dialogue_of(9.5, 1, [ASKED], [event("a", 5.5, 7.2), changed])
    assert FORMATS["raw"].write(dialogue, view()) == [
        {
            "video_name": "v.mp4",
            "video_path": "videos/v.mp4",
            "task_type": "tsqa",
            "source": "films",
            "licence": "CC0",
            "models": "",
            "for_training": True,
            "question": [
                {
                    "content": "What happens?",
                    "time": 5,
                    "qid": "q",
                    "time_s": 4.2,
                    "options": [],
                }
            ],
            "response": [
                {
                    "content": "a",
                    "st_time": 7,
                    "end_time": 8,
                    "time": None,
                    "rid": "a",
                    "qid": "q",
                    "kind": "event",
                    "start_s": 5.5,
                    "end_s": 7.2,
                    "respond_s": 7.2,
                    "valid_until_s": None,
                    "evidence": [],
                },
                {
                    "content": "Red.",
                    "st_time": None,
                    "end_time": None,
                    "time": 10,
                    "rid": "b",
                    "qid": "q",
                    "kind": "instant",
                    "start_s": 9.0,
                    "end_s": 9.0,
                    "respond_s": 9.0,
                    "valid_until_s": None,
                    "evidence": [],
                },
            ],
            "origin": 1,
            "duration": 9.5,
            "fps": 1.0,
            "sample_id": "v-a",
        }
    ]
