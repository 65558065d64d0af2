"""Small cases, one by one: what comes of an annotation, and what is refused."""

from __future__ import annotations

import pickle
from itertools import permutations
from typing import Any, Literal

import pytest

from pipeline.dialogue.compile import Compiled, compile_turns
from pipeline.dialogue.placement import Collision
from pipeline.dialogue.tiling import DialogueError, Tiling, even_tiling, tiling_of
from pipeline.records import Annotation, Question, Response, Segment, Span
from tests.pipeline.dialogue.annotations import made_of as annotation

LETTERS = {"silence": "S", "standby": "B", "response": "R"}


def segments_of(turns: int) -> list[Segment]:
    return [
        Segment(video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1)
        for i in range(turns)
    ]


def one(made: Annotation, tiling: Tiling, collision: Collision = "merge") -> Compiled:
    (compiled,) = compile_turns(made, tiling, collision=collision).dialogues
    return compiled


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
    ("two in one second", 6, 1, [instant(B, 3.8), instant(A, 3.1)], "SSSSRS", "merged"),
    ("an event that goes on past the end", 6, 1, [event(A, 3, 60)], "SSSBBR", "clamped"),
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
    compiled = one(annotation([ASKED], responses), even_tiling("v", duration_s, turns_per_s))
    assert shape(compiled) == expected
    said = [line for turn in compiled.turns for line in turn.text.splitlines()]
    assert sorted(said) == sorted(response.text for response in responses)
    assert {flag for each in compiled.responses for flag in each.flags} == (
        {flag} if flag else set()
    )


def test_two_questions_in_one_turn_are_joined() -> None:
    questions = [
        Question(qid="b", text="Which colour?", asked_s=3.0),
        Question(qid="a", text="How many?", asked_s=3.0),
        Question(qid="c", text="Who?", asked_s=99.0),
    ]
    turns = one(annotation(questions, []), even_tiling("v", 6, 1)).turns
    assert [turn.question for turn in turns] == [
        *("", "", "", "How many?\nWhich colour?", "", "Who?")
    ]
    assert turns[5].flags == ["late_question"] and not turns[3].flags


def test_a_late_question_is_answered_at_once_and_waits_from_then_on() -> None:
    asked = Question(qid="q", text="What happens?", asked_s=4.5)
    made = annotation([asked], [event(A, 1, 3), event(B, 2, 7)])
    compiled = one(made, even_tiling("v", 9, 1))
    assert shape(compiled) == "SSSSRBBRS"
    assert [each.flags for each in compiled.responses] == [["postponed"], []]
    assert compiled.turns[4].flags == ["postponed"] and compiled.flagged("postponed") == 1


@pytest.mark.parametrize("collision", ["merge", "shift", "split"])
def test_of_responses_at_one_time_the_ids_do_not_decide(collision: Collision) -> None:
    texts, tiling = ["c", "a", "b"], even_tiling("v", 8, 1)
    said = []
    for order in permutations(texts):
        rows = [instant(f"r{i}", 2.0, text=text) for i, text in enumerate(order)]
        made = compile_turns(annotation([ASKED], rows), tiling, collision=collision)
        said.append([[turn.text for turn in each.turns] for each in made.dialogues])
    assert all(each == said[0] for each in said)
    assert said[0][0][2].startswith("a")


@pytest.mark.parametrize("collision", ["merge", "shift", "split"])
def test_what_several_say_of_the_same_is_said_once(collision: Collision) -> None:
    twins = [event("r0", 1, 3, text="x"), event("r1", 1, 3, text="x"), event("r2", 1, 3, text="x")]
    compiled = one(annotation([ASKED], twins), even_tiling("v", 6, 1), collision)
    assert shape(compiled) == "SBBRSS"
    turn = compiled.turns[3]
    assert (turn.text, turn.rids, turn.answers) == ("x", ["r0", "r1", "r2"], ["q"] * 3)
    assert turn.flags == ["merged", "repeated"]
    assert [each.flags for each in compiled.responses] == [
        *(["merged"], ["merged", "repeated"], ["merged", "repeated"])
    ]
    other = [*twins[:2], event("r3", 1, 3, text="y"), event("r4", 0, 3, text="x")]
    whole = one(annotation([ASKED], other), even_tiling("v", 6, 1))
    assert whole.turns[3].text == "x\nx\ny", "the same words of another span are no repetition"
    assert whole.flagged("repeated") == 1


def test_a_shift_stays_within_validity_and_never_displaces_another() -> None:
    together = [
        instant("a", 2.0, valid_until_s=9),
        instant("b", 2.0, valid_until_s=9),
        instant("c", 3.0),
        instant("d", 2.0, valid_until_s=4),
        event("e", 1.0, 2.0),
    ]
    compiled = one(annotation([ASKED], together), even_tiling("v", 8, 1), "shift")
    stands = {each.rid: (each.turn, *each.flags) for each in compiled.responses}
    assert stands == {
        "e": (2, "merged"),
        "d": (2, "merged"),
        "a": (4, "shifted"),
        "b": (5, "shifted"),
        "c": (3,),
    }
    assert shape(compiled) == "SBRRRRSS"
    assert compiled.turns[2].text == "e\nd"
    assert compiled.turns[2].flags == ["merged"]
    assert compiled.flagged("merged") == compiled.flagged("shifted") == 2


