"""The answers to asks about summaries, and about questions that rest on a context."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.engines.embedded.contexts import (
    answer_in_context,
    question_about,
    questions_about,
    summary_of,
)
from pipeline.engines.embedded.generic import UnsupportedAskError
from pipeline.engines.embedded.tracks import Film

Variables = Mapping[str, Any]


def _summary(film: Film, variables: Variables) -> Any:
    return {"summary": summary_of([str(line["text"]) for line in variables["lines"]])}


def _questions(film: Film, variables: Variables) -> Any:
    question, follow_up = questions_about(
        str(variables["subject"]),
        str(variables["aspect"]),
        [str(want) for want in variables["wants"]],
        follow_up=bool(variables["follow_up"]),
        dependent=bool(variables["dependent"]),
    )
    return {"question": question, "follow_up": follow_up}


def _memory_question(film: Film, variables: Variables) -> Any:
    found = question_about(str(variables["summary"]), int(variables["distractors"]))
    if found is None:
        raise UnsupportedAskError("a summary in which nothing could be another")
    return found._asdict()


def _in_context(film: Film, variables: Variables) -> Any:
    memory = [str(line) for line in variables["memory"]]
    value = answer_in_context(
        film,
        str(variables["question"]),
        [str(option) for option in variables["options"]],
        list(variables["exchange"]),
        memory,
    )
    return {"seen": f"{len(film.times)} frames, {len(memory)} summaries.", "value": value}


CONTEXT_ANSWERS: Mapping[str, tuple[Callable[[Film, Variables], Any], tuple[str, ...]]] = {
    "StretchSummary": (_summary, ("lines", "max_words")),
    "TaxonomyQuestions": (
        _questions,
        ("subject", "aspect", "wants", "follow_up", "dependent", "values"),
    ),
    "MemoryQuestion": (_memory_question, ("summary", "distractors")),
    "AnswerInContext": (_in_context, ("question", "options", "exchange", "memory")),
}
"""As ``ANSWERS`` of the engine."""
