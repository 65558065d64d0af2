"""The checker reads every format, and what the compiler makes has no fault in any."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.corpus.audit.checker import Timeline, why_unsayable
from pipeline.corpus.audit.checker_entries import UNTOLD, check_written
from pipeline.corpus.audit.checker_readers import READERS
from pipeline.corpus.formats import FORMATS
from pipeline.records import Annotation, Question, Response
from tests.pipeline.corpus.test_checker import ONE, TILING, rows_of
from tests.pipeline.dialogue.annotations import Case, cases, made_of


def sayable(annotation: Annotation, end_s: float) -> list[Response]:
    known = {question.qid for question in annotation.questions}
    return [r for r in annotation.responses if not why_unsayable(r, known, end_s)]


def of_one_question(case: Case) -> Case:
    """The first question of a case with its responses, for the format that holds no more."""
    question = case.annotation.questions[0]
    responses = [r for r in case.annotation.responses if r.qid == question.qid]
    return replace(case, annotation=made_of([question], responses))


def test_there_is_a_reader_for_every_format() -> None:
    assert READERS.keys() == FORMATS.keys()


@given(cases(), st.sampled_from(sorted(FORMATS)))
def test_what_the_compiler_makes_has_no_fault_in_any_format(case: Case, form: str) -> None:
    if form == "livecc":
        case = of_one_question(case)
        assume(case.annotation.responses)
    annotation, tiling = case.annotation, case.tiling
    responses = sayable(annotation, tiling.end_s)
    refused = {r.rid for r in annotation.responses} - {r.rid for r in responses}
    assert refused == case.refused.keys()
    if annotation.responses and not responses:
        return
    timeline = Timeline(tiling.starts[:-1], tiling.frames, tiling.end_s)
    written = READERS[form](rows_of(annotation, tiling, form))
    checked = check_written(written, annotation.questions, responses, timeline)
    assert checked.faults == {}
    assert checked.counts["kept"] == len(responses)
    assert checked.untold == UNTOLD[written.clock]


def test_what_is_said_or_waited_for_in_a_negative_is_a_fault() -> None:
    asked = made_of([Question(qid="q", text="When does a dog run?", asked_s=0)], [])
    negative = asked.model_copy(update={"is_negative": True})
    rows = rows_of(negative, TILING, "stream")
    timeline = Timeline(TILING.starts[:-1], TILING.frames, TILING.end_s)
    for token, fault in (("</Standby>", "standby_unfounded"), ("</Response> now", "unexplained")):
        spoilt = deepcopy(rows)
        spoilt[0]["messages"][-1]["content"] = token
        checked = check_written(READERS["stream"](spoilt), negative.questions, [], timeline)
        assert checked.faults == {fault: 1}


@pytest.mark.parametrize(
    ("form", "spoil"),
    [
        ("stream", lambda rows: rows[0]["messages"][1].update(content="<0s-1s>")),
        ("messages", lambda rows: rows[0]["messages"][2].update(content="</Asleep>")),
        ("qwen_vl", lambda rows: rows[0]["conversations"].pop()),
        ("raw", lambda rows: rows[0].update(origin=0)),
        ("livecc", lambda rows: rows[0].pop()),
        ("activation", lambda rows: rows[0].pop("segments")),
        ("stride", lambda rows: rows[0].pop("segment")),
    ],
)
def test_what_is_not_of_the_format_is_not_read(
    form: str, spoil: Callable[[list[Any]], Any]
) -> None:
    rows = rows_of(ONE, TILING, form)
    READERS[form](rows)
    spoil(rows)
    with pytest.raises((KeyError, ValueError)):
        READERS[form](rows)
