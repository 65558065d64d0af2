from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, Reject, SourceAnnotation, Video
from pipeline.workflow.stage import Context
from stages import source_annotations


@pytest.fixture
def taken(video: Callable[..., Video], video_rows: Callable[..., Any]) -> Callable[..., list[Any]]:
    """What becomes of these entries on a video of ten seconds."""

    def run(*entries: SourceAnnotation, **config: Any) -> list[Any]:
        rows = video_rows({Video: [video(annotations=list(entries))]})
        return list(
            source_annotations.STAGE.run([rows], source_annotations.Config(**config), Context())
        )

    return run


def qa(**fields: Any) -> SourceAnnotation:
    return SourceAnnotation.model_validate(
        {"kind": "qa", "text": "Red.", "question": "Which colour?"} | fields
    )


def happening(**fields: Any) -> SourceAnnotation:
    return SourceAnnotation.model_validate({"kind": "event", "text": "A ball rolls."} | fields)


@pytest.mark.parametrize(
    ("entry", "asked_s", "asked_by", "kind", "respond_s", "evidence"),
    [
        (qa(), 0.0, "start", "event", 10.0, (0.0, 10.0)),
        (qa(start_s=5, end_s=6), 0.0, "start", "event", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=6, asked_s=0), 0.0, "given", "event", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=6, asked_s=2), 2.0, "given", "event", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=6, asked_s=8.4), 8.4, "given", "instant", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=10.5), 0.0, "start", "event", 10.0, (5.0, 10.0)),
    ],
)
def test_an_answer_waits_for_its_question_and_its_evidence(
    *,
    taken: Callable[..., list[Any]],
    entry: SourceAnnotation,
    asked_s: float,
    asked_by: str,
    kind: str,
    respond_s: float,
    evidence: tuple[float, float],
) -> None:
    (task,) = taken(entry)
    assert isinstance(task, Annotation)
    assert task.task == "offline_qa"
    asked = [(q.text, q.asked_s, q.asked_by) for q in task.questions]
    assert asked == [("Which colour?", asked_s, asked_by)]
    (response,) = task.responses
    assert (response.kind, response.respond_s) == (kind, respond_s)
    assert [(e.start_s, e.end_s) for e in response.evidence] == [evidence]
    assert task.provenance == []


@pytest.mark.parametrize(
    ("start_s", "end_s", "resolution_s", "tolerance_s", "span"),
    [
        (5, 15, 5, 1, (5, 10)),
        (5, 15.1, 5, 1, None),
        (5, 15, 5, 0, (5, 10)),
        (5, 11, 0.5, 1, (5, 10)),
        (5, 11, 0.5, 0.5, None),
        (5, 11.5, 0, 1, None),
        # What begins where the video ends is not in it.
        (10, 15, 5, 1, None),
    ],
)
def test_a_span_is_clipped_as_far_as_its_times_are_coarse(
    *,
    taken: Callable[..., list[Any]],
    start_s: float,
    end_s: float,
    resolution_s: float,
    tolerance_s: float,
    span: tuple[float, float] | None,
) -> None:
    entry = happening(start_s=start_s, end_s=end_s, resolution_s=resolution_s)
    (made,) = taken(entry, tolerance_s=tolerance_s)
    if span is None:
        assert isinstance(made, Reject) and made.reason == "bad_span"
    else:
        assert [(r.start_s, r.end_s) for r in made.responses] == [span]


def test_a_question_is_clipped_as_far_as_its_times_are_coarse(
    taken: Callable[..., list[Any]],
) -> None:
    (task,) = taken(qa(asked_s=12, start_s=6, end_s=12, resolution_s=2))
    assert task.questions[0].asked_s == 10
    assert [(e.start_s, e.end_s) for e in task.responses[0].evidence] == [(6, 10)]


def test_how_coarse_times_are_makes_no_other_task(taken: Callable[..., list[Any]]) -> None:
    fine, coarse = (taken(happening(start_s=1, end_s=2, resolution_s=r))[0] for r in (0, 5))
    assert fine == coarse


def test_a_described_span_becomes_a_question_of_when(taken: Callable[..., list[Any]]) -> None:
    entries = (qa(options=["Red.", "Green."]), happening(start_s=2, end_s=4.25))
    first, second = taken(*entries)
    assert first.questions[0].options == ["Red.", "Green."]
    assert second.task == "event_grounding"
    assert second.questions[0].text == "A ball rolls."
    assert second.responses[0].text == "The event took place from 2 s to 4.2 s."
    assert second.responses[0].respond_s == 4.25
    wanted = taken(*entries, tasks=["offline_qa"])
    assert [a.task for a in wanted if isinstance(a, Annotation)] == ["offline_qa"]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([], "no_source_annotations"),
        ([qa(start_s=5, end_s=12)], "bad_span"),
        ([qa(start_s=5, end_s=5)], "bad_span"),
        ([qa(start_s=5)], "bad_span"),
        ([qa(asked_s=12)], "outside_video"),
        ([qa(question=" ")], "empty_text"),
        ([qa(text="")], "empty_text"),
        ([qa(options=["a", "a"])], "duplicate_options"),
        ([qa(options=["red", "Red. "])], "duplicate_options"),
        ([qa(options=["blue", "green"])], "answer_not_an_option"),
        ([qa(text="A", options=["Red.", "green"])], "answer_not_an_option"),
        ([qa(text="0", options=[str(i) for i in range(27)])], "too_many_options"),
        ([qa(), qa()], "duplicate_annotation"),
        ([qa(pointer="a.json#0"), qa(pointer="b.json#7")], "duplicate_annotation"),
        ([happening()], "no_span"),
        ([happening(start_s=3)], "bad_span"),
        ([happening(kind="step", start_s=9, end_s=30)], "bad_span"),
    ],
)
def test_everything_else_is_refused(
    taken: Callable[..., list[Any]], entries: list[SourceAnnotation], reason: str
) -> None:
    assert [each.reason for each in taken(*entries) if isinstance(each, Reject)] == [reason]


