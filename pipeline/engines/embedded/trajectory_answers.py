"""The answers to asks about the type of a video, its questions, and what a roll-out says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.engines.embedded.changes import looks
from pipeline.engines.embedded.streaming import answer_so_far, kind_of, questions_of, relevant_to
from pipeline.engines.embedded.tracks import Film

Variables = Mapping[str, Any]


def _type_seen(film: Film, variables: Variables) -> Any:
    return {"seen": looks(film.observations), "kind": kind_of(film)}


def _type_questions(film: Film, variables: Variables) -> Any:
    found = questions_of(film, str(variables["kind"]))
    return {"questions": [*found[: int(variables["questions"])]]}


def _piece_judged(film: Film, variables: Variables) -> Any:
    asked = [str(question) for question in variables["questions"]]
    numbers = [n for n, question in enumerate(asked, 1) if relevant_to(film, question)]
    return {"seen": looks(film.observations), "relevant": numbers}


def _answer_now(film: Film, variables: Variables) -> Any:
    answer = answer_so_far(film, str(variables["question"]))
    return {"seen": looks(film.observations[-1:]), "answer": answer}


TRAJECTORY_ANSWERS: Mapping[str, tuple[Callable[[Film, Variables], Any], tuple[str, ...]]] = {
    "TypeSeen": (_type_seen, ()),
    "TypeQuestions": (_type_questions, ("kind", "questions")),
    "PieceJudged": (_piece_judged, ("questions",)),
    "AnswerNow": (_answer_now, ("question",)),
}
"""As ``ANSWERS`` of the engine."""
