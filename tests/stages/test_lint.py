from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.records import Annotation, Provenance, Reject, Verdict
from pipeline.workflow.stage import Context
from stages import lint
from stages._wording import required_checks
from tests.conftest import examples


@pytest.fixture
def linted(
    provenance: Provenance, video_rows: Callable[..., Any]
) -> Callable[..., tuple[Annotation | None, list[tuple[str, str]]]]:
    """The annotation that is left, if any, and the refusals: what was refused, and why.

    ``looks_at`` maps ``(rid, look)`` to a result; all others passed. None stands for no verdict.
    """

    def run(
        annotation: Annotation,
        looks_at: dict[tuple[str, str], bool | None] | None = None,
        **config: Any,
    ) -> tuple[Annotation | None, list[tuple[str, str]]]:
        verdicts = [
            Verdict(
                video_id="v",
                annotation_id=annotation.annotation_id,
                rid=response.rid,
                check=look,
                expected=response.text,
                seen="",
                passed=passed,
                provenance=provenance,
            )
            for response, look in required_checks(annotation.responses)
            if (passed := (looks_at or {}).get((response.rid, look), True)) is not None
        ]
        rows = video_rows({Annotation: [annotation], Verdict: verdicts})
        made = list(lint.STAGE.run([rows], lint.Config(**config), Context()))
        left = [a for a in made if isinstance(a, Annotation)]
        refused = [
            ("response" if r.detail.startswith("response") else "annotation", r.reason)
            for r in made
            if isinstance(r, Reject)
        ]
        assert len(left) + sum(what == "annotation" for what, _ in refused) == 1
        return (left[0] if left else None), refused

    return run


GOOD = ((0.0, "red"), (3.0, "green"), (7.0, "red"))


def test_a_good_annotation_keeps_all_and_gains_checks(
    linted: Callable[..., Any], tsqa: Callable[..., Annotation]
) -> None:
    annotation = tsqa(*GOOD)
    left, refused = linted(annotation)
    assert not refused
    gained = {"checks": left.checks, "provenance": left.provenance}
    assert left == annotation.model_copy(update=gained)
    assert len(left.provenance) == 5, "one a look"
    assert [(c.name, c.rid, c.score) for c in left.checks] == [
        ("answerable", "r0", 1.0),
        ("answerable", "r1", 1.0),
        ("premature", "r1", 1.0),
        ("answerable", "r2", 1.0),
        ("premature", "r2", 1.0),
        ("distinct_answers", "", 2.0),
        ("smallest_gap_s", "", 3.0),
    ]


def test_one_failed_answer_takes_its_question_along(
    linted: Callable[..., Any], tsqa: Callable[..., Annotation]
) -> None:
    annotation, refused = linted(tsqa(*GOOD), {("r1", "premature"): False})
    assert annotation is None
    assert ("annotation", "unconfirmed_answer") in refused


@pytest.mark.parametrize(
    ("looks_at", "reasons", "left"),
    [
        ({("r2", "answerable"): False}, ["not_answerable"], ["r0", "r1"]),
        ({("r2", "premature"): False}, ["premature"], ["r0", "r1"]),
        ({("r2", "premature"): None}, ["unverified"], ["r0", "r1"]),
        ({("r0", "answerable"): False}, ["not_answerable"], ["r1", "r2"]),
        ({("r1", "answerable"): False}, ["not_answerable", "repeat"], None),
    ],
)
def test_a_response_must_have_passed_all_its_looks(
    linted: Callable[..., Any],
    tsqa: Callable[..., Annotation],
    looks_at: dict[tuple[str, str], bool | None],
    reasons: list[str],
    left: list[str] | None,
) -> None:
    annotation, refused = linted(tsqa(*GOOD), looks_at, keep_partial=True)
    assert [reason for what, reason in refused if what == "response"] == reasons
    assert (annotation and [r.rid for r in annotation.responses]) == left


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((), "too_few_answers"),
        (((0, "red"),), "too_few_answers"),
        (((0, "red"), (5, "Red.")), "too_few_answers"),
        (((0, "red"), (2.5, "green")), "gap_too_small"),
        (tuple((i * 5, str(i)) for i in range(9)), "too_many_answers"),
        (tuple((i * 5, str(i)) for i in range(8)), None),
        (((0, "red"), (2.97, "green")), None),
    ],
)
def test_rules(
    linted: Callable[..., Any],
    tsqa: Callable[..., Annotation],
    answers: tuple[tuple[float, str], ...],
    reason: str | None,
) -> None:
    _, refused = linted(tsqa(*answers))
    assert dict(refused).get("annotation") == reason


def test_a_repeat_is_merged_and_need_not_be_news(
    linted: Callable[..., Any], tsqa: Callable[..., Annotation]
) -> None:
    annotation = tsqa((0, "red"), (4, "Red."), (8, "green"))
    assert [(r.rid, look) for r, look in required_checks(annotation.responses)] == [
        ("r0", "answerable"),
        ("r1", "answerable"),
        ("r2", "answerable"),
        ("r2", "premature"),
    ]
    left, refused = linted(annotation)
    assert [r.rid for r in left.responses] == ["r0", "r2"]
    assert refused == [("response", "repeat")]


def test_a_question_comes_before_its_answers(
    linted: Callable[..., Any], tsqa: Callable[..., Annotation]
) -> None:
    annotation = tsqa(*GOOD)
    question = annotation.questions[0].model_copy(update={"asked_s": 1.0})
    _, refused = linted(annotation.model_copy(update={"questions": [question]}))
    assert refused == [("annotation", "asked_too_late")]


@settings(max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.floats(0, 60), st.sampled_from(["red", "Red", "green", "b"])), max_size=7
    ),
    st.data(),
)
def test_laws(
    linted: Callable[..., Any],
    tsqa: Callable[..., Annotation],
    answers: list[tuple[float, str]],
    data: st.DataObject,
) -> None:
    annotation = tsqa(*answers)
    results = {
        (response.rid, look): data.draw(st.sampled_from([True, True, True, False, None]))
        for response, look in required_checks(annotation.responses)
    }
    left, refused = linted(annotation, results)
    if left is None:
        return
    kept = left.responses
    assert len(kept) + sum(what == "response" for what, _ in refused) == len(annotation.responses)
    assert all(results[key] for key in results if key[0] in {r.rid for r in kept})
    assert len({r.text.casefold() for r in kept}) >= 2
    for a, b in pairwise(kept):
        assert b.respond_s - a.respond_s >= 2.9
        assert a.text.casefold() != b.text.casefold()


def test_of_equal_questions_the_first_that_stands_is_kept(
    tsqa: Callable[..., Annotation], provenance: Provenance, video_rows: Callable[..., Any]
) -> None:
    failing, good, again = (
        tsqa(*GOOD).model_copy(update={"annotation_id": name}) for name in ("x", "y", "z")
    )
    verdicts = [
        Verdict(
            video_id="v", annotation_id=annotation.annotation_id, rid=response.rid, check=look,
            expected=response.text, seen="", passed=annotation is not failing,
            provenance=provenance,
        )
        for annotation in (failing, good, again)
        for response, look in required_checks(annotation.responses)
    ]  # fmt: skip
    rows = video_rows({Annotation: [failing, good, again], Verdict: verdicts})
    made = list(lint.STAGE.run([rows], lint.Config(), Context()))
    assert [a.annotation_id for a in made if isinstance(a, Annotation)] == ["y"]
    refused = [(r.reason, r.detail) for r in made if isinstance(r, Reject)]
    assert refused[-1] == ("duplicate_question", "Which?")
