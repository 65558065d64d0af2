from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.records import Annotation, FramedSegment, Reject, Verdict
from pipeline.workflow.annotation_stage import Answers, Case
from stages import verify


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
        context, engine = asking("verify", lambda ask: {"value": seen(ask.frames[-1].time_s)})
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
    assert [[f.time_s for f in ask.frames][-1] for ask in asks] == [0, 4, 3, 8, 7]
    assert len({tuple(ask.variables["options"]) for ask in asks}) == 1
    assert sorted(asks[0].variables["options"]) == ["green", "red"]


def test_answers_too_early_or_too_late_fail(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    made, _ = verified(tsqa((0, "red"), (3, "green")), colour)
    assert [v.passed for v in made] == [True, False, True]
    made, _ = verified(tsqa((0, "red"), (6, "green")), colour)
    assert [v.passed for v in made] == [True, True, False]


def test_frames_are_limited_and_reach_now(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    _, asks = verified(tsqa((0, "red"), (9, "green")), colour, max_frames=3)
    assert [[f.time_s for f in ask.frames] for ask in asks] == [[0], [0, 4, 9], [0, 4, 8]]


def test_an_annotation_without_responses_is_refused(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    made, _ = verified(tsqa(), colour)
    assert [r.reason for r in made if isinstance(r, Reject)] == ["nothing_to_verify"]


@pytest.mark.parametrize(
    ("said", "seen"), [(["b", "a", "A."], "a"), (["b", "a"], "b"), (["unknown"], "unknown")]
)
def test_of_several_samples_the_most_frequent_counts(
    tsqa: Callable[..., Annotation], said: list[str], seen: str
) -> None:
    annotation = tsqa((0, "a"), (5, "b"))
    trial = verify.Trial(annotation, annotation.responses[0], "answerable")
    answers = Answers([verify.AnswerSeen(value=value) for value in said])
    (verdict,) = verify.accept(Case(trial), answers, verify.Config())
    assert isinstance(verdict, Verdict)
    assert (verdict.seen, verdict.passed) == (seen, seen == "a")


def test_a_verifier_may_choose_what_is_never_right(
    verified: Callable[..., tuple[list[Any], list[Ask]]], tsqa: Callable[..., Annotation]
) -> None:
    plain = tsqa((0, "red"), (4, "green"))
    question = plain.questions[0].model_copy(update={"distractors": ["Red.", "blue"]})
    made, asks = verified(plain.model_copy(update={"questions": [question]}), lambda _: "blue")
    assert sorted(asks[0].variables["options"]) == ["blue", "green", "red"]
    assert [v.passed for v in made] == [False, False, True]
    assert {v.seen for v in made} == {"blue"}
