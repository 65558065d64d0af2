"""Perfect input scores 1.0; each kind of mistake lowers its own figure; nothing scores nothing."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from pathlib import Path

import pytest

from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.script import Scene
from pipeline.media.scenes.truth_of import truth_of
from pipeline.records import (
    Annotation,
    Provenance,
    Question,
    Response,
)
from pipeline.scoring.truth.scripted import load_truths, score_truth
from pipeline.scoring.truth.scripted_report import Share, TruthReport
from tests.pipeline.scoring.truth.known import TRUTH, dialogue

CALL = Provenance(
    stage="s", prompt="p", prompt_sha="", model="m", revision="1", engine="embedded",
    engine_version="1", temperature=0, max_tokens=1, seed=0, samples=1, tokens_in=0, tokens_out=0,
    request_id="q",
)  # fmt: skip


def annotation(task: str, *spans: tuple[float, float]) -> Annotation:
    return Annotation(
        provenance=[CALL],
        video_id="v",
        annotation_id=task,
        task=task,
        questions=[Question(qid="q", text="", asked_s=0)],
        responses=[
            Response(
                rid=str(n),
                qid="q",
                kind="event",
                text="",
                start_s=start,
                end_s=end,
                respond_s=end,
            )
            for n, (start, end) in enumerate(spans)
        ],
    )


NARRATION = {4: "A circle.", 8: "Green.", 13: "It left."}
COUNTS = {0: "One shape.", 4: "There are two now.", 13: "1"}


def report(
    narration: Mapping[int, str] = NARRATION,
    counts: Mapping[int, str] = COUNTS,
    events: tuple[tuple[float, float], ...] = ((3.4, 12.1),),
    actions: tuple[tuple[float, float], ...] = ((14.0, 19.0),),
    grounded: tuple[tuple[float, float], ...] = ((3.4, 12.1), (14.0, 19.0)),
) -> TruthReport:
    annotations = [
        annotation("event_caption", *events),
        annotation("action_caption", *actions),
        annotation("event_grounding", *grounded),
    ]
    dialogues = [
        dialogue("narration", narration),
        dialogue("tsqa", counts, "count", "How many shapes are there?"),
    ]
    return score_truth([TRUTH], annotations, dialogues)


def figures(found: TruthReport) -> dict[str, float | None]:
    """Every figure that is 1 when all is well; lateness is separate."""
    named = {
        "recall": found.changes.recall.share,
        "not spurious": None
        if found.changes.spurious.share is None
        else 1 - found.changes.spurious.share,
        "right": found.answers.right.share,
        "answer recall": found.answers.recall.share,
        "loose": found.answers.loose.share,
    }
    for span in found.spans:
        named[f"{span.task} agreed"] = span.agreed.share
        named[f"{span.task} iou"] = span.mean_iou
        named[f"{span.task} found"] = span.found.share
    return named


def test_perfect_input_scores_one() -> None:
    found = report()
    assert set(figures(found).values()) == {1.0}
    assert found.changes.mean_lateness_s == pytest.approx((0.6 + 0.2 + 0.9) / 3)
    assert [(c.task, c.videos, c.samples) for c in found.tasks] == [
        ("narration", 1, 1),
        ("tsqa", 1, 1),
    ]


@pytest.mark.parametrize(
    ("mistake", "lowered"),
    [
        (report(narration={4: "", 8: ""}), {"recall"}),
        (report(narration={**NARRATION, 17: ""}), {"not spurious"}),
        (report(narration={4: "", 8: "", 15: ""}), {"recall", "not spurious"}),
        # a wrong value, a right one late, one never answered, one repeated without a change
        (report(counts={**COUNTS, 13: "Two."}), {"right", "answer recall", "loose"}),
        (report(counts={0: "1", 4: "2", 14: "1"}), {"right", "answer recall"}),
        (report(counts={0: "1", 4: "2", 17: "1"}), {"right", "answer recall", "loose"}),
        (report(counts={0: "1", 4: "2"}), {"answer recall", "loose"}),
        (report(counts={**COUNTS, 16: "1"}), {"right"}),
        # before it can be known: 1 is still wrong at 12, but within 3 s
        (report(counts={0: "1", 4: "2", 12: "1"}), {"right", "answer recall"}),
        # the first answer may come late, if it is right
        (report(counts={2: "1", 4: "2", 13: "1"}), set()),
        (report(events=((3.4, 11.9),)), {"event_caption iou"}),
        (report(events=((3.4, 12.1), (14.0, 19.0))), {"event_caption agreed", "event_caption iou"}),
        (
            report(actions=((10.0, 15.0),)),
            {"action_caption agreed", "action_caption iou", "action_caption found"},
        ),
        (report(grounded=((14.0, 19.0),)), {"event_grounding found"}),
    ],
)
def test_each_mistake_lowers_its_own_figures(mistake: TruthReport, lowered: set[str]) -> None:
    assert {name for name, value in figures(mistake).items() if value != 1} == lowered
    assert all(value is not None for value in figures(mistake).values())


def test_nothing_scores_nothing() -> None:
    for found in (score_truth([TRUTH], [], []), score_truth([], [], [])):
        assert set(figures(found).values()) == {None}
        assert found.changes.mean_lateness_s is None
        assert "%" not in found.to_text()
        assert found.to_text().count("n/a") == 18
    silent = score_truth([TRUTH], [], [dialogue("narration", {})])
    assert silent.changes.recall == Share(part=0, whole=3, share=0)
    assert silent.changes.spurious.share is None


def test_a_video_that_was_lost_lowers_recall() -> None:
    other = TRUTH.model_copy(update={"video_id": "w"})
    found = score_truth(
        [TRUTH, other],
        [annotation("event_caption", (3.4, 12.1))],
        [dialogue("narration", NARRATION)],
    )
    assert found.changes.recall.share == 0.5
    assert found.spans[0].found.share == 0.5


def test_what_a_dataset_had_a_part_in_is_no_merit_of_the_models() -> None:
    model = annotation("event_grounding", (3.4, 12.1))
    by_people = {"provenance": [], "origins": ["human"]}
    for keys in (["provenance", "origins"], ["provenance"], ["origins"]):
        copied = model.model_copy(update={key: by_people[key] for key in keys})
        assert score_truth([TRUTH], [copied], []).spans[2].agreed.whole == 0
    assert score_truth([TRUTH], [model], []).spans[2].agreed.whole == 1


def test_videos_without_a_truth_are_left_out_and_counted() -> None:
    stray = dialogue("narration", {1: "x"}).model_copy(update={"video_id": "w"})
    found = score_truth([TRUTH], [], [stray, dialogue("narration", NARRATION)])
    assert found.videos_unknown == 1
    assert found.changes.spurious.share == 0


@pytest.mark.parametrize(
    ("question", "answers", "right", "due"),
    [
        ("What colour is the square?", {0: "Blue.", 8: "It is GREEN now"}, 2, 1),
        ("What colour is the square?", {0: "Blueish", 8: "greenery"}, 0, 1),
        # that it is gone, or back in the same colour, need not be answered, but may be
        ("What colour is the circle?", {4: "Red."}, 1, 0),
        ("What colour is the circle?", {4: "Red.", 13: "It is no longer in view", 16: "red"}, 3, 0),
        ("What colour is the circle?", {0: "It is not visible", 4: "red"}, 2, 1),
        # no subject is named: the track that fits best
        ("What colour is it?", {0: "blue", 8: "green"}, 2, 1),
    ],
)
def test_answers_are_measured_on_the_track_asked_about(
    question: str, answers: Mapping[int, str], right: int, due: int
) -> None:
    found = score_truth([TRUTH], [], [dialogue("tsqa", answers, "attribute", question)]).answers
    assert found.right.part == right
    assert found.right.whole == len(answers)
    assert found.recall.whole == due


def test_the_loose_measure_starts_at_the_question() -> None:
    late = dialogue("tsqa", {9: "green"}, "attribute", "What colour is the square?", asked=6)
    loose = score_truth([TRUTH], [], [late]).answers.loose
    assert (loose.part, loose.whole) == (1, 2)


def test_a_dialogue_of_an_unknown_aspect_is_unscored() -> None:
    found = score_truth([TRUTH], [], [dialogue("tsqa", {0: "left"}, "position", "Where?")])
    assert found.answers.unscored == 1
    assert found.answers.right.share is None


def test_the_report_survives_json_and_prints_every_figure() -> None:
    found = report()
    assert TruthReport.model_validate_json(found.model_dump_json()) == found
    text = found.to_text()
    tables = [block.splitlines()[0] for block in text.split("\n\n")[2:]]
    assert tables == ["changes", "answers", "negatives", "spans"]
    spoken = " ".join(text.split())
    assert all(protocol in spoken for protocol in found.protocols.values())
    figures = [line for line in text.splitlines() if "%" in line or "n/a" in line]
    assert len(figures) == 2 + 5 + 1 + 3
    assert "100.0 % (3 of 3)" in text


def test_truths_are_loaded_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b", "a"):
        truth = TRUTH.model_copy(update={"video_id": name})
        (tmp_path / f"{name}.json").write_text(truth.model_dump_json())
    assert [truth.video_id for truth in load_truths(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_who_knows_the_script_answers_all_right(scene: Scene) -> None:
    truth = truth_of(scene).model_copy(update={"video_id": "v"})
    dialogues = [dialogue("narration", {ceil(c.time_s): c.text for c in truth.changes})]
    for track in truth.tracks:
        answers: dict[int, str] = {}
        for turn in range(int(truth.duration_s)):
            now = [value.value for value in track.values if value.time_s <= turn][-1]
            if [now] != list(answers.values())[-1:]:
                answers[turn] = now
        dialogues.append(dialogue("tsqa", answers, track.aspect, f"And the {track.subject}?"))
    found = score_truth([truth], [], dialogues)
    assert found.changes.recall.part == found.changes.recall.whole == len(truth.changes)
    assert found.changes.spurious.part == 0
    assert found.answers.right.share == 1
    assert found.answers.recall.part == found.answers.recall.whole
    assert found.answers.loose.share == 1
