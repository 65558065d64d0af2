"""Raw rows: exact for us, and for the official converter as right as it can have them."""

from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import ExactEvent, ReadQuestion
from pipeline.corpus.formats.raw import judge
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
    assume(all(turn < int(dialogue.duration_s + 1e-6) for turn in turns))
    assume(
        all(
            turn.index < int(dialogue.duration_s + 1e-6) or not turn.question
            for turn in dialogue.turns
        )
    )
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    frames = int(dialogue.duration_s + 1e-6)
    states, asked = official_states(frames, row["question"], row["response"], 1.0)
    ours = [STATE_TOKENS["official"].message(turn) for turn in dialogue.turns]
    assert states == ours[:frames]
    assert set(asked) == {turn.index for turn in dialogue.turns if turn.question}
    alone = [turn for turn in dialogue.turns if len(turn.qids) == 1]
    assert all(asked[turn.index] == turn.question for turn in alone)


@given(dialogues())
def test_the_official_converter_keeps_a_response_a_whole_second(dialogue: Dialogue) -> None:
    # What is said once for several has one second, and the converter keeps it once.
    assume(not any("repeated" in response.flags for response in dialogue.responses))
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    frames = int(dialogue.duration_s + 1e-6)
    states, asked = official_states(frames, row["question"], row["response"], 1.0)
    kept = [state for state in states if state.startswith("</Response>")]
    wanted = [f"</Response> {response.text}" for response in dialogue.responses]
    if len(wanted) <= frames:
        assert kept == wanted, "all, in their order"
    assert len(kept) == min(len(wanted), frames)
    assert all(time < frames for time in asked)
    judged = judge(dialogue, row)
    assert judged.get("kept", 0) == len(kept)
    lost = "no_free_second" if frames else "no_whole_second"
    assert judged.get(lost, 0) == len(wanted) - len(kept)


@given(dialogues())
def test_official_times_are_the_nearest_free_seconds(dialogue: Dialogue) -> None:
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    last = max(1, int(dialogue.duration_s + 1e-6))
    given = {response.rid: response for response in dialogue.responses}
    taken = set()
    moved = 0
    for response in row["response"]:
        counted = [response[key] for key in ("st_time", "end_time", "time")]
        assert all(time is None or 1 <= time <= last for time in counted)
        assert (counted[2] is None) == (counted[0] is not None) == (counted[1] is not None)
        taken.add(second := response["end_time"] if counted[2] is None else counted[2] - 1)
        due = ceil(dialogue.turns[given[response["rid"]].turn].start_s - 1e-6)
        moved += second != due
        answered = {question["qid"]: question["time"] - 1 for question in row["question"]}
        assert answered[response["qid"]] <= second, "nothing is answered before it is asked"
    due_s = {ceil(dialogue.turns[each.turn].start_s - 1e-6) for each in dialogue.responses}
    if len(due_s) == len(dialogue.responses) and max(due_s, default=0) < last:
        assert (taken, moved) == (due_s, 0), "nothing is moved that need not be"
    assert all(1 <= question["time"] <= last for question in row["question"])


@pytest.mark.parametrize(
    ("duration_s", "ends", "seconds", "judged"),
    [
        (9.5, [4, 9.4], [4, 8], {"kept": 2, "moved": 1}),
        (9.5, [8, 9.4], [7, 8], {"kept": 2, "moved": 2}),
        (9.0, [4.2, 4.4, 5.5], [5, 6, 7], {"kept": 3, "moved": 2}),
        (2.0, [0.5, 0.7, 0.9], [0, 0, 1], {"kept": 2, "no_free_second": 1, "moved": 1}),
        (0.8, [0.5], [0], {"no_whole_second": 1}),
    ],
)
def test_what_the_official_converter_can_keep(
    duration_s: float, ends: list[float], seconds: list[int], judged: dict[str, int]
) -> None:
    responses = [event(f"{number}", end - 0.3, end) for number, end in enumerate(ends)]
    dialogue = dialogue_of(duration_s, 1, [AT_ONCE], responses)
    (row,) = as_json(FORMATS["raw"].write(dialogue, view()))
    said = sorted(row["response"], key=lambda each: each["rid"])
    placed = [each["end_time"] if each["time"] is None else each["time"] - 1 for each in said]
    assert placed == seconds
    assert {name: n for name, n in judge(dialogue, row).items() if n} == judged


def test_what_was_moved_says_so() -> None:
    late = Question(qid="late", text="Late?", asked_s=11.0)
    responses = [event("a", 5, 7), event("b", 6, 7), event("c", 8, 12)]
    dialogue = dialogue_of(10, 1, [AT_ONCE, late], responses)
    expected = {"a": ["merged"], "b": ["merged"], "c": ["clamped"]}
    raw, activation = (
        as_json(FORMATS[form].write(dialogue, view())) for form in ("raw", "activation")
    )
    assert {each["rid"]: each["flags"] for each in raw[0]["response"]} == expected
    assert [each["flags"] for each in raw[0]["question"]] == [[], ["late_question"]]
    assert {each["rid"]: each["flags"] for each in activation[0]["segments"]} == expected
    assert [each["flags"] for each in activation] == [[], ["late_question"]]
    for form in ("stream", "messages", "qwen_vl"):
        (row,) = as_json(FORMATS[form].write(dialogue, view()))
        assert row["flags"] == "7 merged; 9 clamped late_question"
    (livecc,) = as_json(FORMATS["livecc"].write(dialogue_of(10, 1, [AT_ONCE], responses), view()))
    assert livecc[1]["content"][0]["flags"] == [*expected.values()]
    assert livecc[0]["content"][1]["flags"] == []


def event(rid: str, start_s: float, end_s: float) -> Response:
    return Response(
        rid=rid, qid="q", kind="event", text=rid, start_s=start_s, end_s=end_s, respond_s=end_s
    )


AT_END: dict[str, Any] = {
    "due_s": None, "due_by": "end", "valid_from_s": None, "earliest_answerable_s": None,
    "confirmed_s": [], "still_until_s": None,
}  # fmt: skip
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
    dialogue = dialogue_of(10, 1, [ASKED], [event("a", 5.5, 7.2), changed])
    assert FORMATS["raw"].write(dialogue, view()) == [
        {
            "video_name": "v.mp4",
            "video_path": "videos/v.mp4",
            "task_type": "tsqa",
            "source": "films",
            "licence": "CC0",
            "models": "",
            "for_training": True,
            "is_negative": False,
            "question": [
                {
                    "content": "What happens?",
                    "time": 5,
                    "qid": "q",
                    "time_s": 4.2,
                    "options": [],
                    "flags": [],
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
                    **AT_END,
                    "flags": [],
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
                    **AT_END,
                    "flags": [],
                },
            ],
            "origin": 1,
            "duration": 10,
            "fps": 1.0,
            "sample_id": "v-a",
        }
    ]