def test_splitting_gives_the_later_ones_a_dialogue_apart_with_their_questions() -> None:
    questions = [ASKED, Question(qid="other", text="Who?", asked_s=1.0)]
    said = [instant("a", 2.0), instant("b", 2.0, qid="other"), event("c", 0.0, 2.0), event(A, 3, 4)]
    compilation = compile_turns(
        annotation(questions, said), even_tiling("v", 5, 1), collision="split"
    )
    assert [shape(each) for each in compilation.dialogues] == ["BBRBR", "SSRSS", "SSRSS"]
    assert [[r.rid for r in each.responses] for each in compilation.dialogues] == [
        *(["c", A], ["a"], ["b"])
    ]
    asked = [[q for turn in each.turns for q in turn.qids] for each in compilation.dialogues]
    assert asked == [["q", "other"], ["q"], ["other"]]
    assert [r.flags for each in compilation.dialogues for r in each.responses] == [
        *([], [], ["split"], ["split"])
    ]


BACKWARDS = Span(start_s=3, end_s=2)
LATER = Span(start_s=3, end_s=7)
REFUSED: list[tuple[str, Response]] = [
    ("reversed_span", event(A, 8, 4)),
    ("reversed_span", event(A, 1, 9, evidence=[BACKWARDS])),
    ("zero_length_span", event(A, 3, 3)),
    ("past_the_end", event(A, 10, 12)),
    ("past_the_end", event(A, 11, 12)),
    ("past_the_end", instant(A, 10.5)),
    ("unknown_qid", event(A, 1, 2, qid="other")),
    ("early_response", event(A, 1, 5, respond_s=4)),
    ("early_response", instant(A, 5, respond_s=4)),
    ("early_response", instant(A, 5, evidence=[LATER])),
    ("empty_text", event(A, 2, 3, text=" ")),
]


@pytest.mark.parametrize(("reason", "bad"), REFUSED)
def test_a_response_that_nothing_bears_out_is_refused_and_its_neighbour_stays(
    reason: str, bad: Response
) -> None:
    compilation = compile_turns(annotation([ASKED], [bad, event(B, 1, 4)]), even_tiling("v", 10, 1))
    assert [(r.rid, r.reason) for r in compilation.refused] == [(A, reason)]
    assert [shape(each) for each in compilation.dialogues] == ["SBBBRSSSSS"]


GOOD = segments_of(10)
UNUSABLE: list[tuple[str, Annotation]] = [
    ("empty_text", annotation([ASKED.model_copy(update={"text": ""})], [])),
    ("duplicate_id", annotation([ASKED, ASKED], [])),
    ("duplicate_id", annotation([ASKED], [event(A, 1, 2), event(A, 3, 4)])),
    ("other_video", annotation([ASKED], []).model_copy(update={"video_id": "w"})),
]


@pytest.mark.parametrize(("reason", "bad"), UNUSABLE)
def test_what_makes_no_dialogue_is_refused_with_a_reason(reason: str, bad: Annotation) -> None:
    with pytest.raises(DialogueError) as caught:
        compile_turns(bad, tiling_of("v", GOOD))
    assert caught.value.reason == reason
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.reason, again.detail) == (reason, caught.value.detail)


@pytest.mark.parametrize(
    "segments",
    [
        [],
        [GOOD[0], GOOD[2]],
        [GOOD[0], GOOD[0]],
        [GOOD[0], GOOD[1].model_copy(update={"start_s": 1.5})],
        [GOOD[0], GOOD[1].model_copy(update={"frame_s": 5.0}), GOOD[2]],
        [GOOD[0].model_copy(update={"video_id": "w"})],
        [GOOD[0], GOOD[1].model_copy(update={"turns_per_s": 2.0})],
        [each.model_copy(update={"turns_per_s": 2.0}) for each in GOOD],
    ],
)
def test_segments_that_do_not_tile_are_refused(segments: list[Segment]) -> None:
    with pytest.raises(DialogueError) as caught:
        tiling_of("v", segments)
    assert caught.value.reason == "bad_segments"


def test_an_even_tiling_covers_the_video_once() -> None:
    assert even_tiling("v", 9.7, 1).starts == (*range(10), 9.7)
    assert len(even_tiling("v", 10.0, 1)) == 10
    assert len(even_tiling("v", 0.2, 1)) == 1
    assert len(even_tiling("v", 4.0, 0.5)) == 2
    for duration_s in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(DialogueError):
            even_tiling("v", duration_s, 1)


def test_an_instant_waits_for_a_frame_that_shows_it() -> None:
    """At 4 s a film of 24000/1001 frames a second shows the frame of 3.962 s."""
    tiling = Tiling("v", tuple(range(8)), tuple(max(0.0, i - 0.038) for i in range(7)), 1.0)

    def turn_of(kind: Literal["instant", "event"], start_s: float, end_s: float) -> int:
        response = Response(
            rid="r", qid="q", kind=kind, text="x", start_s=start_s, end_s=end_s, respond_s=end_s
        )
        return one(annotation([ASKED], [response]), tiling).responses[0].turn

    assert turn_of("instant", 3.962, 3.962) == 4
    assert turn_of("instant", 3.99, 3.99) == 5, "the frame at turn 4 does not show it yet"
    assert turn_of("event", 1.0, 4.0) == 4, "all that the span holds was on screen before 4 s"


@pytest.mark.parametrize(("duration_s", "turns_per_s"), [(0.4, 1.0), (0.4, 2.0), (9.0, 0.1)])
def test_a_video_of_one_turn_has_the_rate_that_was_asked_for(
    duration_s: float, turns_per_s: float
) -> None:
    tiling = even_tiling("v", duration_s, turns_per_s)
    assert (len(tiling), tiling.turns_per_s) == (1, turns_per_s)
    segment = Segment(
        video_id="v", index=0, start_s=0, end_s=duration_s, frame_s=0, turns_per_s=turns_per_s
    )
    assert tiling_of("v", [segment]) == tiling
