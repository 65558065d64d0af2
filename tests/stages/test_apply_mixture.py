from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.dialogue.tiling import even_tiling
from pipeline.records import Dialogue, DialogueHead, Question, Reject, Response, TaskMixture
from pipeline.workflow.stage import Context
from stages import apply_mixture, plan_mixture
from tests.pipeline.dialogue.annotations import made_of
from tests.pipeline.dialogue.samples import dialogue_of


def sample(number: int, task: str) -> Dialogue:
    said = Response(
        rid="r", qid="q", kind="instant", text="x", start_s=number % 5, end_s=number % 5,
        respond_s=number % 5,
    )  # fmt: skip
    made = made_of([Question(qid="q", text="?", asked_s=0)], [said], task)
    changes = {"sample_id": f"{task}{number}", "video_id": f"v{number}"}
    return dialogue_of(made, even_tiling("v", 20, 1)).model_copy(update=changes)


@pytest.fixture
def mixed(video_rows: Callable[..., Any]) -> Callable[..., list[Dialogue | Reject]]:
    def run(
        samples: list[Dialogue],
        drawing: plan_mixture.Config,
        mixing: apply_mixture.Config | None = None,
    ) -> list[Dialogue | Reject]:
        rows = [
            video_rows({Dialogue: [each], DialogueHead: [each]}, each.video_id) for each in samples
        ]
        draws = list(plan_mixture.STAGE.run(rows, drawing, Context()))
        context = Context(dataset={TaskMixture: draws})
        made = apply_mixture.STAGE.run(rows, mixing or apply_mixture.Config(), context)
        return [row for row in made if isinstance(row, (Dialogue, Reject))]

    return run


SAMPLES = [sample(i, "tsqa" if i % 3 else "narration") for i in range(60)]


def test_without_wishes_all_pass_as_they_are(mixed: Any) -> None:
    assert mixed(SAMPLES, plan_mixture.Config()) == SAMPLES


def test_as_many_as_were_drawn_and_the_rest_rejected(mixed: Any) -> None:
    made = mixed(SAMPLES, plan_mixture.Config(shares={"tsqa": 1, "narration": 1}))
    tasks = [row.task for row in made if isinstance(row, Dialogue)]
    assert (tasks.count("tsqa"), tasks.count("narration")) == (20, 20)
    rejects = [row for row in made if isinstance(row, Reject)]
    assert len(made) == 60 and {row.reason for row in rejects} == {"not_drawn"}
    only = mixed(SAMPLES, plan_mixture.Config(shares={"tsqa": 1}, samples=7))
    assert [row.task for row in only if isinstance(row, Dialogue)] == ["tsqa"] * 7


@pytest.mark.parametrize("silence", ["trim", "mask"])
def test_silence_comes_down_to_the_ratio(mixed: Any, silence: Any) -> None:
    made = mixed(SAMPLES, plan_mixture.Config(silence=silence, silence_per_response=8))
    learned = [turn for row in made for turn in row.turns if turn.loss is not False]
    quiet = sum(turn.state == "silence" for turn in learned)
    assert quiet / 60 == pytest.approx(8, abs=0.3)
    assert sum(turn.state == "response" for turn in learned) == 60
    if silence == "trim":
        assert all(row.n_silence == len(row.turns) - row.n_response for row in made)
    else:
        assert all(len(row.turns) == 20 for row in made)


def test_states_come_to_twelve_three_two(mixed: Any) -> None:
    said = Response.event("r", "x", 4, 12).model_copy(update={"qid": "q"})
    made = made_of([Question(qid="q", text="?", asked_s=0)], [said], "tsqa")
    whole = dialogue_of(made, even_tiling("v", 20, 1))
    assert (whole.n_silence, whole.n_standby, whole.n_response) == (11, 8, 1)
    named = [{"sample_id": f"s{i}", "video_id": f"v{i}"} for i in range(60)]
    samples = [whole.model_copy(update=names) for names in named]
    config = plan_mixture.Config(
        silence="mask", silence_per_response=6, standby_per_response=1.5, samples=60
    )
    rows = mixed(samples, config)
    learned = Counter(turn.state for row in rows for turn in row.turns if turn.loss)
    assert all(len(row.turns) == 20 for row in rows)
    assert learned["response"] == 60
    assert learned["silence"] / 60 == pytest.approx(6, abs=0.3)
    assert learned["standby"] / 60 == pytest.approx(1.5, abs=0.3)
    alone = mixed(samples, plan_mixture.Config(standby_per_response=0))
    assert {turn.state for row in alone for turn in row.turns if turn.loss} == {
        *("silence", "response")
    }