def test_an_answer_is_worded_as_its_option_is(taken: Callable[..., list[Any]]) -> None:
    (task,) = taken(qa(text="red", options=["Green.", "Red."]))
    assert task.responses[0].text == "Red."


def test_an_entry_of_a_task_that_is_not_wanted_is_not_dropped_in_silence(
    taken: Callable[..., list[Any]],
) -> None:
    reject, task = taken(happening(start_s=0, end_s=1), qa(), tasks=["offline_qa"])
    assert (reject.reason, reject.detail) == ("task_not_wanted", "event_grounding")
    assert SourceAnnotation.model_validate_json(reject.row) == happening(start_s=0, end_s=1)
    assert isinstance(task, Annotation)


def test_an_event_needs_a_span_and_words(taken: Callable[..., list[Any]]) -> None:
    made = taken(happening(), happening(text="", start_s=0, end_s=1), tasks=["event_grounding"])
    assert [r.reason for r in made] == ["no_span", "empty_text"]


def step(text: str, start_s: float, end_s: float, **fields: Any) -> SourceAnnotation:
    return happening(kind="step", text=text, start_s=start_s, end_s=end_s, **fields)


def test_the_steps_of_a_procedure_are_one_annotation_each_due_when_it_is_over(
    taken: Callable[..., list[Any]],
) -> None:
    entries = (
        step("pour", 4, 6, origin="human", pointer="f#2"),
        step("peel", 0, 3, origin="human", pointer="f#1"),
        step("pour", 7, 10.5, origin="human", pointer="f#3"),
        step("bake", 3, 40, origin="human", pointer="f#4"),
    )
    reject, task = taken(*entries)
    assert (reject.reason, SourceAnnotation.model_validate_json(reject.row)) == (
        "bad_span",
        entries[3],
    )
    assert (task.task, task.origins, task.provenance) == ("action_caption", ["human"], [])
    assert [(q.text, q.asked_s) for q in task.questions] == [("", 0)]
    said = [(r.rid, r.kind, r.text, r.start_s, r.respond_s) for r in task.responses]
    assert said == [
        ("r0", "event", "peel", 0, 3),
        ("r1", "event", "pour", 4, 6),
        ("r2", "event", "pour", 7, 10),
    ]
    assert task.parent_ids == ["f#1", "f#2", "f#3"]


def test_steps_are_grounded_where_the_config_says_so(taken: Callable[..., list[Any]]) -> None:
    entries = (step("pour", 4, 6), step("peel", 0, 3))
    assert [task.task for task in taken(*entries)] == ["action_caption"]
    steps, pour, peel = taken(*entries, ground_steps=True)
    assert [steps.task, pour.task, peel.task] == ["action_caption", *["event_grounding"] * 2]
    assert pour.questions[0].text == "pour" and peel.questions[0].text == "peel"
    (only,) = taken(entries[0], ground_steps=True, tasks=["event_grounding"])
    assert only == pour
    (reject,) = taken(entries[0], tasks=["event_grounding"])
    assert reject.reason == "task_not_wanted"


def test_one_wording_with_several_spans_is_one_question_with_several_answers(
    taken: Callable[..., list[Any]],
) -> None:
    spans = ((6, 8), (1, 2), (6, 8))
    reject, task = taken(*(happening(start_s=a, end_s=b) for a, b in spans))
    assert reject.reason == "duplicate_annotation"
    assert [(r.rid, r.respond_s) for r in task.responses] == [("r0", 2), ("r1", 8)]
    assert [r.text for r in task.responses] == [
        "The event took place from 1 s to 2 s.",
        "The event took place from 6 s to 8 s.",
    ]


def test_what_people_and_models_wrote_stays_apart(taken: Callable[..., list[Any]]) -> None:
    by = [step("pour", i, i + 1, origin=o) for i, o in enumerate(["human", "model", "asr", ""])]
    assert [(t.origins, len(t.responses)) for t in taken(*by)] == [
        (["human"], 1),
        (["model"], 1),
        (["asr"], 1),
        ([], 1),
    ]


def test_where_a_dataset_says_it_does_not_make_it_another_task(
    taken: Callable[..., list[Any]],
) -> None:
    first, second = (
        taken(happening(start_s=1, end_s=2, pointer=p, raw="{}"))[0] for p in ("a#0", "b#1")
    )
    assert first.annotation_id == second.annotation_id
    assert (first.parent_ids, second.parent_ids) == (["a#0"], ["b#1"])
