"""The checker of written dialogues: right ones have no fault, and each planted one is counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.corpus.audit.checker import (
    FAULTS,
    Checked,
    WrittenTurn,
    check,
    even_timeline,
    why_unsayable,
)
from pipeline.corpus.audit.checker_readers import READERS
from pipeline.corpus.formats import FORMATS
from pipeline.corpus.formats.base import View
from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import Tiling, even_tiling
from pipeline.records import Annotation, Question, Response, Span
from tests.pipeline.dialogue.annotations import made_of
from tests.pipeline.dialogue.samples import video_of

VIEW = View(
    tokens=STATE_TOKENS["official"],
    system="Watch.\nAnswer.",
    video=lambda head: head.uri,
    image=lambda head, index: f"{index}.jpg",
    weights=False,
)


def rows_of(annotation: Annotation, tiling: Tiling, form: str) -> list[Any]:
    """The rows of an annotation's dialogue in a format, as they come out of a file."""
    (dialogue,), _ = build_dialogues(video_of(tiling), tiling, [annotation], "v-0")
    found: list[Any] = json.loads(json.dumps(FORMATS[form].write(dialogue, VIEW)))
    return found


def written(annotation: Annotation, tiling: Tiling) -> list[WrittenTurn]:
    """The turns of an annotation's dialogue, out of a row of ``stream``."""
    return list(READERS["stream"](rows_of(annotation, tiling, "stream")).turns)


@given(st.floats(0.05, 500), st.sampled_from([0.37, 0.5, 1, 2, 3, 10, 29.97]))
def test_the_turns_of_a_duration(duration_s: float, turns_per_s: float) -> None:
    tiling = even_tiling("v", duration_s, turns_per_s)
    assert even_timeline(duration_s, turns_per_s).starts == tiling.starts[:-1]


def event(rid: str, start_s: float, end_s: float, qid: str = "q0") -> Response:
    return Response(
        rid=rid, qid=qid, kind="event", text=f"{rid} is over.", start_s=start_s, end_s=end_s,
        respond_s=end_s,
    )  # fmt: skip


QUESTIONS = [
    Question(qid="q0", text="What happens?", asked_s=0.0),
    Question(qid="q1", text="And now?\nSay it.", asked_s=9.5),
]
RESPONSES = [
    event("a", 1.0, 3.5),
    event("b", 5.0, 7.0),
    event("c", 10.0, 12.0, "q1"),
    event("d", 6.0, 7.0),
    event("e", 7.0, 8.0, "q1"),
    event("f", 14.0, 19.5),
]
CASE = made_of(QUESTIONS, RESPONSES)
ONE = made_of(QUESTIONS[:1], RESPONSES[:2])
TILING = even_tiling("v", 20.0, 1.0)


def checked(turns: list[WrittenTurn]) -> Checked:
    return check(turns, QUESTIONS, RESPONSES, even_timeline(20.0, 1.0))


def test_what_is_no_fault_is_counted() -> None:
    found = checked(written(CASE, TILING))
    assert found.faults == {}
    counts = {name: count for name, count in found.counts.items() if count}
    assert counts == {
        "kept": 6, "merged": 2, "postponed": 1, "clamped": 1, "early_by_clock": 1,
    }  # fmt: skip
    assert found.early_s == found.clamped_s == 0.5


def changed(turns: list[WrittenTurn], at: int, **fields: Any) -> None:
    turns[at] = turns[at]._replace(**fields)


def move(turns: list[WrittenTurn], at: int, to: int) -> None:
    changed(turns, to, state="response", text=turns[at].text)
    changed(turns, at, state="silence", text="")


def swap(turns: list[WrittenTurn], one: int, other: int) -> None:
    first, second = turns[one].text, turns[other].text
    changed(turns, one, text=second)
    changed(turns, other, text=first)


def ask_at(turns: list[WrittenTurn], at: int, to: int) -> None:
    questions = [turns[to].question, turns[at].question]
    changed(turns, to, question="\n".join(filter(None, questions)))
    changed(turns, at, question="")


