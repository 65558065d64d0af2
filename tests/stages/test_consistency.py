from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.records import (
    Annotation,
    Change,
    DenseSegment,
    Event,
    FramedSegment,
    GroundedEvent,
    Reject,
    VerifiedEvent,
)
from stages import caption, ground, narrate, verify
from stages._consistency import lists_alike, spans_alike, spokesman, support, texts_alike

times = st.floats(0, 100, allow_nan=False)
spans = st.tuples(times, st.floats(0.1, 50)).map(lambda t: (t[0], t[0] + t[1]))


@given(st.lists(st.one_of(st.none(), spans), min_size=1, max_size=6))
def test_who_speaks_for_all_is_as_like_them_as_anyone(found: list[Any]) -> None:
    chosen, consistency = spokesman(found, spans_alike, len(found))
    assert 0 <= consistency <= 1
    for i, span in enumerate(found):
        others = [other for j, other in enumerate(found) if j != i]
        if others:
            mean = sum(spans_alike(span, other) for other in others) / len(others)
            assert consistency >= mean - 1e-9
            assert i != chosen or consistency == pytest.approx(mean)


@given(st.one_of(st.none(), spans), st.integers(1, 5))
def test_the_same_answer_again_and_again_is_wholly_consistent(span: Any, n: int) -> None:
    chosen, consistency = spokesman([span] * n, spans_alike, n)
    assert chosen == 0 and consistency == pytest.approx(1)


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=5))
def test_lists_are_alike_both_ways_and_like_themselves(a: list[Any], b: list[Any]) -> None:
    assert 0 <= lists_alike(a, b) <= 1
    assert lists_alike(a, b) == pytest.approx(lists_alike(b, a))
    assert lists_alike(a, a) == pytest.approx(1)
    assert lists_alike(a, a[::-1]) == pytest.approx(1)


def test_one_odd_answer_does_not_speak_for_the_others() -> None:
    assert spokesman([(50.0, 60.0), (1.0, 5.0), (1.0, 4.0)], spans_alike, 3) == (1, 0.375)
    assert spokesman([None, (1.0, 5.0), None], spans_alike, 3) == (0, 0.5)
    with pytest.raises(ValueError, match="no answers"):
        spokesman([], spans_alike, 1)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ("The cup falls.", "the CUP falls", 1.0),
        ("a red cup falls", "a red ball falls", 0.75),
        ("a a b", "a b b", 2 / 3),
        ("cup", "ball", 0.0),
        ("", "", 1.0),
        ("", "cup", 0.0),
    ],
)
def test_texts_are_alike_by_their_words(a: str, b: str, share: float) -> None:
    assert texts_alike(a, b) == texts_alike(b, a) == pytest.approx(share)


def test_a_span_is_borne_out_by_the_best_of_each_other_list() -> None:
    assert support((0.0, 4.0), [], 1) == 1
    others = [[(0.0, 2.0), (0.0, 4.0)], [(9.0, 10.0)], []]
    assert support((0.0, 4.0), others, 4) == pytest.approx(1 / 3)


@given(st.lists(st.one_of(st.none(), spans), min_size=1, max_size=6), st.integers(0, 4))
def test_a_sample_without_an_answer_is_like_no_other(found: list[Any], failed: int) -> None:
    drawn = len(found) + failed
    chosen, consistency = spokesman(found, spans_alike, drawn)
    all_valid = spokesman(found, spans_alike, len(found))
    assert chosen == all_valid[0]
    # As if each were an answer that nothing else is like.
    marked = [*((0, span) for span in found), *((n + 1, None) for n in range(failed))]
    among = spokesman(marked, lambda a, b: spans_alike(a[1], b[1]) * (a[0] == b[0]), drawn)
    assert consistency == pytest.approx(among[1])
    assert consistency <= all_valid[1] + 1e-9
    assert (consistency == 1) <= (failed == 0)


def test_one_answer_of_three_samples_has_nothing_that_bears_it_out() -> None:
    assert spokesman([(1.0, 4.0)], spans_alike, 1) == (0, 1.0)
    assert spokesman([(1.0, 4.0)], spans_alike, 3) == (0, 0.0)
    assert spokesman([(1.0, 4.0), (1.0, 4.0)], spans_alike, 3) == (0, 0.5)
    assert support((1.0, 4.0), [], 3) == 0
    assert support((1.0, 4.0), [[(1.0, 4.0)]], 3) == 0.5


class Drawing:
    """Gives each ask the next answers, one a sample; None is no answer."""

    kind, model, revision, version = "embedded", "m", "1", "1"
    timed_frames = True

    def __init__(self, *answers: Any) -> None:
        self.answers = answers

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        assert sampling.samples == len(self.answers)
        for i, ask in enumerate(asks):
            yield (
                i,
                [
                    Reply(ask.request_id, error="timeout")
                    if answer is None
                    else Reply(ask.request_id, json.dumps(answer))
                    for answer in self.answers
                ],
            )


@pytest.fixture
def drawn(asking: Callable[..., Any]) -> Callable[..., Any]:
    """``drawn(prompt, *answers)``: a context whose engine samples these answers."""
    from dataclasses import replace

    def make(prompt: str, *answers: Any) -> Any:
        context, _ = asking(prompt, lambda ask: None)
        return replace(context, engine=Drawing(*answers))

    return make


SAMPLED: Mapping[str, Any] = {"samples": 3, "temperature": 0.7}
LISTED: Mapping[str, Any] = {**SAMPLED, "families": ("event",)}


