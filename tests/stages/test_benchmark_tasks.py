"""Of each video so many of each task, or nothing of it; half of the groundings ask ahead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Annotation, Question, Reject, Response, Video
from pipeline.workflow.stage import Context
from stages.benchmark_tasks import STAGE, Config, _both_ways

DURATION_S = 60.0


def annotation(task: str, number: int, start_s: float = 10.0, end_s: float = 20.0) -> Annotation:
    return Annotation(
        video_id="v",
        annotation_id=f"{task}{number}",
        task=task,
        questions=[Question(qid="q0", text="?", asked_s=0)],
        responses=[Response.event("r0", "so", start_s, end_s)],
    )


WHOLE = [
    *(annotation("event_grounding", i) for i in range(4)),
    *(annotation("narration", i) for i in range(1)),
    *(annotation("event_caption", i) for i in range(1)),
    *(annotation("tsqa", i) for i in range(9)),
]


GONE = {f"tsqa{number}" for number in range(4)}


@pytest.fixture
def made(video_rows: Callable[..., Any], video: Callable[..., Video]) -> Callable[..., list[Any]]:
    def run(annotations: Sequence[Annotation], **settings: Any) -> list[Any]:
        rows = {Annotation: list(annotations), Video: [video(duration_s=DURATION_S)]}
        return list(STAGE.run([video_rows(rows, "v")], Config(**settings), Context()))

    return run


def test_ten_tasks_of_a_video_by_the_mix_of_the_paper(made: Any) -> None:
    chosen = made(WHOLE)
    counts = Counter(each.task for each in chosen)
    assert counts == {"event_grounding": 2, "event_caption": 1, "narration": 1, "tsqa": 6}
    ahead, behind = (each.questions[0] for each in chosen if each.task == "event_grounding")
    assert (ahead.asked_s, ahead.asked_by) == (0, "given")
    assert (behind.asked_s, behind.asked_by) == (25, "given")
    assert all(q.asked_by == "start" for a in chosen[2:] for q in a.questions)
    assert made(list(reversed(WHOLE))) == chosen, "the order says nothing"
    other = made(WHOLE, seed=1)
    assert {each.annotation_id for each in other} != {each.annotation_id for each in chosen}


def test_a_video_that_lacks_one_is_no_part_of_it(made: Any) -> None:
    (reject,) = made([each for each in WHOLE if each.annotation_id not in GONE])
    assert isinstance(reject, Reject)
    assert (reject.reason, reject.detail) == ("too_few_tasks", "it has 5 of 6 tsqa")


def test_what_is_silent_is_no_task_of_it(made: Any) -> None:
    silent = annotation("narration", 7).model_copy(update={"responses": [], "is_negative": True})
    (reject,) = made([*(each for each in WHOLE if each.task != "narration"), silent])
    assert reject.detail == "it has 0 of 1 narration"


@given(st.lists(st.tuples(st.sampled_from([0.0, 10.0]), st.sampled_from([20.0, 58.0])), max_size=5))
def test_as_many_are_asked_both_ways_as_there_can_be(spans: list[tuple[float, float]]) -> None:
    those = [annotation("event_grounding", i, *span) for i, span in enumerate(spans)]
    chosen = _both_ways(those, 2, DURATION_S, Config())
    possible = any(
        a[0] >= 2 and b[1] <= 56 for i, a in enumerate(spans) for j, b in enumerate(spans) if i != j
    )
    assert (len(chosen) == 2) == possible
    if possible:
        ahead, behind = (each.questions[0].asked_s for each in chosen)
        assert ahead == 0 < chosen[1].responses[0].end_s < behind < DURATION_S
