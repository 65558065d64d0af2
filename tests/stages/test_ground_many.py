"""Several captions in one ask: each event goes on, whatever the answer leaves out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.records import Event, FramedSegment, GroundedEvent, Reject, VerifiedEvent
from pipeline.workflow.annotation_stage import Answers
from pipeline.workflow.stage import Stage
from stages import ground, ground_many
from stages.ground_many import Config, SpansSeen
from tests.stages.square_scene import Measuring, square_scene

THREE = Config(captions_per_ask=3)
Said = Callable[[Ask], Any]


def numbers_of(ask: Ask) -> list[int]:
    return [each["number"] for each in ask.variables["captions"]]


def captions_of(ask: Ask) -> list[str]:
    return [each["caption"] for each in ask.variables["captions"]]


def entry(ask: Ask, number: int, **other: Any) -> dict[str, Any]:
    """A span by which it is known which caption was meant: ball 4 is seen from 4 s on."""
    start_s = float(captions_of(ask)[number - 1].split()[1])
    seen = {"number": number, "seen": "It rolls.", "found": True}
    return {**seen, "start_s": start_s, "end_s": start_s + 1, **other}


def entries(ask: Ask) -> list[dict[str, Any]]:
    return [entry(ask, number) for number in numbers_of(ask)]


@pytest.fixture
def located(
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> Callable[..., tuple[list[Any], list[Ask]]]:
    """``located(said)``: the rows of seven events of which a model says that, and the asks."""

    def run(said: Said, config: Config = THREE) -> tuple[list[Any], list[Ask]]:
        events = [
            Event.model_validate(
                event(1.0, 2.0, caption=f"Ball {i} rolls.", event_id=f"e{i}").model_dump(
                    include=set(Event.model_fields)
                )
            )
            for i in range(7)
        ]
        context, engine = asking("ground_many", said)
        rows = video_rows({Event: events, FramedSegment: framed(10)})
        return list(ground_many.STAGE.run([rows], config, context)), engine.asks

    return run


def spans(made: Sequence[Any]) -> Mapping[str, float | None]:
    return {row.event_id: row.grounded_start_s for row in made if isinstance(row, GroundedEvent)}


def refused(made: Sequence[Any]) -> list[str]:
    return [row.reason for row in made if isinstance(row, Reject)]


ALL = {f"e{i}": float(i) for i in range(7)}


def test_events_are_asked_for_in_their_order_and_each_gets_its_own_span(located: Any) -> None:
    made, asks = located(lambda ask: {"spans": entries(ask)[::-1]})
    assert [numbers_of(ask) for ask in asks] == [[1, 2, 3], [1, 2, 3], [1]]
    assert len({(ask.frames, ask.system) for ask in asks}) == 1, "over one prefix"
    assert '2. "Ball 4 rolls."' in asks[1].text
    assert spans(made) == ALL and list(spans(made)) == list(ALL) and not refused(made)
    listed = asks[0].answer_schema["properties"]["spans"]
    assert listed["maxItems"] == 3
    assert listed["items"]["properties"]["number"]["enum"] == [1, 2, 3]
    calls = [row.grounding.request_id for row in made]
    assert calls == [asks[i // 3].request_id for i in range(7)]


@pytest.mark.parametrize(
    ("spoilt", "again", "reasons"),
    [
        (lambda ask: entries(ask)[:1], ["Ball 1 rolls.", "Ball 2 rolls."], []),
        (lambda ask: [*entries(ask), entry(ask, 2)], ["Ball 1 rolls."], []),
        (lambda ask: [*entries(ask), {**entry(ask, 1), "number": 4}], [], []),
        (lambda ask: [], ["Ball 0 rolls.", "Ball 1 rolls.", "Ball 2 rolls."], []),
        (
            lambda ask: "none",
            ["Ball 0 rolls.", "Ball 1 rolls.", "Ball 2 rolls."],
            ["no_valid_answer"],
        ),
    ],
)
def test_a_caption_that_an_answer_lacks_is_asked_about_alone(
    located: Any, spoilt: Said, again: list[str], reasons: list[str]
) -> None:
    def said(ask: Ask) -> Any:
        first = captions_of(ask) == ["Ball 0 rolls.", "Ball 1 rolls.", "Ball 2 rolls."]
        return {"spans": spoilt(ask) if first else entries(ask)}

    made, asks = located(said)
    assert [captions_of(ask) for ask in asks[3:]] == [[caption] for caption in again]
    assert spans(made) == ALL and list(spans(made)) == list(ALL)
    assert refused(made) == reasons
    assert len({ask.request_id for ask in asks}) == len(asks)


@pytest.mark.parametrize("said_of_it", ["left out", "twice", "none"])
def test_a_caption_without_an_answer_is_refused_as_by_an_ask_of_its_own(
    located: Any, said_of_it: str
) -> None:
    def said(ask: Ask) -> Any:
        kept = [e for e, caption in zip(entries(ask), captions_of(ask), strict=True)
                if caption != "Ball 4 rolls."]  # fmt: skip
        if kept or said_of_it == "left out":
            return {"spans": kept}
        return {"spans": entries(ask) * 2} if said_of_it == "twice" else {"spans": "none"}

    made, asks = located(said)
    assert spans(made) == {**ALL, "e4": None}
    assert refused(made) == ["no_valid_answer"]
    assert [captions_of(ask) for ask in asks[3:]] == [["Ball 4 rolls."]], "once"


def test_a_span_that_cannot_be_costs_its_own_event_alone(located: Any) -> None:
    def said(ask: Ask) -> Any:
        return {"spans": [{**e, "end_s": 99} if e["start_s"] == 1 else e for e in entries(ask)]}

    made, asks = located(said)
    assert spans(made) == {**ALL, "e1": None}
    assert refused(made) == ["bad_span"] and len(asks) == 3


def test_samples_are_compared_caption_by_caption(
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    video_rows: Callable[..., Any],
) -> None:
    """Of four answers three have the second caption, of which one denies it."""
    config = Config(captions_per_ask=2, samples=4, temperature=1.0)
    events = [event(1.0, 2.0, event_id=f"e{i}") for i in range(2)]
    (case,) = ground_many.cases(video_rows({Event: events, FramedSegment: framed(10)}), config)
    first, second = (
        {"number": n, "seen": "It rolls.", "found": True, "start_s": n, "end_s": n + 1}
        for n in (1, 2)
    )
    denied = {**second, "found": False, "start_s": None, "end_s": None}
    said = [[first], [first, denied], [first, second], [second, first]]
    answers = Answers([SpansSeen.model_validate({"spans": spans}) for spans in said])
    one, two = ground_many.accept(case, answers, config)
    assert isinstance(one, GroundedEvent) and isinstance(two, GroundedEvent)
    assert (one.grounding_consistency, one.denied) == (1, 0)
    assert two.grounding_consistency == pytest.approx(1 / 3) and two.denied == 0.25
    assert (one.grounded_start_s, two.grounded_start_s) == (1, 2)


def test_rows_are_those_of_one_ask_a_caption(
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    """Of an engine that sees the same in the same frames."""
    said = ["A red square is in view.", "A blue square is in view.", "A red square is in view."]
    events = [event(1.0, 2.0, caption=c, event_id=f"e{i}") for i, c in enumerate(said)]
    rows = video_rows({Event: events, FramedSegment: square_scene(framed(6))})

    def made(stage: Stage[Any], config: Any) -> list[dict[str, Any]]:
        context, _ = asking(stage.name, lambda ask: None)
        found = stage.run([rows], config, replace(context, engine=Measuring()))
        return [row.model_dump(exclude={"grounding"}) for row in found]

    alone = made(ground.STAGE, ground.Config())
    assert made(ground_many.STAGE, Config(captions_per_ask=2)) == alone
    assert [row["grounded_start_s"] for row in alone] == [1.5, None, 1.5]
