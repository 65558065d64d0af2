from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from typing import Any

import pytest

from pipeline.dialogue.build import build_dialogues
from pipeline.dialogue.tiling import tiling_of
from pipeline.records import Annotation, ChangePoint, Provenance, Reject, Segment
from stages import taxonomy_questions
from stages._change_groups import groups
from stages._taxonomy import ASKED, Cell, cell_of, drawn_cell, is_dependent
from stages._taxonomy_moments import placed
from stages.taxonomy_questions import Subject, annotation
from tests.stages.clip_streams import known
from tests.stages.stretches import turns

CHANGES = (("red", 20.0), ("blue", 40.0), ("green", 60.0), ("red", 80.0))
"""What holds until when; behind the last, yellow."""


def points(provenance: Provenance, subject: str = "lamp") -> list[ChangePoint]:
    held = [*CHANGES, ("yellow", 0.0)]
    return [
        ChangePoint(
            video_id="v",
            aspect="attribute",
            subject=subject,
            before=before,
            after=after,
            time_s=time_s,
            seen="It turns.",
            provenance=provenance,
        )
        for (before, time_s), (after, _) in pairwise(held)
    ]


def holding(time_s: float) -> str:
    return next((value for value, until_s in CHANGES if time_s < until_s), "yellow")


def made(cell: Cell, chance: float, provenance: Provenance) -> Annotation:
    (group,) = groups(points(provenance))
    askings = placed(group, cell, turns(), 1.0, chance)
    assert askings is not None
    texts = ["What colour is the lamp?", "And now?"][: len(askings)]
    found = annotation(Subject(group, cell, askings), texts)
    return found.model_copy(update={"video_id": "v", "annotation_id": "a"})


@pytest.mark.parametrize("cell", ASKED, ids=lambda cell: cell.aspect)
@pytest.mark.parametrize("chance", [0.0, 0.3, 0.71, 0.999])
def test_what_a_sample_is_called_can_be_read_off_its_times(
    cell: Cell, chance: float, provenance: Provenance
) -> None:
    found = made(cell, chance, provenance)
    assert cell_of(found, cell.form) == cell
    assert len(found.questions) == len(ASKED[cell])
    assert [q.depends_on for q in found.questions[1:]] == ["q0" * is_dependent(cell)] * (
        len(found.questions) - 1
    )


@pytest.mark.parametrize("cell", ASKED, ids=lambda cell: cell.aspect)
@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_every_answer_is_what_holds_and_stands_where_it_can_be_given(
    cell: Cell, chance: float, provenance: Provenance
) -> None:
    found = made(cell, chance, provenance)
    tiling = tiling_of("v", turns())
    (dialogue,), refused = build_dialogues(known("v", 100), tiling, [found], "s", standby=False)
    assert not refused and dialogue.turns.counts()["standby"] == 0
    asked = {q.qid: q for q in found.questions}
    for response, placed_one in zip(found.responses, dialogue.responses, strict=True):
        question = asked[response.qid]
        want = ASKED[cell][int(response.qid[1:])]
        if want == "before":
            assert response.text == holding(response.start_s) != holding(question.asked_s)
            assert response.end_s <= question.asked_s
        else:
            assert response.text == holding(response.start_s)
        at_once = placed_one.turn == int(question.asked_s)
        assert at_once == (response.respond_s <= question.asked_s)


def within_bounds(counts: Counter[str], shares: dict[str, float], total: int) -> None:
    whole = sum(shares.values())
    for name, share in shares.items():
        p = share / whole
        assert abs(counts[name] - p * total) <= 4.5 * sqrt(total * p * (1 - p)) + 1e-9, name


@pytest.mark.parametrize("seed", [0, 1])
def test_shares_are_those_asked_for_over_many_samples(seed: int) -> None:
    even = {cell.aspect: 1.0 for cell in ASKED}
    uneven = {cell.aspect: float(number) for number, cell in enumerate(ASKED)}
    for shares in (even, uneven):
        drawn = [drawn_cell(f"video-{n} attribute lamp", shares, seed) for n in range(10_000)]
        within_bounds(Counter(cell.aspect for cell in drawn), shares, 10_000)


@pytest.fixture
def asked(asking: Callable[..., Any], video_rows: Callable[..., Any]) -> Callable[..., Any]:
    def run(
        subjects: Sequence[ChangePoint], answer: Any, config: taxonomy_questions.Config
    ) -> list[Any]:
        context, _ = asking("taxonomy_questions", lambda _: answer)
        rows = video_rows({Segment: turns(), ChangePoint: subjects})
        return list(taxonomy_questions.STAGE.run([rows], config, context))

    return run


PAIR = {"question": "What colour is the lamp?", "follow_up": "And before that?"}


def only(*cells: str, **fields: Any) -> taxonomy_questions.Config:
    return taxonomy_questions.Config(shares=dict.fromkeys(cells, 1.0), **fields)


DEPENDENT = "question_changing_dependent/backward/contextual"


def test_a_dependent_question_names_the_one_before_it(asked: Any, provenance: Provenance) -> None:
    (row,) = asked(points(provenance), PAIR, only(DEPENDENT))
    assert row.aspect == DEPENDENT and row.task == "taxonomy_qa"
    assert [q.depends_on for q in row.questions] == ["", "q0"]
    assert row.questions[0].asked_s < row.questions[1].asked_s
    assert set(row.questions[1].distractors) | {row.responses[1].text} == {
        *("red", "blue", "green", "yellow")
    }


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({**PAIR, "follow_up": "What was the lamp before?"}, "names_subject"),
        ({**PAIR, "follow_up": ""}, "no_follow_up"),
        ({**PAIR, "follow_up": "What colour is the lamp?"}, "no_follow_up"),
        ({**PAIR, "question": "Is the lamp red, blue, green or yellow?"}, "tells_answer"),
    ],
)
def test_questions_that_cannot_be_used_are_refused(
    asked: Any, provenance: Provenance, answer: Any, reason: str
) -> None:
    (row,) = asked(points(provenance), answer, only(DEPENDENT))
    assert isinstance(row, Reject) and row.reason == reason


def test_what_changes_too_fast_or_not_at_all_is_no_subject(
    asked: Any, provenance: Provenance
) -> None:
    (row,) = asked([], PAIR, only(DEPENDENT))
    assert row.reason == "nothing_changes"
    (row,) = asked(points(provenance), PAIR, only(DEPENDENT, margin_s=30))
    assert row.reason == "no_moment"


def test_a_share_is_of_a_cell_that_can_be_made() -> None:
    with pytest.raises(ValueError, match="is none of"):
        only("narration/backward/punctual")
    with pytest.raises(ValueError, match="no cell"):
        taxonomy_questions.Config(shares={})
