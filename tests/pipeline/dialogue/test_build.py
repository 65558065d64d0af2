"""A dialogue and what it carries; several annotations in one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dialogue.build import MIXED, build_dialogues, join
from pipeline.dialogue.tiling import DialogueError, even_tiling
from pipeline.records import Annotation, Check, Dialogue, Question, Response
from tests.pipeline.dialogue.annotations import Case, cases
from tests.pipeline.dialogue.samples import video_of

TILING = even_tiling("v", 8, 1)


def annotation(name: str, task: str, *times: float, asked_s: float = 0.0) -> Annotation:
    return Annotation(
        video_id="v",
        annotation_id=name,
        task=task,
        questions=[Question(qid="q0", text=f"{name}?", asked_s=asked_s)],
        responses=[
            Response(
                rid=f"r{i}", qid="q0", kind="instant", text=f"{name} {i}", start_s=t, end_s=t,
                respond_s=t,
            )
            for i, t in enumerate(times)
        ],
        checks=[Check(name="answerable", passed=True, score=1, model="m", rid="r0")],
        parent_ids=["shared", name],
    )  # fmt: skip


def test_questions_of_several_tasks_interleave_and_each_response_names_its_own() -> None:
    together = [
        annotation("n", "narration", 1, 4),
        annotation("t", "tsqa", 3, 4, asked_s=2.5),
        annotation("g", "event_grounding", 6, asked_s=5.0),
    ]
    (dialogue,), refused = build_dialogues(video_of(TILING), TILING, together, "s")
    assert not refused
    assert dialogue.task == MIXED and dialogue.annotation_ids == ["n", "t", "g"]
    assert [(t.index, t.qids) for t in dialogue.turns if t.qids] == [
        (0, ["n/q0"]), (2, ["t/q0"]), (5, ["g/q0"]),
    ]  # fmt: skip
    assert [(t.index, t.answers, t.text) for t in dialogue.turns if t.rids] == [
        (1, ["n/q0"], "n 0"),
        (3, ["t/q0"], "t 0"),
        (4, ["n/q0", "t/q0"], "n 1\nt 1"),
        (6, ["g/q0"], "g 0"),
    ]
    assert {q.qid: (q.task, q.annotation_id) for q in dialogue.questions} == {
        "n/q0": ("narration", "n"),
        "t/q0": ("tsqa", "t"),
        "g/q0": ("event_grounding", "g"),
    }
    assert [check.rid for check in dialogue.checks] == ["n/r0", "t/r0", "g/r0"]
    assert dialogue.parent_ids == ["shared", "n", "t", "g"]
    assert Dialogue.model_validate(dialogue.model_dump()) == dialogue, "made without validation"


def test_one_task_keeps_its_name_and_one_annotation_its_ids() -> None:
    alone = annotation("a", "tsqa", 1)
    assert join([alone]) is alone
    assert join([alone, annotation("b", "tsqa", 2)]).task == "tsqa"
    with pytest.raises(DialogueError, match="duplicate_annotation"):
        join([alone, alone])


def test_an_annotation_whose_responses_are_all_refused_makes_no_dialogue() -> None:
    made, refused = build_dialogues(video_of(TILING), TILING, [annotation("a", "tsqa", 9, 12)], "s")
    assert made == []
    assert [(r.rid, r.reason) for r in refused] == [("r0", "past_the_end"), ("r1", "past_the_end")]


def test_a_question_without_a_response_is_a_lesson_in_silence() -> None:
    (dialogue,), _ = build_dialogues(video_of(TILING), TILING, [annotation("a", "tsqa")], "s")
    assert (dialogue.n_silence, dialogue.n_tail, dialogue.n_response) == (8, 7, 0)


@given(st.lists(cases(), min_size=2, max_size=3), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_nothing_is_lost_in_a_mixed_dialogue(made: list[Case], chance: random.Random) -> None:
    tiling = made[0].tiling
    together = [
        case.annotation.model_copy(update={"annotation_id": f"a{i}"}) for i, case in enumerate(made)
    ]
    dialogues, refused = build_dialogues(video_of(tiling), tiling, together, "s")
    if not dialogues:
        assert len(refused) == sum(len(a.responses) for a in together) > 0
        return
    (dialogue,) = dialogues
    said = [response.rid for response in dialogue.responses]
    expected = [f"{a.annotation_id}/{r.rid}" for a in together for r in a.responses]
    assert sorted([*said, *(r.rid for r in refused)]) == sorted(expected)
    shuffled, again = build_dialogues(
        video_of(tiling), tiling, chance.sample(together, len(together)), "s"
    )
    assert shuffled[0].turns == dialogue.turns and again == refused
    assert dialogue.n_silence + dialogue.n_standby + dialogue.n_response == len(tiling)
