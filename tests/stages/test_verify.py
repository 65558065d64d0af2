from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.records import Annotation, FramedSegment, Reject, Verdict
from pipeline.workflow.annotation_stage import Answers
from stages import lint, verify


@pytest.fixture
def verified(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> Callable[..., tuple[list[Any], list[Ask]]]:
    """The verdicts on an annotation by a verifier that says ``seen(time of the last frame)``."""

    def run(
        annotation: Annotation, seen: Callable[[float], str], **settings: Any
    ) -> tuple[list[Any], list[Ask]]:
        context, engine = asking(
            "verify", lambda ask: {"seen": "It is.", "value": seen(ask.frames[-1].time_s)}
        )
        rows = video_rows({Annotation: [annotation], FramedSegment: framed(10)})
        made = list(verify.STAGE.run([rows], verify.Config(**settings), context))
        return made, engine.asks

    return run


def colour(time_s: float) -> str:
    return "Red." if time_s < 4 else "green" if time_s < 8 else "red"


def test_each_answer_is_looked_at_when_due_and_before(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    made, asks = verified(tsqa((8, "red"), (0, "red"), (4, "green")), colour)
    assert [(v.rid, v.check, v.seen, v.passed) for v in made] == [
        ("r1", "answerable", "Red.", True),
        ("r2", "answerable", "green", True),
        ("r2", "premature", "Red.", True),
        ("r0", "answerable", "red", True),
        ("r0", "premature", "green", True),
    ]
    assert [[f.time_s for f in ask.frames][-1] for ask in asks] == [0, 3, 4, 7, 8]
    assert len({tuple(ask.variables["options"]) for ask in asks}) == 1
    assert sorted(asks[0].variables["options"]) == ["green", "red"]


def test_answers_too_early_or_too_late_fail(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    made, _ = verified(tsqa((0, "red"), (3, "green")), colour)
    assert [v.passed for v in made] == [True, False, True]
    made, _ = verified(tsqa((0, "red"), (6, "green")), colour)
    assert [v.passed for v in made] == [True, True, False]
    # A first answer is late too where it was seen before.
    made, _ = verified(tsqa((6, "green"), (8, "red")), colour)
    assert [(v.rid, v.check, v.passed) for v in made][:2] == [
        ("r0", "answerable", True),
        ("r0", "premature", False),
    ]
    made, _ = verified(tsqa((4, "green"), (8, "red")), colour)
    assert [v.passed for v in made] == [True] * 4


def test_frames_are_limited_and_reach_now(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    _, asks = verified(tsqa((0, "red"), (9, "green")), colour, max_frames=3)
    shown = [[f.time_s for f in ask.frames] for ask in asks]
    assert shown == [[0], [6, 7, 8], [7, 8, 9]], "and go to the engine by time"


def test_an_annotation_without_responses_is_refused(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    made, _ = verified(tsqa(), colour)
    assert [r.reason for r in made if isinstance(r, Reject)] == ["nothing_to_verify"]


@pytest.mark.parametrize(
    ("said", "seen"), [(["b", "a", "A."], "a"), (["b", "a"], "b"), (["unknown"], "unknown")]
)
def test_of_several_samples_the_most_frequent_counts(
    tsqa: Callable[..., Annotation],
    framed: Callable[..., list[FramedSegment]],
    said: list[str],
    seen: str,
) -> None:
    annotation = tsqa((0, "a"), (5, "b"))
    (trial, *_) = verify.checks(annotation, framed(3))
    answers = Answers([verify.AnswerSeen(seen="It is.", value=value) for value in said])
    case = verify.shown(trial, verify.Config())
    (verdict,) = verify.accept(case, answers, verify.Config())
    assert isinstance(verdict, Verdict)
    assert (verdict.seen, verdict.passed) == (seen, seen == "a")


def test_an_answer_is_an_option_or_unknown(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    annotation = tsqa((0, "red"), (5, "green"))
    _, asks = verified(annotation, colour)
    for ask in asks:
        allowed = ask.answer_schema["properties"]["value"]["enum"]
        assert sorted(allowed) == ["green", "red", "unknown"]
        assert allowed[:-1] == ask.variables["options"], "they are shown as they may be answered"
    choice = ["blue", "green", "red"]
    question = annotation.questions[0].model_copy(update={"options": choice})
    _, asks = verified(annotation.model_copy(update={"questions": [question]}), colour)
    allowed = asks[0].answer_schema["properties"]["value"]["enum"]
    assert (sorted(allowed[:-1]), allowed[-1]) == (choice, "unknown")


def looked_at(made: list[Any], rid: str) -> list[tuple[float, bool, bool]]:
    return [(v.at_s, v.passed, v.opens) for v in made if (v.rid, v.check) == (rid, "look")]


def test_looks_go_back_from_the_first_answer_and_stay_within_their_number(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    annotation = tsqa((6, "green"), (8, "red"))
    made, asks = verified(annotation, colour)
    assert looked_at(made, "r0") == [] and len(asks) == 4, "none are made unless asked for"
    made, asks = verified(annotation, colour, looks=10)
    assert looked_at(made, "r0") == [
        (0, False, True),
        *((t, False, False) for t in (1, 2, 3)),
        (4, True, False),
    ]
    assert looked_at(made, "r1") == [], "the check before it is due says all"
    made, asks = verified(annotation, colour, looks=3)
    assert looked_at(made, "r0") == [(0, False, True), (2, False, False), (4, True, False)]
    assert len(asks) == 4 + 3
    made, _ = verified(tsqa((1, "red"), (4, "green")), colour)
    assert next((v.at_s, v.opens) for v in made if v.check == "premature") == (0, True)


def test_an_answer_seen_too_early_is_looked_for_after_the_one_before(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    made, _ = verified(tsqa((0, "red"), (7, "green")), colour, looks=10)
    assert looked_at(made, "r1") == [
        *((t, False, False) for t in (0, 1, 2, 3)),
        *((t, True, False) for t in (4, 5)),
    ]
    assert looked_at(made, "r0") == []


ALWAYS = {
    "the same answer": (["green"] * 9, "not_answerable"),
    "unknown": (["unknown"] * 9, "not_answerable"),
    "what is expected": (["red", "green", "green", *["green"] * 6], "premature"),
}


@pytest.mark.parametrize("keep_early", [False, True])
@pytest.mark.parametrize("name", ALWAYS)
def test_a_verifier_that_does_not_look_confirms_nothing(
    verified: Callable[..., tuple[list[Any], list[Ask]]],
    tsqa: Callable[..., Annotation],
    name: str,
    *,
    keep_early: bool,
) -> None:
    says, reason = ALWAYS[name]
    answers = iter(says)
    annotation = tsqa((0, "red"), (5, "green"))
    verdicts, asks = verified(annotation, lambda _: next(answers), looks=4)
    assert len(asks) == 3 + 4 * (name != "unknown")
    made = list(lint.lint(annotation, verdicts, lint.Config(keep_early=keep_early)))
    assert next(row.reason for row in made if isinstance(row, Reject)) == reason
    assert not any(isinstance(row, Annotation) for row in made)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        # The first answer, by the frames before it, and where these are few.
        (((6, "green"), (8, "red")), (4, [4, 5, 6], 8, [8])),
        # Stated late: known since when only where that is kept.
        (((0, "red"), (7, "green")), (0, [0], 4, [4, 5, 6, 7])),
    ],
)
def test_since_when_an_answer_is_seen(
    verified: Callable[..., tuple[list[Any], list[Ask]]],
    tsqa: Callable[..., Annotation],
    answers: tuple[tuple[float, str], ...],
    expected: tuple[Any, ...],
) -> None:
    annotation = tsqa(*answers)
    verdicts, _ = verified(annotation, colour, looks=10)
    config = lint.Config(keep_early=True, min_gap_s=2)
    (left,) = lint.lint(annotation, verdicts, config)
    assert isinstance(left, Annotation)
    found = [(r.earliest_answerable_s, r.confirmed_s) for r in left.responses]
    assert found == [expected[:2], expected[2:]]
    assert {check.name for check in left.checks} == {
        "answerable", "premature", "distinct_answers", "smallest_gap_s"
    }  # fmt: skip


def test_what_was_seen_once_is_not_taken_to_be_seen_from_then_on(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    def comes_and_goes(time_s: float) -> str:
        return "green" if time_s in (1, 2, 4, 5, 6) else "unknown" if time_s < 7 else "red"

    annotation = tsqa((6, "green"), (9, "red"))
    verdicts, _ = verified(annotation, comes_and_goes, looks=10)
    first = lint.answerable(annotation.responses[0], [v for v in verdicts if v.rid == "r0"])
    assert (first.earliest_answerable_s, first.confirmed_s) == (4, [4, 5, 6])


def test_a_verifier_may_choose_what_is_never_right(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    plain = tsqa((0, "red"), (4, "green"))
    question = plain.questions[0].model_copy(update={"distractors": ["Red.", "blue"]})
    made, asks = verified(plain.model_copy(update={"questions": [question]}), lambda _: "blue")
    assert sorted(asks[0].variables["options"]) == ["blue", "green", "red"]
    assert [v.passed for v in made] == [False, False, True]
    assert {v.seen for v in made} == {"blue"}


STILL = {"still_share": 1.0, "still_looks": 3}


def later(made: list[Any]) -> list[tuple[str, float, bool]]:
    return [(v.rid, v.at_s, v.passed) for v in made if v.check == "still"]


def test_of_those_drawn_it_is_asked_whether_the_last_answer_holds_to_the_end(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    annotation = tsqa((0, "red"), (4, "green"))
    made, asks = verified(annotation, lambda t: "red" if t < 4 else "green", **STILL)
    assert later(made) == [("r1", 5, True), ("r1", 7, True), ("r1", 9, True)]
    assert [f.time_s for f in asks[-1].frames] == list(range(10)), "all frames up to then"
    (left,) = lint.lint(annotation, made, lint.Config())
    assert isinstance(left, Annotation)
    assert [r.still_until_s for r in left.responses] == [None, 9]
    plain, _ = verified(annotation, lambda t: "red" if t < 4 else "green")
    (without,) = lint.lint(annotation, plain, lint.Config())
    assert isinstance(without, Annotation)
    assert left.checks == without.checks and left.questions == without.questions
    assert [r.still_until_s for r in without.responses] == [None, None]


@pytest.mark.parametrize("seen_then", ["red", "unknown"])
def test_where_a_later_look_gives_another_answer_nothing_is_still(
    verified: Callable[..., tuple[list[Any], list[Ask]]],
    tsqa: Callable[..., Annotation],
    seen_then: str,
) -> None:
    """Whether the stretch is not still or the verifier errs: the question stands as before."""
    annotation = tsqa((0, "red"), (4, "green"))
    made, _ = verified(
        annotation, lambda t: "red" if t < 4 else seen_then if t == 7 else "green", **STILL
    )
    assert [passed for _, _, passed in later(made)] == [True, False, True]
    (left,) = lint.lint(annotation, made, lint.Config())
    assert isinstance(left, Annotation)
    assert [r.still_until_s for r in left.responses] == [None, None]


def test_a_change_that_is_not_there_is_caught_before(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    """The model that found the changes says one at 7 s, in a still stretch."""
    annotation = tsqa((0, "red"), (4, "green"), (7, "blue"))
    made, _ = verified(annotation, lambda t: "red" if t < 4 else "green", **STILL)
    assert [passed for _, _, passed in later(made)] == [], "there are not as many frames behind it"
    rejects = list(lint.lint(annotation, made, lint.Config()))
    assert [r.reason for r in rejects if isinstance(r, Reject)] == [
        "not_answerable", "unconfirmed_answer"
    ]  # fmt: skip
    assert len(rejects) == 2


def test_no_look_goes_behind_what_is_known_to_end(
    verified: Callable[..., tuple[list[Any], list[Ask]]],
    tsqa: Callable[..., Annotation],
    framed: Callable[..., list[FramedSegment]],
) -> None:
    made = tsqa((0, "red"), (4, "green"))
    ends = [r.model_copy(update={"valid_until_s": 8.0}) for r in made.responses]
    verdicts, _ = verified(made.model_copy(update={"responses": ends}), lambda _: "red", **STILL)
    assert later(verdicts) == []
    drawn = [
        bool(list(verify.stays(one, framed(10), verify.Config(still_share=0.1))))
        for one in (made.model_copy(update={"annotation_id": str(i)}) for i in range(400))
    ]
    assert 20 < sum(drawn) < 60
