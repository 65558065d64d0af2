"""Small cases, one by one: what comes of an annotation, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any, Literal

import pytest

from pipeline.dialogue.compile import Compiled, DialogueError, compile_turns
from pipeline.records import Annotation, Question, Response, Segment, Span

LETTERS = {"silence": "S", "standby": "B", "response": "R"}


def segments_of(duration_s: int, turns_per_s: int) -> list[Segment]:
    return [
        Segment(
            video_id="v",
            index=i,
            start_s=i / turns_per_s,
            end_s=(i + 1) / turns_per_s,
            frame_s=i / turns_per_s,
        )
        for i in range(duration_s * turns_per_s)
    ]


def annotation(questions: list[Question], responses: list[Response]) -> Annotation:
    return Annotation(
        video_id="v", annotation_id="a", task="tsqa", questions=questions, responses=responses
    )


def event(rid: str, start_s: float, end_s: float, **more: Any) -> Response:
    fields = {"qid": "q", "kind": "event", "text": rid, "respond_s": end_s, **more}
    return Response(rid=rid, start_s=start_s, end_s=end_s, **fields)


def instant(rid: str, time_s: float, **more: Any) -> Response:
    return event(rid, time_s, time_s, kind="instant", **more)


def shape(compiled: Compiled) -> str:
    return "".join(LETTERS[turn.state] for turn in compiled.turns)


ASKED = Question(qid="q", text="What happens?", asked_s=0.0)
A, B = "A", "B"

LOSSLESS = [
    # inputs on which a converter that lets later states overwrite earlier ones loses a response
    ("one event", 10, 1, [event(A, 5, 7)], "SSSSSBBRSS", ""),
    ("an event until the end", 10, 1, [event(A, 7, 10)], "SSSSSSSBBR", "clamped"),
    ("an event until just before it", 10, 1, [event(A, 7, 9.99)], "SSSSSSSBBR", "clamped"),
    ("events that touch", 12, 1, [event(A, 0, 5), event(B, 5, 9)], "BBBBBRBBBRSS", ""),
    ("listed backwards", 12, 1, [event(B, 5, 9), event(A, 0, 5)], "BBBBBRBBBRSS", ""),
    ("one second between", 12, 1, [event(A, 0, 5), event(B, 6, 9)], "BBBBBRBBBRSS", ""),
    ("two seconds between", 12, 1, [event(A, 0, 5), event(B, 7, 9)], "BBBBBRSBBRSS", ""),
    ("nested", 12, 1, [event(B, 2, 9), event(A, 4, 6)], "SSBBBBRBBRSS", ""),
    ("nested, listed backwards", 12, 1, [event(A, 4, 6), event(B, 2, 9)], "SSBBBBRBBRSS", ""),
    ("between turns", 12, 1, [event(A, 5.9, 7.9)], "SSSSSSBBRSSS", ""),
    ("an instant at zero", 6, 1, [instant(A, 0)], "RSSSSS", ""),
    ("an instant at one", 6, 1, [instant(A, 1)], "SRSSSS", ""),
    ("an instant at the end", 6, 1, [instant(A, 6)], "SSSSSR", "clamped"),
    ("an instant past it", 6, 1, [instant(A, 7)], "SSSSSR", "clamped"),
    ("two in one second", 6, 1, [instant(B, 3.8), instant(A, 3.1)], "SSSSRS", "merged"),
    ("a zero-length event", 6, 1, [event(A, 3, 3)], "SSSRSS", ""),
    (
        "evidence before the span",
        *(10, 1, [event(A, 5, 7, evidence=[Span(start_s=3, end_s=4)])], "SSSBBBBRSS", ""),
    ),
    ("two turns a second", 6, 2, [event(A, 2, 4)], "SSSSBBBBRSSS", ""),
    ("thirds of a second", 2, 3, [event(A, 1 / 3, 1 / 3 + 1 / 3 + 1 / 3)], "SBBRSS", ""),
]


@pytest.mark.parametrize(
    ("duration_s", "turns_per_s", "responses", "expected", "flag"),
    [case[1:] for case in LOSSLESS],
    ids=[case[0] for case in LOSSLESS],
)
def test_nothing_is_lost(
    duration_s: int, turns_per_s: int, responses: list[Response], expected: str, flag: str
) -> None:
    compiled = compile_turns(annotation([ASKED], responses), segments_of(duration_s, turns_per_s))
    assert shape(compiled) == expected
    said = [line for turn in compiled.turns for line in turn.text.splitlines()]
    assert sorted(said) == sorted(response.text for response in responses)
    assert {flag for p in compiled.placements for flag in p.flags} == ({flag} if flag else set())


def test_two_questions_in_one_turn_are_joined() -> None:
    questions = [
        Question(qid="b", text="Which colour?", asked_s=3.0),
        Question(qid="a", text="How many?", asked_s=3.0),
        Question(qid="c", text="Who?", asked_s=99.0),
    ]
    turns = compile_turns(annotation(questions, []), segments_of(6, 1)).turns
    assert [turn.question for turn in turns] == [
        *("", "", "", "How many?\nWhich colour?", "", "Who?")
    ]


def test_a_late_question_is_answered_at_once_and_waits_from_then_on() -> None:
    asked = Question(qid="q", text="What happens?", asked_s=4.5)
    compiled = compile_turns(
        annotation([asked], [event(A, 1, 3), event(B, 2, 7)]), segments_of(9, 1)
    )
    assert shape(compiled) == "SSSSRBBRS"
    assert [p.flags for p in compiled.placements] == [(), ()]


def test_a_shift_stays_within_validity_and_never_displaces_another() -> None:
    together = [
        instant("a", 2.0, valid_until_s=9),
        instant("b", 2.0, valid_until_s=9),
        instant("c", 3.0),
        instant("d", 2.0, valid_until_s=4),
        event("e", 1.0, 2.0),
    ]
    compiled = compile_turns(annotation([ASKED], together), segments_of(8, 1), collision="shift")
    stands = {p.rid: (p.turn, p.flags) for p in compiled.placements}
    assert stands == {
        "e": (2, ("merged",)),
        "d": (2, ("merged",)),
        "a": (4, ("shifted",)),
        "b": (5, ("shifted",)),
        "c": (3, ()),
    }
    assert shape(compiled) == "SBRRRRSS"
    assert compiled.turns[2].text == "e\nd"
    assert compiled.turns[2].flags == ["merged"]
    assert compiled.flagged("merged") == compiled.flagged("shifted") == 2


GOOD = segments_of(10, 1)
REFUSED: list[tuple[str, Annotation, list[Segment]]] = [
    ("reversed_span", annotation([ASKED], [event(A, 8, 4)]), GOOD),
    (
        "reversed_span",
        annotation([ASKED], [event(A, 1, 9, evidence=[Span(start_s=3, end_s=2)])]),
        GOOD,
    ),
    ("unknown_qid", annotation([ASKED], [event(A, 1, 2, qid="other")]), GOOD),
    ("early_response", annotation([ASKED], [event(A, 1, 5, respond_s=4)]), GOOD),
    ("early_response", annotation([ASKED], [instant(A, 5, respond_s=4)]), GOOD),
    (
        "early_response",
        annotation([ASKED], [instant(A, 5, evidence=[Span(start_s=3, end_s=7)])]),
        GOOD,
    ),
    ("empty_text", annotation([ASKED], [event(A, 2, 3, text=" ")]), GOOD),
    ("empty_text", annotation([ASKED.model_copy(update={"text": ""})], []), GOOD),
    ("duplicate_id", annotation([ASKED, ASKED], []), GOOD),
    ("duplicate_id", annotation([ASKED], [event(A, 1, 2), event(A, 3, 4)]), GOOD),
    ("bad_segments", annotation([ASKED], []), []),
    ("bad_segments", annotation([ASKED], []), [GOOD[0], GOOD[2]]),
    ("bad_segments", annotation([ASKED], []), [GOOD[0], GOOD[0]]),
    (
        "bad_segments",
        annotation([ASKED], []),
        [GOOD[0], GOOD[1].model_copy(update={"start_s": 1.5})],
    ),
    ("bad_segments", annotation([ASKED], []), [GOOD[0].model_copy(update={"video_id": "w"})]),
]


@pytest.mark.parametrize(("reason", "bad", "segments"), REFUSED)
def test_what_makes_no_dialogue_is_refused_with_a_reason(
    reason: str, bad: Annotation, segments: list[Segment]
) -> None:
    with pytest.raises(DialogueError) as caught:
        compile_turns(bad, segments)
    assert caught.value.reason == reason
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, again.detail) == (reason, caught.value.detail)


def test_an_instant_waits_for_a_frame_that_shows_it() -> None:
    """At 4 s a film of 24000/1001 frames a second shows the frame of 3.962 s."""
    segments = [
        Segment(video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=max(0.0, i - 0.038))
        for i in range(7)
    ]

    def turn_of(kind: Literal["instant", "event"], start_s: float, end_s: float) -> int:
        response = Response(
            rid="r", qid="q", kind=kind, text="x", start_s=start_s, end_s=end_s, respond_s=end_s
        )
        made = Annotation(
            video_id="v",
            annotation_id="a",
            task="t",
            questions=[Question(qid="q", text="?", asked_s=0)],
            responses=[response],
        )
        return compile_turns(made, segments).placements[0].turn

    assert turn_of("instant", 3.962, 3.962) == 4
    assert turn_of("instant", 3.99, 3.99) == 5, "the frame at turn 4 does not show it yet"
    assert turn_of("event", 1.0, 4.0) == 4, "all that the span holds was on screen before 4 s"
