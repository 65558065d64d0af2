"""Raw rows in seconds: what their times mean, which question is answered, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.streamo.official_converter import official_states
from pipeline.corpus.streamo.origin import Origin, OriginFound, origin_of_rows
from pipeline.corpus.streamo.raw import RawSample, read_raw
from pipeline.dialogue.compile import compile_turns
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import even_tiling
from pipeline.records import Question, Response, Span


def read(origin: Origin = "auto", **row: Any) -> RawSample:
    row.setdefault("video_name", "v.mp4")
    return read_raw(row, number=7, origin=origin, default_question="What happens?")


def response(content: Any = "a", **keys: Any) -> dict[str, Any]:
    return {"content": content, **keys}


def instant(rid: str, qid: str, text: str, time_s: float) -> Response:
    times = {"start_s": time_s, "end_s": time_s, "respond_s": time_s}
    return Response(rid=rid, qid=qid, kind="instant", text=text, **times)


def spans(sample: RawSample) -> list[tuple[float, float, float]]:
    return [(r.start_s, r.end_s, r.respond_s) for r in sample.annotation.responses]


def refused(sample: RawSample) -> list[tuple[str, str]]:
    return [
        (refusal.rid, refusal.reason) for refusal in (*sample.refused_questions, *sample.refused)
    ]


def test_a_row() -> None:
    sample = read(
        video_path="a/v.mp4",
        task_type="QA",
        source="s",
        duration=12,
        question=[{"content": "Who?", "time": "5"}],
        response=[
            {"content": "A man.", "st_time": 5.0, "end_time": 6.0, "time": ""},
            {"content": "He left.", "st_time": "", "end_time": None, "time": 9},
        ],
        other={"x": 1},
    )
    assert (sample.video_name, sample.video_path) == ("v.mp4", "a/v.mp4")
    assert (sample.task, sample.source, sample.origin, sample.duration_s) == ("QA", "s", 1, 12.0)
    annotation = sample.annotation
    assert (annotation.video_id, annotation.annotation_id) == ("v.mp4", "raw-7")
    assert annotation.task == "QA"
    assert annotation.questions == [Question(qid="q0", text="Who?", asked_s=4.0, asked_by="given")]
    event = Span(start_s=4.0, end_s=6.0)
    assert annotation.responses == [
        Response(
            rid="r0",
            qid="q0",
            kind="event",
            text="A man.",
            start_s=4.0,
            end_s=6.0,
            respond_s=6.0,
            evidence=[event],
        ),
        instant("r1", "q0", "He left.", 8.0),
    ]
    assert sample.refused == ()


spaced = st.lists(st.tuples(st.integers(2, 4), st.integers(0, 3)), max_size=4)


@given(spaced)
def test_a_count_reads_as_the_official_converter_reads_it(gaps: list[tuple[int, int]]) -> None:
    # Two seconds apart and within the video, that one loses nothing: the states are the same.
    said, end = [], 0
    for gap, length in gaps:
        start, end = end + gap, end + gap + length
        times = {"st_time": start, "end_time": end} if length else {"time": start}
        said.append(response(f"{start}", **times))
    sample = read(response=said)
    compilation = compile_turns(sample.annotation, even_tiling("v.mp4", end + 1.0, 1.0))
    spelled = [STATE_TOKENS["official"].message(turn) for turn in compilation.dialogues[0].turns]
    assert spelled == official_states(end + 1, [], said, 1.0)[0]


ORIGINS: list[tuple[str, Origin, dict[str, Any], int, tuple[float, float, float]]] = [
    # a question at 3, an event and what the response is; (asked, start, end)
    ("whole numbers", "auto", {"st_time": 5, "end_time": 7}, 1, (2, 4, 7)),
    ("whole fractions", "auto", {"st_time": 5.0, "end_time": "7.0"}, 1, (2, 4, 7)),
    ("digits", "auto", {"st_time": " 5 ", "end_time": "7"}, 1, (2, 4, 7)),
    ("a fraction", "auto", {"st_time": 5, "end_time": 7.5}, 0, (3, 5, 7.5)),
    ("a fraction as text", "auto", {"st_time": "5.5", "end_time": 7}, 0, (3, 5.5, 7)),
    ("clocks", "auto", {"st_time": "0:05", "end_time": "0:00:07.5"}, 0, (3, 5, 7.5)),
    ("a fraction beside", "auto", {"st_time": 5, "end_time": 7, "time": 1.5}, 0, (3, 5, 7)),
    ("from 0", "auto", {"st_time": 0, "end_time": 7}, 0, (3, 0, 7)),
    ("a second long", "auto", {"st_time": 5, "end_time": 5}, 1, (2, 4, 5)),
    ("a second long as texts", 1, {"st_time": "5", "end_time": "5.0"}, 1, (2, 4, 5)),
    ("before 0", "auto", {"st_time": -1, "end_time": 7}, 1, (2, 0, 7)),
    ("before 0 as text", 0, {"st_time": "-1.5", "end_time": 7}, 0, (3, 0, 7)),
    ("unreadable beside", "auto", {"st_time": 5, "end_time": 7, "time": "5s"}, 1, (2, 4, 7)),
    ("forced to measure", 0, {"st_time": 5, "end_time": 7}, 0, (3, 5, 7)),
    ("forced to count", 1, {"st_time": 5.5, "end_time": 7.5}, 1, (2, 4.5, 7.5)),
    ("clocks never count", 1, {"st_time": "00:05", "end_time": 7}, 1, (2, 5, 7)),
    ("exact keys say nothing", "auto", {"start_s": 4.25, "end_s": 6.5}, 1, (2, 4.25, 6.5)),
    ("exact keys win", 1, {"st_time": 9, "end_time": 3, "start_s": 5, "end_s": 6}, 1, (2, 5, 6)),
]


@pytest.mark.parametrize(
    ("origin", "keys", "used", "expected"), [c[1:] for c in ORIGINS], ids=[c[0] for c in ORIGINS]
)
def test_origin(
    origin: Origin, keys: dict[str, Any], used: int, expected: tuple[float, float, float]
) -> None:
    question = {"content": "Who?", "time": 3}
    sample = read(origin, question=question, response=response(**keys))
    assert sample.origin == used
    ((start_s, end_s, respond_s),) = spans(sample)
    assert (sample.annotation.questions[0].asked_s, start_s, end_s) == expected
    assert respond_s == end_s


@pytest.mark.parametrize(
    ("said", "origin", "used"),
    [(0, "auto", 0), (1, "auto", 1), (0, 1, 1), (2, "auto", 1), ("0", "auto", 1), ([0], "auto", 1)],
)
def test_a_row_may_say_its_origin(said: Any, origin: Origin, used: int) -> None:
    row = {"video_name": "v", "origin": said, "response": response(time=3)}
    sample = read_raw(row, number=0, origin=origin, default_question="Q")
    assert sample.origin == used
    assert spans(sample) == [(3.0 - used,) * 3]


def test_the_keys_of_our_own_files_come_back_exactly() -> None:
    sample = read(
        origin=1,
        question=[
            {"content": "Who?", "time": 3, "qid": "a/q", "time_s": 2.4, "options": ["A", "B"]}
        ],
        response=[
            {
                **{"content": "e", "st_time": None, "end_time": None, "time": 6, "qid": "a/q"},
                **{"rid": "x", "kind": "event", "start_s": 3.25, "end_s": 4.5, "respond_s": 5.1},
                **{"valid_until_s": 9.5, "evidence": [[1.0, 2.0], [3.25, 4.5]]},
            },
            {
                **{"content": "i", "st_time": 4, "end_time": 6, "time": None, "qid": "a/q"},
                **{"rid": "y", "kind": "instant", "start_s": 3.0, "end_s": 3.5, "respond_s": 3.75},
                **{"valid_until_s": None, "evidence": []},
            },
            {"content": "t", "time": 1, "kind": "instant", "time_s": 7.5, "rid": 3},
            {"content": "k", "time": 1, "kind": "narration", "start_s": 1, "end_s": 2.5},
        ],
    )
    assert sample.refused == ()
    assert sample.annotation.questions == [
        Question(qid="a/q", text="Who?", asked_s=2.4, options=["A", "B"], asked_by="given")
    ]
    event, exact, timed, other = sample.annotation.responses
    assert event == Response(
        rid="x",
        qid="a/q",
        kind="event",
        text="e",
        start_s=3.25,
        end_s=4.5,
        respond_s=5.1,
        valid_until_s=9.5,
        evidence=[Span(start_s=1.0, end_s=2.0), Span(start_s=3.25, end_s=4.5)],
    )
    assert exact == instant("y", "a/q", "i", 3.0).model_copy(
        update={"end_s": 3.5, "respond_s": 3.75}
    )
    assert (timed.rid, timed.kind, timed.start_s, timed.respond_s) == ("3", "instant", 7.5, 7.5)
    assert (other.rid, other.kind, other.end_s) == ("r3", "event", 2.5)


@pytest.mark.parametrize("absent", [None, "", " "])
def test_what_is_absent_is_not_unreadable(absent: Any) -> None:
    keys = dict.fromkeys(
        ["st_time", "end_time", "start_s", "end_s", "respond_s", "qid", "rid"], absent
    )
    sample = read(
        question={"content": "Who?", "time": absent},
        response=response(time=3, valid_until_s=absent, evidence=absent, **keys),
        duration=absent,
    )
    assert sample.refused == ()
    assert sample.annotation.questions[0].asked_s == 0.0
    assert spans(sample) == [(2.0, 2.0, 2.0)]
    assert sample.duration_s is None


@pytest.mark.parametrize(
    "wrapped", [lambda e: e, lambda e: [e], lambda e: [[e]], lambda e: [[], [[e], []]]]
)
def test_lists_within_lists(wrapped: Any) -> None:
    sample = read(question=wrapped({"content": "Q"}), response=wrapped(response(time=1)))
    assert [question.text for question in sample.annotation.questions] == ["Q"]
    assert [r.text for r in sample.annotation.responses] == ["a"]
    assert sample.refused == ()


@pytest.mark.parametrize("questions", [None, "", [], [[]], [{"content": ""}], {"time": 4}])
def test_the_default_question(questions: Any) -> None:
    sample = read(question=questions, response=[response(time=3), response(time=4)])
    assert sample.annotation.questions == [Question(qid="q0", text="What happens?", asked_s=0.0)]
    assert [r.qid for r in sample.annotation.responses] == ["q0", "q0"]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ({"content": 5}, "bad_text"),
        ("Who?", "bad_entry"),
    ],
)
def test_no_response_answers_another_question_than_the_one_refused(
    question: Any, reason: str
) -> None:
    sample = read(question=question, response=response(time=3))
    assert refused(sample) == [("q0", reason), ("r0", "unknown_qid")]
    assert not sample.annotation.questions
    assert not sample.annotation.responses


def test_which_question_a_response_answers() -> None:
    three = [{"content": c, "time": t} for c, t in (("a", 2), ("b", 20), ("c", 10))]

    def answered(*times: Any, **keys: Any) -> list[str]:
        sample = read(question=three, response=[response(time=time, **keys) for time in times])
        assert sample.refused == ()
        return [r.qid for r in sample.annotation.responses]

    assert answered(30, 30, 30) == ["q0", "q1", "q2"]
    assert answered(30, 30, 30, qid="q1") == ["q1", "q1", "q1"]
    assert answered(1, 2, 9, 10, 19, 20) == ["q0", "q0", "q0", "q2", "q2", "q1"]
    assert answered(9, 11) == ["q0", "q2"]


@pytest.mark.parametrize(
    ("time", "reason"), [("5s", "bad_time"), ([5], "bad_time"), (-1, "before_start")]
)
def test_a_question_without_a_time_that_can_be_read_keeps_its_answers(
    time: Any, reason: str
) -> None:
    sample = read(question={"content": "Who?", "time": time}, response=response(time=3))
    assert sample.annotation.questions == [
        Question(qid="q0", text="Who?", asked_s=0.0, asked_by="given")
    ]
    assert [(each.rid, each.reason) for each in sample.untimed] == [("q0", reason)]
    assert refused(sample) == []
    assert [r.qid for r in sample.annotation.responses] == ["q0"]


def test_of_a_whole_file_the_rows_are_read_alike() -> None:
    question = {"content": "Who?", "time": "1"}
    row = {"video_name": "v", "question": question, "response": [response(st_time=2, end_time=4)]}
    fractions = {**row, "response": [response(st_time=2.5, end_time=4)]}
    file = origin_of_rows([row, fractions])
    for each, start_s in ((row, 2.0), (fractions, 2.5)):
        sample = read_raw(each, number=0, origin=file)
        assert sample.annotation.questions[0].asked_s == 0, "the first turn"
        assert spans(sample) == [(start_s, 4, 4)]
    assert spans(read_raw(row | {"origin": 1}, number=0, origin=file)) == [(1, 4, 4)]
    assert spans(read_raw(row | {"origin": 1}, number=0, origin=OriginFound(forced=0))) == [
        (2, 4, 4)
    ]


def test_starts_before_the_video_are_counted() -> None:
    said = [response(st_time=start, end_time=7) for start in (-1, 0.0, 1, "-0.5")]
    assert read(origin=1, response=said).clamped_starts == 2


def test_a_question_refused_keeps_its_position() -> None:
    questions = [{"content": 5, "time": 1}, {"content": "b", "time": 1}]
    sample = read(question=questions, response=[response("A", time=2), response("B", time=3)])
    assert [(r.text, r.qid) for r in sample.annotation.responses] == [("B", "q1")]
    assert refused(sample) == [("q0", "bad_text"), ("r0", "unknown_qid")]
