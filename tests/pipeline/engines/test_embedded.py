"""The engine on scripted scenes: what it says against what the script says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.base import Ask, Engine, Frame, Reply, Sampling
from pipeline.engines.embedded import ANSWERS, EmbeddedEngine, Observations
from pipeline.engines.observe import BadFrameError
from pipeline.media.base import Clip, StillsRequest
from pipeline.media.frames import stills
from pipeline.media.scenes import render_scenes
from pipeline.truth import TrueTrack, Truth

SCENES = ("scene-01", "scene-03", "scene-09", "scene-11")
GENERIC: dict[str, Any] = {
    "title": "Described",
    "type": "object",
    "properties": {"text": {"type": "string"}, "changed": {"type": "boolean"}},
    "required": ["text", "changed"],
}


@dataclass(frozen=True)
class Shown:
    """A scene as the engine sees it, and its truth."""

    frames: tuple[Frame, ...]
    truth: Truth

    @property
    def times(self) -> list[float]:
        return [frame.time_s for frame in self.frames]


@pytest.fixture(scope="module")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Shown]:
    folder = render_scenes(tmp_path_factory.mktemp("scenes"), SCENES).parent
    return {name: load(folder, name) for name in SCENES}


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, shown: Mapping[str, Shown]) -> Shown:
    return shown[request.param]


def load(folder: Path, name: str) -> Shown:
    pictures = stills(Clip(str(folder / "videos" / f"{name}.mp4")), StillsRequest())
    truth = (folder / "truth" / f"{name}.json").read_text(encoding="utf-8")
    frames = tuple(Frame(picture.frame_s, picture.jpeg) for picture in pictures)
    return Shown(frames, Truth.model_validate_json(truth))


def answer(engine: Engine, title: str, frames: Sequence[Frame] = (), **variables: Any) -> Any:
    ask = Ask("id", "", {"title": title}, tuple(frames), variables)
    ((reply,),) = engine.generate([ask], Sampling())
    assert reply.text is not None, reply
    return json.loads(reply.text)


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0])) / (max(a[1], b[1]) - min(a[0], b[0]))


def bare(caption: str) -> str:
    return caption.rstrip(".").removeprefix("An ").removeprefix("A ")


def test_changes_are_seen_where_they_are_and_nowhere_else(
    engine: EmbeddedEngine, scene: Shown
) -> None:
    motions = [e for e in scene.truth.events if e.family == "action"]
    for before, after in pairwise(scene.frames):
        a, b = before.time_s, after.time_s
        changes = [c for c in scene.truth.changes if a < c.time_s <= b]
        under_way = [m for m in motions if m.start_s < b and m.end_s > a]
        seen = answer(engine, "ChangeSeen", (before, after))
        assert seen["changed"] == bool(changes or under_way), (a, b, seen)
        assert bool(seen["sentence"]) == seen["changed"]


def test_a_change_before_the_last_two_frames_is_context(
    engine: EmbeddedEngine, shown: Mapping[str, Shown]
) -> None:
    frames = shown["scene-01"].frames[6:10]  # the circle turns blue between the second and third
    assert answer(engine, "ChangeSeen", frames[:3]) == {
        "changed": True,
        "sentence": "The circle turns from red to blue.",
    }
    assert not answer(engine, "ChangeSeen", frames, before_s=round(frames[2].time_s, 2))["changed"]


@pytest.mark.parametrize("focus", ["event", "action"])
def test_events_have_their_captions_and_spans(
    engine: EmbeddedEngine, scene: Shown, focus: str
) -> None:
    duration_s = scene.truth.duration_s
    variables = {"focus": focus, "duration_s": duration_s, "max_events": 20}
    events = answer(engine, "Events", scene.frames, **variables)["events"]
    expected = [e for e in scene.truth.events if e.family == focus]
    assert sorted(bare(e["caption"]) for e in events) == sorted(bare(e.caption) for e in expected)
    for event in events:
        span = (event["start_s"], event["end_s"])
        assert 0 <= span[0] < span[1] <= duration_s
        caption = bare(event["caption"])
        best = max(
            overlap(span, (e.start_s, e.end_s)) for e in expected if bare(e.caption) == caption
        )
        assert best >= 0.8
        variables = {"caption": event["caption"], "duration_s": duration_s}
        seen = answer(engine, "SpanSeen", scene.frames, **variables)
        assert seen["found"]
        assert overlap(span, (seen["start_s"], seen["end_s"])) >= 0.8


def test_fewer_events_are_the_longest(engine: EmbeddedEngine, shown: Mapping[str, Shown]) -> None:
    scene = shown["scene-03"]
    duration_s = scene.truth.duration_s
    (event,) = answer(
        engine, "Events", scene.frames, focus="event", duration_s=duration_s, max_events=1
    )["events"]
    assert event["caption"] == "The background is blue."


@pytest.mark.parametrize(
    "caption", ["A green circle is in view.", "A red circle moves up.", "A man cooks.", ""]
)
def test_what_is_not_there_is_not_found(
    engine: EmbeddedEngine, shown: Mapping[str, Shown], caption: str
) -> None:
    seen = answer(engine, "SpanSeen", shown["scene-11"].frames, caption=caption, duration_s=32)
    assert seen == {"found": False, "start_s": 0, "end_s": 0}


def questions(engine: EmbeddedEngine, scene: Shown, **variables: Any) -> list[dict[str, Any]]:
    chosen = {"max_questions": 20, "min_gap_s": 2, "duration_s": scene.truth.duration_s}
    found: list[dict[str, Any]] = answer(
        engine, "Questions", scene.frames, **{**chosen, **variables}
    )["questions"]
    return found


def track_of(truth: Truth, question: Mapping[str, Any]) -> TrueTrack:
    subject = question["question"].removeprefix("What colour is the ").removeprefix("Where is the ")
    subject = subject.removeprefix("What is the ").removeprefix("How many ").rstrip("?")
    subject = subject.removesuffix(" doing").removesuffix(" are in view")
    return next(t for t in truth.tracks if t.aspect == question["aspect"] and t.subject == subject)


def test_answers_are_right_at_their_times(engine: EmbeddedEngine, scene: Shown) -> None:
    for question in questions(engine, scene):
        values = track_of(scene.truth, question).values
        times = [given["time_s"] for given in question["answers"]]
        assert set(times) <= set(scene.times)
        assert all(b - a >= 1.9 for a, b in pairwise(times))
        for given in question["answers"]:
            now = [v.value for v in values if v.time_s <= given["time_s"]][-1]
            assert given["value"] == now, question
        assert all(a["value"] != b["value"] for a, b in pairwise(question["answers"]))


def test_every_kind_of_question_is_asked(
    engine: EmbeddedEngine, shown: Mapping[str, Shown]
) -> None:
    asked = {q["aspect"] for scene in shown.values() for q in questions(engine, scene)}
    assert asked == {"attribute", "count", "scene", "position", "action"}


def test_questions_are_limited(engine: EmbeddedEngine, shown: Mapping[str, Shown]) -> None:
    scene = shown["scene-11"]
    every = questions(engine, scene)
    assert questions(engine, scene, max_questions=1) == every[:1]
    assert questions(engine, scene, min_gap_s=1000) == []


def test_each_answer_can_be_told_when_it_is_due_and_not_before(
    engine: EmbeddedEngine, scene: Shown
) -> None:
    for question in questions(engine, scene):
        options = sorted({given["value"] for given in question["answers"]})
        variables = {"question": question["question"], "options": options}
        for number, given in enumerate(question["answers"]):
            due = scene.times.index(given["time_s"])
            few = max(0, due - 3)
            for first in (0, few):
                seen = answer(engine, "AnswerSeen", scene.frames[first : due + 1], **variables)
                assert seen["value"] == given["value"]
            if number:
                early = answer(engine, "AnswerSeen", scene.frames[:due], **variables)
                assert early["value"] != given["value"]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What colour is the circle?", "unknown"),
        ("Where is the red circle?", "left"),
        ("What is the red circle doing?", "unknown"),
        ("Where is the purple square?", "unknown"),
        ("How many shapes are in view?", "3"),
        ("Who is winning?", "unknown"),
    ],
)
def test_answers_from_one_frame(
    engine: EmbeddedEngine, shown: Mapping[str, Shown], question: str, value: str
) -> None:
    options = ["left", "red", "3", "still"]
    frames = shown["scene-11"].frames[:1]
    assert answer(engine, "AnswerSeen", frames, question=question, options=options) == {
        "value": value
    }


def test_texts_need_no_frames(engine: EmbeddedEngine) -> None:
    lines = [
        {"time_s": 5.0, "sentence": "The circle turns from red to blue."},
        {"time_s": 9.0, "sentence": "The blue circle moves right."},
        {"time_s": 10.0, "sentence": "The blue circle moves right."},
    ]
    assert answer(engine, "Narration", lines=lines, max_words=5) == {
        "negative": False,
        "lines": [
            {"time_s": 5.0, "sentence": "The circle turns blue."},
            {"time_s": 9.0, "sentence": "The blue circle moves right."},
        ],
    }
    assert answer(engine, "Narration", lines=[], max_words=5) == {"negative": True, "lines": []}
    assert answer(engine, "Rewritten", caption="Finally, a dog barks") == {
        "sentence": "A dog barks."
    }
    assert answer(engine, "Query", caption="A dog barks.") == {"query": "a dog barks"}


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
    replies = engine.generate(todo, Sampling(samples=3))
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
    def replies(engine: EmbeddedEngine, todo: Sequence[Ask]) -> list[list[Reply]]:
        return engine.generate(todo, Sampling())

    todo = list(asks(shown["scene-09"]))
    expected = replies(EmbeddedEngine(), todo)
    assert replies(EmbeddedEngine(), todo[::-1]) == expected[::-1]
    shared = EmbeddedEngine()
    with ThreadPoolExecutor(4) as pool:
        assert all(r == expected for r in pool.map(lambda _: replies(shared, todo), range(8)))


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
        ((reply,),) = engine.generate([Ask("id", "", {"title": title}, (), variables)], Sampling())
        assert (reply.text is None) != (reply.error is None)
