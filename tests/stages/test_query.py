from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, Reject, VerifiedEvent, Video
from pipeline.workflow.annotation_stage import Answers, Case
from stages import query, source_annotations


@pytest.fixture
def queried(
    video: Callable[..., Video], video_rows: Callable[..., Any], asking: Callable[..., Any]
) -> Callable[..., list[Any]]:
    """What becomes of events of a video of 10 s when captions are answered in upper case, or all
    with ``said``."""

    def run(events: list[VerifiedEvent], said: str | None = None, **settings: Any) -> list[Any]:
        context, engine = asking(
            "query", lambda ask: {"query": said or ask.variables["caption"].upper()}
        )
        rows = video_rows({VerifiedEvent: events, Video: [video()]})
        made = list(query.STAGE.run([rows], query.Config(**settings), context))
        assert all(not ask.frames for ask in engine.asks)
        return made

    return run


def test_a_query_is_answered_when_the_event_is_over(
    queried: Callable[..., list[Any]], event: Callable[..., VerifiedEvent]
) -> None:
    (task,) = queried([event(3.0, 5.5, caption="a ball rolls", iou=0.8)])
    assert isinstance(task, Annotation)
    assert [(q.text, q.asked_s) for q in task.questions] == [("A BALL ROLLS", 0.0)]
    (response,) = task.responses
    assert response.text == "The event took place from 3 s to 5.5 s."
    assert (response.kind, response.start_s, response.respond_s) == ("event", 3.0, 5.5)
    assert task.checks[0].score == 0.8
    assert len(task.provenance) == 3


def test_an_event_that_people_described_stays_theirs(
    queried: Callable[..., list[Any]], event: Callable[..., VerifiedEvent]
) -> None:
    human, found = event(1, 2, provenance=None, origin="human"), event(3, 6)
    tasks = queried([human, found])
    assert [(len(task.provenance), task.origins) for task in tasks] == [(2, ["human"]), (3, [])]


def test_the_choice_is_by_content(
    queried: Callable[..., list[Any]], event: Callable[..., VerifiedEvent]
) -> None:
    events = [event(float(i), i + 1.5, caption=f"event {i}") for i in range(8)]

    def chosen(events: list[VerifiedEvent], seed: int) -> set[str]:
        made = queried(events, max_queries=3, choice_seed=seed)
        return {p for task in made for p in task.parent_ids}

    assert len(chosen(events, 0)) == 3
    assert chosen(events, 0) == chosen(events[::-1], 0)
    assert len({frozenset(chosen(events, seed)) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("captions", "said", "refused"),
    [
        (["a ball rolls", "A ball  rolls."], None, 2),
        (["a ball rolls", "a ball stops"], "A ball moves.", 2),
        (["a ball rolls", "a ball stops"], None, 0),
    ],
)
def test_a_query_that_fits_two_events_is_refused(
    queried: Callable[..., list[Any]],
    event: Callable[..., VerifiedEvent],
    captions: list[str],
    said: str | None,
    refused: int,
) -> None:
    made = queried([event(i, i + 2.0, caption=c) for i, c in enumerate(captions)], said)
    assert len(made) == 2
    rejects = [r for r in made if isinstance(r, Reject)]
    assert [r.reason for r in rejects] == ["ambiguous_query"] * refused


def test_a_query_may_not_be_the_caption_of_an_event_not_chosen(
    event: Callable[..., VerifiedEvent],
) -> None:
    case = Case((event(0.0, 2.0), frozenset({"a ball stops"})))
    answers = Answers([query.Query(query="A ball stops.")])
    (reject,) = query.accept(case, answers, query.Config())
    assert isinstance(reject, Reject)


def test_a_video_that_keeps_nothing_is_refused(
    queried: Callable[..., list[Any]], event: Callable[..., VerifiedEvent]
) -> None:
    (reject,) = queried([event(0.0, 2.0, kept=False, reason="not_found")])
    assert reject.reason == "low_agreement"


@pytest.mark.parametrize(
    ("span", "config", "asked"),
    [
        ((0.0, 9.0), {}, True),
        ((0.0, 10.0), {}, False),
        ((0.5, 9.6), {}, False),
        ((0.0, 10.0), {"max_share": 1}, True),
        ((0.0, 5.0), {"max_share": 0.4}, False),
    ],
)
def test_an_event_that_covers_the_video_is_none_to_look_for(
    *,
    queried: Callable[..., list[Any]],
    event: Callable[..., VerifiedEvent],
    span: tuple[float, float],
    config: dict[str, Any],
    asked: bool,
) -> None:
    (made,) = queried([event(*span)], **config)
    if asked:
        assert isinstance(made, Annotation)
        return
    assert made.reason == "covers_video"
    assert "of at most" in made.detail and VerifiedEvent.model_validate_json(made.row)


def test_an_event_that_covers_the_video_takes_no_place_of_another(
    queried: Callable[..., list[Any]], event: Callable[..., VerifiedEvent]
) -> None:
    events = [event(0.0, 10.0, caption="all of it"), event(0.0, 4.0), event(5.0, 9.5)]
    for seed in range(8):
        made = queried(events, max_queries=2, choice_seed=seed)
        assert [getattr(row, "reason", "") for row in made] == ["covers_video", "", ""]


def test_the_limit_is_that_of_what_people_described() -> None:
    ours, theirs = query.Config(), source_annotations.Config()
    assert ours.max_share == theirs.max_share == 0.9


def test_what_is_asked_for_is_an_event_unless_actions_are_wanted(
    queried: Callable[..., list[Any]], event: Callable[..., VerifiedEvent]
) -> None:
    listed = [event(1, 2, family="action", caption="a"), event(3, 6, caption="b")]
    assert [task.questions[0].text for task in queried(listed)] == ["B"]
    both = queried(listed, families=("event", "action"))
    assert [task.questions[0].text for task in both] == ["A", "B"]
    assert [reject.reason for reject in queried(listed[:1])] == ["low_agreement"]