def test_several_samples_of_the_likeliest_answer_are_refused() -> None:
    with pytest.raises(ValidationError, match="need a temperature above 0"):
        ground.Config(samples=3)


def test_the_span_that_most_samples_give_is_taken(
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    video_rows: Callable[..., Any],
    drawn: Callable[..., Any],
) -> None:
    verified = event(3.0, 5.0, caption="The ball rolls.")
    known = Event.model_validate(verified.model_dump(include=set(Event.model_fields)))
    rows = video_rows({Event: [known], FramedSegment: framed(10)})
    said = [
        {"seen": "A cup.", "found": True, "start_s": s, "end_s": e}
        for s, e in ((7, 9), (2, 6), (2, 5))
    ]
    context = drawn("ground", *said)
    (found,) = ground.STAGE.run([rows], ground.Config(**SAMPLED), context)
    assert isinstance(found, GroundedEvent)
    assert (found.grounded_start_s, found.grounded_end_s) == (2, 6)
    assert found.grounding_consistency == pytest.approx(0.375)
    strict = ground.Config(**SAMPLED, min_consistency=0.5)
    refused, found = ground.STAGE.run([rows], strict, context)
    assert isinstance(refused, Reject) and refused.reason == "inconsistent"
    assert isinstance(found, GroundedEvent) and found.grounded_start_s is None


def test_a_change_that_most_samples_see_is_taken(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    drawn: Callable[..., Any],
) -> None:
    said = [
        {"seen": "A cup.", "changed": False, "sentence": ""},
        {"seen": "A cup.", "changed": True, "sentence": "A cup falls."},
        {"seen": "A cup.", "changed": True, "sentence": "A red cup falls."},
    ]
    rows = video_rows({DenseSegment: framed(2)})
    context = drawn("narrate", *said)
    (change,) = narrate.STAGE.run([rows], narrate.Config(**SAMPLED), context)
    assert isinstance(change, Change) and change.text == "A cup falls."
    assert change.consistency == pytest.approx(3 / 7)
    strict = narrate.Config(**SAMPLED, min_consistency=0.5)
    (refused,) = narrate.STAGE.run([rows], strict, context)
    assert isinstance(refused, Reject) and refused.reason == "inconsistent"


@pytest.mark.parametrize("policy", ["video", "event"])
def test_events_that_other_samples_do_not_list_are_refused(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    drawn: Callable[..., Any],
    policy: str,
) -> None:
    def listed(*found: tuple[float, float]) -> Any:
        return {"events": [{"start_s": s, "end_s": e, "caption": f"{s}"} for s, e in found]}

    context = drawn("caption", listed((0, 4), (6, 8)), listed((0, 4)), listed((0, 4)))
    rows = video_rows({FramedSegment: framed(10)})
    config = caption.Config(**LISTED, min_consistency=0.5, policy=policy)
    made = list(caption.STAGE.run([rows], config, context))
    assert [e.start_s for e in made if isinstance(e, Event)] == [0]
    context = drawn("caption", *[listed((0, 4), (6, 8)), listed((0, 4), (5, 6))] * 2)
    config = caption.Config(**{**LISTED, "samples": 4}, min_consistency=0.5, policy=policy)
    made = list(caption.STAGE.run([rows], config, context))
    kept = [e.start_s for e in made if isinstance(e, Event)]
    reasons = [r.reason for r in made if isinstance(r, Reject)]
    assert kept == ([0] if policy == "event" else [])
    assert reasons == (
        ["inconsistent"] if policy == "event" else ["other_event_failed", "inconsistent"]
    )


@pytest.mark.parametrize("failed", [None, {"no": "answer"}])
def test_one_valid_sample_of_three_passes_no_threshold(
    failed: Any,
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    tsqa: Callable[..., Annotation],
    video_rows: Callable[..., Any],
    drawn: Callable[..., Any],
) -> None:
    known = Event.model_validate(event(3, 5).model_dump(include=set(Event.model_fields)))
    rows = video_rows(
        {
            Event: [known],
            FramedSegment: framed(2),
            DenseSegment: framed(2),
            Annotation: [tsqa((0, "red"), (1, "blue"))],
        }
    )
    strict = {**SAMPLED, "min_consistency": 0.1}

    def made(stage: Any, config: Any, prompt: str, answer: Any) -> list[Any]:
        return list(stage.run([rows], config, drawn(prompt, failed, answer, failed)))

    said: dict[str, Any] = {"seen": "A cup.", "found": True, "start_s": 0, "end_s": 1}
    refused, found = made(ground.STAGE, ground.Config(**strict), "ground", said)
    assert (refused.reason, refused.detail) == ("inconsistent", "0.00 of 3 answers")
    assert (found.grounded_start_s, found.grounding_consistency) == (None, 0)
    said = {"seen": "A cup.", "changed": True, "sentence": "A cup falls."}
    (refused,) = made(narrate.STAGE, narrate.Config(**strict), "narrate", said)
    assert refused.reason == "inconsistent"
    said = {"events": [{"start_s": 0, "end_s": 1, "caption": "A cup falls."}]}
    (refused,) = made(caption.STAGE, caption.Config(**strict, families=("event",)), "caption", said)
    assert refused.reason == "inconsistent"
    (found,) = made(caption.STAGE, caption.Config(**LISTED), "caption", said)
    assert found.consistency == 0
    verdicts = made(
        verify.STAGE, verify.Config(**SAMPLED), "verify", {"seen": "Red.", "value": "red"}
    )
    assert [v.consistency for v in verdicts] == [pytest.approx(1 / 3)] * 3
