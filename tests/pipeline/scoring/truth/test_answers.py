"""Multiple choice and yes or no, against the truth; each kind of mistake lowers its own figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.records import AskedQuestion
from pipeline.scoring.truth.scripted import score_truth
from pipeline.scoring.truth.scripted_report import AnswerScore
from tests.pipeline.scoring.truth.known import TRUTH, dialogue


def score_of(answers: Mapping[int, str], listed: str, aspect: str, **asked: Any) -> AnswerScore:
    """The score of one question with options or of a kind, put as its text lists them."""
    question = AskedQuestion(qid="q", text=listed, asked_s=0, task="tsqa", **asked)
    made = dialogue("tsqa", answers, aspect, listed)
    return score_truth([TRUTH], [], [made.model_copy(update={"questions": [question]})]).answers


CHOICE = "What colour is the square? Tell me when it changes.\nChoose:\nA. red\nB. green\nC. blue"
OPTIONS = ["red", "green", "blue"]


@pytest.mark.parametrize(
    ("answers", "distractors", "chosen", "never"),
    [
        ({0: "C. blue", 8: "B. green"}, ["red"], (2, 2), (1, 1)),
        ({0: "C. blue", 8: "C. green"}, ["red"], (1, 2), (1, 1)),
        ({0: "C. blue", 8: "green"}, ["red"], (1, 2), (1, 1)),
        ({0: "C. blue", 8: "A. red"}, ["red"], (1, 2), (1, 1)),
        ({0: "C. blue", 8: "B. green"}, ["red", "Green", "pink"], (2, 2), (2, 3)),
    ],
)
def test_a_choice_is_right_by_letter_and_no_wrong_option_ever_holds(
    answers: Mapping[int, str],
    distractors: list[str],
    chosen: tuple[int, int],
    never: tuple[int, int],
) -> None:
    found = score_of(answers, CHOICE, "attribute", options=OPTIONS, distractors=distractors)
    assert (found.chosen.part, found.chosen.whole) == chosen == (found.right.part, 2)
    assert (found.distractors.part, found.distractors.whole) == never


def test_options_do_not_say_what_is_asked_about() -> None:
    """The circle among the options is not the subject."""
    listed = "What colour is the square?\nA. circle\nB. green\nC. blue"
    options = ["circle", "green", "blue"]
    found = score_of({0: "C. blue", 8: "B. green"}, listed, "attribute", options=options)
    assert (found.chosen.part, found.unscored) == (2, 0)


@pytest.mark.parametrize(
    ("question", "aspect", "answers", "right"),
    [
        ("Is the square green?", "attribute", {0: "no", 8: "yes"}, (2, 2)),
        ("Is the square green?", "attribute", {0: "No.", 8: "no"}, (1, 2)),
        ("Is the square blue?", "attribute", {0: "no", 8: "yes"}, (0, 2)),
        ("Is the number of shapes 2? Tell me the new one.", "count", {0: "no", 4: "yes"}, (2, 2)),
        ("Has the square changed?", "attribute", {0: "no", 8: "yes"}, (0, 0)),
    ],
)
def test_yes_and_no_are_about_the_value_named(
    question: str, aspect: str, answers: Mapping[int, str], right: tuple[int, int]
) -> None:
    found = score_of(answers, question, aspect, kind="binary")
    assert (found.right.part, found.right.whole) == right
    assert found.unscored == (right[1] == 0)
