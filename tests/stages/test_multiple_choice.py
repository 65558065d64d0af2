from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import sqrt
from typing import Any

import pytest

from pipeline.records import Annotation, FramedSegment, Reject, Verdict
from pipeline.workflow.config import load_config
from pipeline.workflow.config_file import CONFIGS
from pipeline.workflow.graph import build_graph
from pipeline.workflow.prompt import load_prompts
from pipeline.workflow.stage import Context
from stages import lint, multiple_choice, verify
from stages._instructions import worded
from stages._wording import bare, options
from stages.multiple_choice import Config

Chosen = Callable[..., list[Any]]
PROMPTS = load_prompts("instructions")
ANSWERS = ((0, "red"), (4, "Green"), (8, "red."))


@pytest.fixture
def question(tsqa: Callable[..., Annotation]) -> Callable[..., Annotation]:
    """``question(answers, distractors, name)``."""

    def make(
        answers: Sequence[tuple[float, str]] = ANSWERS,
        distractors: Sequence[str] = ("blue", "pink", "grey", "black"),
        name: str = "a",
    ) -> Annotation:
        made = tsqa(*answers)
        asked = made.questions[0].model_copy(update={"distractors": [*distractors]})
        return made.model_copy(update={"questions": [asked], "annotation_id": name})

    return make


@pytest.fixture
def chosen(video_rows: Callable[..., Any], provenance: Any) -> Chosen:
    """The rows made of annotations where the verifier chose these texts, at whatever look."""

    def run(*annotations: Annotation, seen: Sequence[str] = (), **settings: Any) -> list[Any]:
        verdicts = [
            Verdict(
                video_id="v", annotation_id=annotation.annotation_id, rid="r0", check="premature",
                expected="red", seen=text, passed=True, provenance=provenance,
            )
            for annotation in annotations
            for text in seen
        ]  # fmt: skip
        rows = video_rows({Annotation: annotations, Verdict: verdicts})
        return list(multiple_choice.STAGE.run([rows], Config(**settings), Context()))

    return run


def test_answers_are_among_the_options_and_spelt_as_they_are(
    chosen: Chosen, question: Callable[..., Annotation]
) -> None:
    (made,) = chosen(question(), share=1, max_options=4)
    listed = made.questions[0].options
    assert sorted(listed) == ["Green", "blue", "pink", "red"]
    assert [r.text for r in made.responses] == ["red", "Green", "red"]
    among = options(question(), question().questions[0])
    assert {*listed, "grey", "black"} == set(among), "the verifier chose among all of it"
    spoken = worded(made, 0, PROMPTS)
    assert [r.text for r in spoken.responses] == [
        f"{'ABCD'[listed.index(text)]}. {text}" for text in ("red", "Green", "red")
    ]


def test_an_open_question_stays_as_it_is(
    chosen: Chosen, question: Callable[..., Annotation]
) -> None:
    assert chosen(question(), share=0) == [question()]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_distractor_that_the_verifier_chose_leaves_the_question_open(
    chosen: Chosen, question: Callable[..., Annotation], share: float
) -> None:
    reject, made = chosen(question(), seen=["red", "Blue."], share=share)
    assert (reject.reason, reject.detail) == ("distractor_seen", "blue; of a")
    assert made.questions[0].options == made.questions[0].distractors == []
    assert made.responses == question().responses


@pytest.mark.parametrize(
    ("answers", "distractors", "reason"),
    [
        (ANSWERS, [], "too_few_distractors"),
        ([(0, "a"), (4, "b"), (8, "c"), (12, "d"), (16, "e")], ["f"], "too_many_answers"),
    ],
)
def test_without_a_wrong_option_there_is_no_choice(
    chosen: Chosen,
    question: Callable[..., Annotation],
    answers: Sequence[tuple[float, str]],
    distractors: Sequence[str],
    reason: str,
) -> None:
    reject, made = chosen(question(answers, distractors), share=1)
    assert isinstance(reject, Reject)
    assert (reject.reason, made) == (reason, question(answers, distractors))


def test_yes_and_no_are_options_where_no_distractor_is_wanted(
    chosen: Chosen, question: Callable[..., Annotation]
) -> None:
    asked = question([(0, "no"), (4, "yes"), (8, "no")], [])
    (made,) = chosen(asked, share=1, min_distractors=0, max_options=2)
    assert sorted(made.questions[0].options) == ["no", "yes"]


def test_the_share_is_kept_and_no_letter_is_right_more_often(
    chosen: Chosen, question: Callable[..., Annotation]
) -> None:
    """Within four standard deviations of a binomial, for share, place and first answer."""
    n = 3000
    made = chosen(*(question(name=str(i)) for i in range(n)), share=0.3)
    lettered = [m for m in made if m.questions[0].options]
    assert abs(len(lettered) - 0.3 * n) < 4 * sqrt(n * 0.3 * 0.7)
    right: list[Counter[int]] = [Counter(), Counter()]
    for each in lettered:
        for counter, response in zip(right, each.responses, strict=False):
            counter[each.questions[0].options.index(response.text)] += 1
    for counter in right:
        assert set(counter) == set(range(5))
        bound = 4 * sqrt(len(lettered) * 0.2 * 0.8)
        assert all(abs(count - len(lettered) / 5) < bound for count in counter.values())


def test_another_share_keeps_what_was_drawn_before(
    chosen: Chosen, question: Callable[..., Annotation]
) -> None:
    every = [question(name=str(i)) for i in range(200)]
    few, many = (
        {m.annotation_id: m.questions[0].options for m in chosen(*every, share=s)}
        for s in (0.2, 0.6)
    )
    drawn = {name for name, listed in few.items() if listed}
    assert drawn and all(few[name] == many[name] for name in drawn)


def test_options_are_never_the_same_twice(
    chosen: Chosen, question: Callable[..., Annotation]
) -> None:
    for made in chosen(*(question(name=str(i)) for i in range(50)), share=1):
        listed = [bare(text) for text in made.questions[0].options]
        assert len(set(listed)) == len(listed) == 5


def test_what_held_just_before_an_answer_is_no_distractor(
    question: Callable[..., Annotation],
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    """The question stands as it is: blue at 3 s is not green yet. But blue has held."""
    seen = {0.0: "red", 3.0: "blue", 4.0: "Green", 7.0: "Green", 8.0: "red"}
    context, engine = asking(
        "verify", lambda ask: {"seen": "It.", "value": seen[ask.frames[-1].time_s]}
    )
    rows = {Annotation: [question()], FramedSegment: framed(10)}
    verdicts = list(verify.STAGE.run([video_rows(rows)], verify.Config(), context))
    assert all("blue" in ask.variables["options"] for ask in engine.asks)
    judged = video_rows({Annotation: [question()], Verdict: verdicts})
    (standing,) = lint.STAGE.run([judged], lint.Config(), Context())
    chosen = video_rows({Annotation: [standing], Verdict: verdicts})
    reject, made = multiple_choice.STAGE.run([chosen], Config(share=1), Context())
    assert isinstance(reject, Reject) and isinstance(made, Annotation)
    assert (reject.reason, made.questions[0].options) == ("distractor_seen", [])


def test_another_share_asks_no_model() -> None:
    def recipes(share: float) -> dict[str, str | None]:
        overrides = [f"nodes.multiple_choice.config.share={share}"]
        graph = build_graph(load_config(CONFIGS / "streamo.yaml", overrides))
        return {node.name: node.recipe_digest for node in graph}

    few, many = recipes(0.1), recipes(0.9)
    assert {name for name in few if few[name] != many[name]} == {"multiple_choice"}
