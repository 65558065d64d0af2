"""The engine on scripted scenes: what it says against what the script says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest

from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.engines.embedded.engine import ANSWERS, EmbeddedEngine, Observations
from pipeline.engines.embedded.observe import BadFrameError
from tests.pipeline.engines.contract import replies_to

Answer = Callable[..., Any]
Shown = Any
"""A scene of the fixtures: ``frames``, ``times`` and ``truth``."""
GENERIC: dict[str, Any] = {
    "title": "Described",
    "type": "object",
    "properties": {"text": {"type": "string"}, "changed": {"type": "boolean"}},
    "required": ["text", "changed"],
}


def test_changes_are_seen_where_they_are_and_nowhere_else(answer: Answer, scene: Shown) -> None:
    motions = [e for e in scene.truth.events if e.family == "action"]
    for before, after in pairwise(scene.frames):
        a, b = before.time_s, after.time_s
        changes = [c for c in scene.truth.changes if a < c.time_s <= b]
        under_way = [m for m in motions if m.start_s < b and m.end_s > a]
        seen = answer("ChangeSeen", (before, after))
        assert seen["changed"] == bool(changes or under_way), (a, b, seen)
        assert bool(seen["sentence"]) == seen["changed"]


def test_a_change_before_the_last_two_frames_is_context(
    answer: Answer, shown: Mapping[str, Shown]
) -> None:
    frames = shown["scene-01"].frames[6:10]  # the circle turns blue between the second and third
    assert answer("ChangeSeen", frames[:3]) == {
        "seen": "A red circle on a grey background. A blue circle on a grey background.",
        "changed": True,
        "sentence": "The circle turns from red to blue.",
    }
    assert not answer("ChangeSeen", frames, before_s=round(frames[2].time_s, 2))["changed"]


def test_texts_need_no_frames(answer: Answer) -> None:
    lines = [
        {"time_s": 5.0, "sentence": "The circle turns from red to blue."},
        {"time_s": 9.0, "sentence": "The blue circle moves right."},
        {"time_s": 10.0, "sentence": "The blue circle moves right."},
    ]
    assert answer("Narration", lines=lines, max_words=5) == {
        "seen": "2 of 3 lines are worth saying.",
        "negative": False,
        "lines": [
            {"time_s": 5.0, "sentence": "The circle turns blue."},
            {"time_s": 9.0, "sentence": "The blue circle moves right."},
        ],
    }
    assert answer("Narration", lines=[], max_words=5) == {
        "seen": "0 of 0 lines are worth saying.",
        "negative": True,
        "lines": [],
    }
    assert answer("Rewritten", caption="Finally, a dog barks") == {"sentence": "A dog barks."}
    assert answer("Query", caption="A dog barks.") == {"query": "a dog barks"}


def asks(scene: Shown) -> Iterator[Ask]:
    yield Ask("generic", "", GENERIC, scene.frames[:2])
    yield Ask("change", "", {"title": "ChangeSeen"}, scene.frames[7:9])
    yield Ask("bad", "", GENERIC, (Frame(0.0, b"no picture"),))
    yield Ask("lacking", "", {"title": "Rewritten"})
    yield Ask("empty", "", {"title": "Rewritten"}, variables={"caption": "."})
    yield Ask("wrong", "", {"title": "Query", "type": "array"}, variables={})
    yield Ask("unknown", "", {"title": "Other", "type": "string", "pattern": "x"})
    yield Ask("blind", "", GENERIC)


def test_one_reply_an_ask_in_order(engine: EmbeddedEngine, shown: Mapping[str, Shown]) -> None:
    todo = list(asks(shown["scene-01"]))
    replies = replies_to(engine, todo, Sampling(samples=3))
    assert [[r.request_id for r in samples] for samples in replies] == [
        [ask.request_id] * 3 for ask in todo
    ]
    assert [samples[0].error for samples in replies] == [
        None,
        None,
        "bad_frame",
        "unsupported",
        "unsupported",
        "unsupported",
        "unsupported",
        None,
    ]
    assert all((r.text is None) != (r.error is None) for samples in replies for r in samples)
    assert json.loads(replies[0][0].text or "") == {
        "text": "A red circle on a grey background.",
        "changed": False,
    }


def test_the_same_ask_has_the_same_reply(shown: Mapping[str, Shown]) -> None:
    todo = list(asks(shown["scene-09"]))
    expected = replies_to(EmbeddedEngine(), todo)
    assert replies_to(EmbeddedEngine(), todo[::-1]) == expected[::-1]
    shared = EmbeddedEngine()
    with ThreadPoolExecutor(4) as pool:
        assert all(r == expected for r in pool.map(lambda _: replies_to(shared, todo), range(8)))


def test_observations_are_kept_and_bounded(shown: Mapping[str, Shown]) -> None:
    kept = Observations(most=2)
    first, *others = (frame.jpeg for frame in shown["scene-03"].frames[:4])
    seen = kept(first)
    assert kept(first) is seen
    for jpeg in others:
        kept(jpeg)
    again = kept(first)
    assert again == seen
    assert again is not seen
    with pytest.raises(BadFrameError):
        kept(b"")


@pytest.mark.parametrize("title", ANSWERS)
def test_no_frames_and_odd_variables_are_no_reason_to_fail(
    engine: EmbeddedEngine, title: str
) -> None:
    odd: dict[str, Any] = dict.fromkeys(ANSWERS[title][1], "odd")
    plain = {"duration_s": 0, "max_events": 3, "max_questions": 3, "min_gap_s": 1, "max_words": 4}
    given = {**odd, **{k: v for k, v in plain.items() if k in odd}}
    for variables in ({}, odd, given):
        ((reply,),) = replies_to(engine, [Ask("id", "", {"title": title}, (), variables)])
        assert (reply.text is None) != (reply.error is None)
