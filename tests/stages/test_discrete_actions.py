from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Event, Reject, VerifiedEvent, Video
from pipeline.workflow.stage import Context
from stages import discrete_actions as stage
from stages._discrete import fault_of

DEEDS = [
    "A man chops an onion",
    "The onion is chopped",
    "A red circle moves left.",
    "She is pouring oil into the pan",
    "A man stands up",
    "He puts the vase on a stand",
    "A camera operator adjusts a lens",
    "A woman talks while she folds a shirt",
    "A man sitting at a table cuts wood",
    "A cook stands at the stove and stirs the soup",
    "The boy has opened the door",
    "A girl takes a picture",
    "Something moves in the picture.",
    "He reads a report",
    "Un hombre corta una cebolla",
    "",
]
STATES = [
    "The room is dark",
    "There are three cups on the table",
    "A woman wears a green coat",
    "A dog is lying on the floor",
    "The bottle remains on the shelf",
    "Two people sit on a bench",
]
SCENES = [
    "The camera pans across the kitchen",
    "A close-up of a finished cake",
    "The video shows a workshop",
    "White text appears",
    "A wide view of the harbour",
]
TALKS = [
    "A man explains the recipe",
    "A woman talks to her friend",
    "The host stands and talks",
    "Two men talk and discuss the plan",
    "He is speaking into a microphone",
]


@pytest.mark.parametrize(
    ("fault", "captions"),
    [(None, DEEDS), ("state", STATES), ("scene", SCENES), ("talk", TALKS)],
)
def test_words_tell_what_is_no_deed(fault: str | None, captions: list[str]) -> None:
    found = {caption: fault_of(caption) for caption in captions}
    expected = dict.fromkeys(captions, fault)
    stands_first = {"The host stands and talks": "state"}
    assert found == expected | {k: v for k, v in stands_first.items() if k in expected}


@pytest.fixture
def filtered(
    event: Callable[..., VerifiedEvent], video: Callable[..., Video], video_rows: Callable[..., Any]
) -> Callable[..., list[tuple[str, str]]]:
    """``filtered((start_s, end_s, caption), ...)``: what becomes of each, in a video of 400 s."""

    def run(*listed: Any, family: str = "action", **config: Any) -> list[tuple[str, str]]:
        rows = [
            event(start_s, end_s, event_id=f"e{i}", caption=caption, consistency=(*more, 1.0)[0],
                  family=family)
            for i, (start_s, end_s, caption, *more) in enumerate(listed)
        ]  # fmt: skip
        events = [Event.model_validate(e.model_dump(include=set(Event.model_fields))) for e in rows]
        kinds = video_rows({Event: events, Video: [video(duration_s=400.0)]})
        made = stage.STAGE.run([kinds], stage.Config(**config), Context())
        return [
            (row.reason, row.detail) if isinstance(row, Reject) else ("", row.event_id)  # type: ignore[attr-defined]
            for row in made
        ]

    return run


@pytest.mark.parametrize(
    ("span", "reason"),
    [
        ((5, 5.2), "too_short"),
        ((5, 130), "too_long"),
        ((5, 125), ""),
        ((0, 390), "covers_video"),
        ((5, 6), ""),
    ],
)
def test_a_length_tells_what_is_no_deed(
    filtered: Any, span: tuple[float, float], reason: str
) -> None:
    ((found, _),) = filtered((*span, "A man chops an onion"))
    assert found == reason


def test_settings_move_the_limits(filtered: Any) -> None:
    assert filtered((5, 5.2, "He nods"), min_s=0.1) == [("", "e0")]
    assert filtered((0, 390, "He swims"), max_s=500, max_share=1.0) == [("", "e0")]


def test_of_twins_the_better_one_stays(filtered: Any) -> None:
    first, second = (10, 20, "A man cuts the bread", 0.4), (10, 19.5, "The man cuts bread", 0.9)
    assert [reason for reason, _ in filtered(first, second)] == ["twin", ""]
    assert [reason for reason, _ in filtered(second, first)] == ["", "twin"]
    alike = first[:3], (10, 20, "A man cuts the bread.")
    assert [reason for reason, _ in filtered(*alike)] == ["", "twin"], "of equals the first"


@pytest.mark.parametrize(
    "other", [(30, 40, "A man cuts the bread"), (10, 20, "A blue square moves left")]
)
def test_another_time_or_another_deed_is_no_twin(filtered: Any, other: Any) -> None:
    assert [reason for reason, _ in filtered((10, 20, "A man cuts the bread"), other)] == ["", ""]


def test_words_of_another_language_are_not_judged_and_it_says_so(filtered: Any) -> None:
    found = filtered((5, 9, "The room is dark"), (5, 5.1, "Er nickt"), language="de")
    assert [reason for reason, _ in found] == ["words_not_judged", "", "too_short"]
    assert "words_not_judged" in stage.STAGE.absences


def test_events_pass(filtered: Any) -> None:
    shown = (0, 400, "The room is dark"), (5, 5.1, "A man explains"), (5, 5.1, "A man explains")
    assert filtered(*shown, family="event") == [("", "e0"), ("", "e1"), ("", "e2")]
    assert filtered(shown[0], family="event", language="de") == [("", "e0")]