def test_weights_are_set(mixed: Any) -> None:
    made = mixed(SAMPLES, plan_mixture.Config(), apply_mixture.Config(weights="class_balanced"))
    weights = {turn.state: turn.loss_scale for row in made for turn in row.turns}
    assert weights["silence"] < weights["response"]


def test_what_is_withdrawn_goes_and_the_others_stay_as_they_are(mixed: Any) -> None:
    """Nothing is drawn in its place, and silence is cut by the same share."""
    drawing = plan_mixture.Config(
        shares={"tsqa": 1, "narration": 1}, samples=20, silence="trim", silence_per_response=3
    )
    before = mixed(SAMPLES, drawing)
    drawn = [row for row in before if isinstance(row, Dialogue)]
    gone, of_source = drawn[3], drawn[8]
    samples = [
        each.model_copy(update={"source": "closed" * (each.video_id == of_source.video_id)})
        for each in SAMPLES
    ]
    exclude = [
        {"reason": "its owner asked", "videos": [gone.video_id, "nobody"]},
        {"reason": "no licence", "sources": ["closed"]},
        {"reason": "too late", "videos": [gone.video_id]},
    ]
    after = mixed(samples, drawing, apply_mixture.Config.model_validate({"exclude": exclude}))
    rejects = [r for r in after if isinstance(r, Reject) and r.reason == "withdrawn"]
    assert [(r.video_id, r.detail) for r in rejects] == [
        (gone.video_id, "its owner asked"),
        (of_source.video_id, "no licence"),
    ]
    assert gone.sample_id in rejects[0].row
    left = [row for row in after if isinstance(row, Dialogue)]
    kept = [row for row in drawn if row not in (gone, of_source)]
    assert left == [row.model_copy(update={"source": ""}) for row in kept]
    assert len(after) == len(SAMPLES)
    assert "withdrawn" in apply_mixture.STAGE.absences


@pytest.mark.parametrize("silence", ["trim", "mask"])
def test_a_still_stretch_stays_whole(mixed: Any, silence: Any) -> None:
    still = SAMPLES[7].model_copy(update={"is_still": True})
    config = plan_mixture.Config(silence=silence, silence_per_response=1)
    made = mixed([*SAMPLES[:7], still, *SAMPLES[8:]], config)
    learned = [[turn for turn in row.turns if turn.loss is not False] for row in made]
    assert len(learned[7]) == 20 and all(len(turns) < 20 for turns in learned[:7])


@pytest.mark.parametrize("silence", ["keep", "trim", "mask"])
def test_negatives_are_drawn_to_their_share_and_stay_whole(mixed: Any, silence: Any) -> None:
    asked = made_of([Question(qid="q", text="?", asked_s=0)], [], "tsqa")
    negative = dialogue_of(asked.model_copy(update={"is_negative": True}), even_tiling("v", 20, 1))
    quiet = [
        negative.model_copy(update={"sample_id": f"n{i}", "video_id": f"n{i}"}) for i in range(30)
    ]
    config = plan_mixture.Config(silence=silence, silence_per_response=8)
    made = mixed([*SAMPLES, *quiet], config)
    kept = [row for row in made if isinstance(row, Dialogue) and row.is_negative]
    assert len(kept) == 4, "a tenth of 44 samples of the task"
    for row in kept:
        assert len(row.turns) == 20 and all(turn.loss is not False for turn in row.turns)
    details = {row.detail for row in made if isinstance(row, Reject)}
    assert details == {"4 of 30 negatives of tsqa were drawn"}
