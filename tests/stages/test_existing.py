from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, Reject, SourceAnnotation, Video
from pipeline.stage import Context
from stages import existing


@pytest.fixture
def taken(video: Callable[..., Video], video_rows: Callable[..., Any]) -> Callable[..., list[Any]]:
    """What becomes of these entries on a video of ten seconds."""

    def run(*entries: SourceAnnotation, **config: Any) -> list[Any]:
        rows = video_rows({Video: [video(annotations=list(entries))]})
        return list(existing.STAGE.run([rows], existing.Config(**config), Context()))

    return run


def qa(**fields: Any) -> SourceAnnotation:
    return SourceAnnotation.model_validate(
        {"kind": "qa", "text": "Red.", "question": "Which colour?"} | fields
    )


def happening(**fields: Any) -> SourceAnnotation:
    return SourceAnnotation.model_validate({"kind": "event", "text": "A ball rolls."} | fields)


@pytest.mark.parametrize(
    ("entry", "ask_at", "asked_s", "kind", "respond_s", "evidence"),
    [
        (qa(), "end", 10.0, "instant", 10.0, (0.0, 10.0)),
        (qa(), "start", 0.0, "event", 10.0, (0.0, 10.0)),
        (qa(start_s=5, end_s=6), "end", 10.0, "instant", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=6), "start", 0.0, "event", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=6, asked_s=2), "end", 2.0, "event", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=6, asked_s=8.4), "start", 8.4, "instant", 6.0, (5.0, 6.0)),
        (qa(start_s=5, end_s=10.5), "start", 0.0, "event", 10.0, (5.0, 10.0)),
    ],
)
def test_an_answer_waits_for_its_question_and_its_evidence(
    *,
    taken: Callable[..., list[Any]],
    entry: SourceAnnotation,
    ask_at: str,
    asked_s: float,
    kind: str,
    respond_s: float,
    evidence: tuple[float, float],
) -> None:
    (task,) = taken(entry, ask_at=ask_at)
    assert isinstance(task, Annotation)
    assert task.task == "offline_qa"
    assert [(q.text, q.asked_s) for q in task.questions] == [("Which colour?", asked_s)]
    (response,) = task.responses
    assert (response.kind, response.respond_s) == (kind, respond_s)
    assert [(e.start_s, e.end_s) for e in response.evidence] == [evidence]
    assert task.provenance == []


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
        ([], "nothing_existing"),
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
    ],
)
def test_everything_else_is_refused(
    taken: Callable[..., list[Any]], entries: list[SourceAnnotation], reason: str
) -> None:
    made = taken(*entries)
    assert isinstance(made[-1], Reject)
    assert made[-1].reason == reason


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
    assert [r.reason for r in made] == ["bad_span", "empty_text"]
