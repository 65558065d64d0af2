"""What lasts through all of a video is no event to look for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, Reject, SourceAnnotation, Video
from pipeline.workflow.stage import Context
from stages import source_annotations

Taken = Callable[..., list[Any]]


@pytest.fixture
def taken(video: Callable[..., Video], video_rows: Callable[..., Any]) -> Taken:
    """What becomes of these entries on a video of ten seconds."""

    def run(*entries: SourceAnnotation, **config: Any) -> list[Any]:
        rows = video_rows({Video: [video(annotations=list(entries))]})
        return list(
            source_annotations.STAGE.run([rows], source_annotations.Config(**config), Context())
        )

    return run


def described(start_s: float, end_s: float, text: str = "A ball rolls.", **more: Any) -> Any:
    fields = {"kind": "event", "text": text, "start_s": start_s, "end_s": end_s}
    return SourceAnnotation.model_validate(fields | more)


@pytest.mark.parametrize(
    ("spans", "config", "grounded"),
    [
        ([(0, 9)], {}, True),
        ([(0, 9.01)], {}, False),
        ([(0.5, 10)], {}, False),
        ([(0, 10)], {}, False),
        ([(0, 10.9)], {}, False),
        ([(0, 10)], {"max_share": 1}, True),
        ([(0, 4)], {"max_share": 0.3}, False),
        ([(0, 4), (5, 9)], {}, True),
        # Together they leave too little out, and one of them alone would be half the answer.
        ([(0, 4.6), (5, 10)], {}, False),
        ([(0, 10), (2, 3)], {}, False),
        # What overlaps counts once.
        ([(0, 6), (2, 8), (3, 4)], {}, True),
        ([(0, 10 / 3), (10 / 3, 7.1), (7.1, 10)], {"max_share": 1}, True),
    ],
)
def test_what_covers_nearly_all_of_a_video_is_no_event_to_ground(
    *, taken: Taken, spans: list[tuple[float, float]], config: dict[str, Any], grounded: bool
) -> None:
    entries = [described(*span) for span in spans]
    made = taken(*entries, **config)
    if grounded:
        (task,) = made
        assert isinstance(task, Annotation) and len(task.responses) == len(spans)
        return
    assert all(isinstance(each, Reject) and each.reason == "covers_video" for each in made)
    rows = [SourceAnnotation.model_validate_json(each.row) for each in made]
    assert sorted(rows, key=str) == sorted(entries, key=str)


def test_another_wording_or_another_writer_is_another_event(taken: Taken) -> None:
    reject, first, second = taken(
        described(0, 10, origin="human"),
        described(0, 5, "It stops."),
        described(5, 10, origin="model"),
    )
    assert (reject.reason, reject.detail) == ("covers_video", "1.000 of it, of at most 0.900")
    assert [task.task for task in (first, second)] == ["event_grounding"] * 2


def test_only_grounding_asks_when_it_was(taken: Taken) -> None:
    asked = described(0, 10, "Red.", kind="qa", question="Which?", asked_s=10)
    step = described(0, 10, "Bake.", kind="step")
    assert [task.task for task in taken(asked, step)] == ["offline_qa", "action_caption"]
    task, reject = taken(step, ground_steps=True)
    assert (task.task, reject.reason) == ("action_caption", "covers_video")


def test_a_caption_of_the_whole_video_has_no_span(taken: Taken) -> None:
    entry = SourceAnnotation(kind="event", text="All day long, a ball rolls.")
    (reject,) = taken(entry, max_share=1)
    assert reject.reason == "no_span"