PLANTED: dict[str, tuple[Callable[[list[WrittenTurn]], None], dict[str, int]]] = {
    "a response is dropped": (lambda t: changed(t, 12, state="silence", text=""), {"lost": 1}),
    "one of two in a turn is dropped": (lambda t: changed(t, 7, text="d is over."), {"lost": 1}),
    "it is said a turn early": (lambda t: move(t, 4, 3), {"early": 1}),
    "it is said long after": (lambda t: move(t, 4, 13), {"misplaced": 1}),
    "it is said before its question": (lambda t: move(t, 9, 8), {"before_question": 1}),
    "it is said before both": (lambda t: move(t, 9, 2), {"early": 1, "before_question": 1}),
    "it is said twice": (
        lambda t: changed(t, 13, state="response", text="a is over."),
        {"said_twice": 1},
    ),
    "it is said twice in one turn": (
        lambda t: changed(t, 7, text=f"{t[7].text}\nb is over."),
        {"said_twice": 1},
    ),
    "two have each other's text": (lambda t: swap(t, 4, 12), {"early": 1, "misplaced": 1}),
    "its text is another": (
        lambda t: changed(t, 4, text="What is over?"),
        {"lost": 1, "unexplained": 1},
    ),
    "nothing is said in a response": (
        lambda t: changed(t, 13, state="response"),
        {"unexplained": 1},
    ),
    "a response has the token of silence": (lambda t: changed(t, 12, state="silence"), {"lost": 1}),
    "a response has the token of standby": (lambda t: changed(t, 12, state="standby"), {"lost": 1}),
    "a standby is dropped": (lambda t: changed(t, 2, state="silence"), {"standby_missing": 1}),
    "standby goes on after the response": (
        lambda t: changed(t, 8, state="standby"),
        {"standby_unfounded": 1},
    ),
    "standby comes before the event": (
        lambda t: changed(t, 0, state="standby"),
        {"standby_unfounded": 1},
    ),
    "a question is dropped": (lambda t: changed(t, 9, question=""), {"questions_lost": 1}),
    "a question is asked later": (lambda t: ask_at(t, 9, 11), {"questions_late": 1}),
    "a question is asked in the first turn": (lambda t: ask_at(t, 9, 0), {"questions_early": 1}),
    "a question is asked twice": (
        lambda t: changed(t, 11, question=t[0].question),
        {"questions_unexplained": 1},
    ),
    "a turn is missing": (lambda t: t.__delitem__(13), {"turns_wrong": 7}),
    "the last turn is missing": (lambda t: t.__delitem__(-1), {"turns_wrong": 1, "lost": 1}),
    "there is one turn more": (
        lambda t: t.append(WrittenTurn(20.0, "silence", "", "")),
        {"turns_wrong": 1},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_counted(name: str) -> None:
    plant, expected = PLANTED[name]
    turns = written(CASE, TILING)
    plant(turns)
    found = checked(turns).faults
    assert found.items() >= expected.items()
    assert set(found) <= set(FAULTS)


EARLY = event("a", 3.0, 9.0).model_copy(
    update={
        "due_s": 6.0,
        "due_by": "earliest_reliable",
        "evidence": [Span(start_s=3.0, end_s=6.0)],
        "confirmed_s": [6.0, 8.0],
    }
)
"""Said while it goes on, at the first frame that a verifier confirmed."""


def test_no_response_comes_before_the_evidence_that_it_names() -> None:
    turns = written(made_of(QUESTIONS[:1], [EARLY]), TILING)
    assert turns[6].text == "a is over." and why_unsayable(EARLY, ["q0"], 20.0) == ""
    timeline = even_timeline(20.0, 1.0)
    assert check(turns, QUESTIONS[:1], [EARLY], timeline).faults == {}
    at_end = EARLY.model_copy(update={"due_s": None, "evidence": []})
    assert check(turns, QUESTIONS[:1], [at_end], timeline).faults["early"] == 1, "it was due at 9"
    move(turns, 6, 5)
    assert check(turns, QUESTIONS[:1], [EARLY], timeline).faults["early"] == 1


@pytest.mark.parametrize(
    "change",
    [
        {"confirmed_s": [8.0]},
        {"evidence": [Span(start_s=3.0, end_s=9.0)]},
        {"evidence": []},
        {"due_s": 5.0},
    ],
)
def test_evidence_that_nobody_confirmed_is_none(change: dict[str, Any]) -> None:
    planted = EARLY.model_copy(update=change)
    assert why_unsayable(planted, ["q0"], 20.0) == "early_response"


def test_what_several_say_alike_may_be_said_once() -> None:
    twins = [event("a", 1.0, 3.5), event("b", 2.0, 3.5)]
    twins[1] = twins[1].model_copy(update={"text": twins[0].text})
    turns = written(made_of(QUESTIONS, twins), TILING)
    for text in ("a is over.", "a is over.\na is over."):
        changed(turns, 4, text=text)
        found = check(turns, QUESTIONS, twins, even_timeline(20.0, 1.0))
        assert (found.faults, found.counts["kept"]) == ({}, 2)
        assert found.counts["repeated"] == (text == "a is over.")
