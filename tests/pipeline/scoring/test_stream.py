"""What a model is shown while it watches, and what becomes of what it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pytest

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.records import Dialogue, FramedSegment, Question, Remembered, Response
from pipeline.scoring.items import Prediction, prediction_of
from pipeline.scoring.stream import Failure, StreamSettings, Watching, watch
from pipeline.workflow.prompt import load_prompts
from tests.pipeline.corpus.formats.samples import dialogue_of

PROMPT = load_prompts("stream")["stream"]


def sample(name: str, seconds: int = 8) -> Watching:
    made = dialogue_of(
        seconds,
        1,
        [Question(qid="q0", text="What now?", asked_s=2)],
        [Response.event("r0", f"{name} ended", 3, 5), Response.instant("r1", "more", 6)],
    )
    frames = [
        FramedSegment(
            video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1, jpeg=b"%d" % i
        )
        for i in range(seconds)
    ]
    return made.model_copy(update={"sample_id": name}), frames


class Knowing:
    """It does what the dialogue says, and keeps what it was shown."""

    version = "1"

    def __init__(self, dialogues: Sequence[Dialogue], fails_at: str = "") -> None:
        self._turns = {d.sample_id: list(d.turns) for d in dialogues}
        self._fails_at = fails_at
        self.asks: list[Ask] = []
        self.rounds: list[int] = []

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        assert sampling.samples == 1
        self.asks += asks
        self.rounds.append(len(asks))
        for i, ask in reversed(list(enumerate(asks))):
            name, _, index = ask.request_id.rpartition("-")
            turn = self._turns[name][int(index)]
            if ask.request_id == self._fails_at:
                yield i, [Reply(ask.request_id, error="timeout", detail="too long")]
                continue
            text = json.dumps({"state": turn.state, "text": turn.text})
            yield i, [Reply(ask.request_id, text=text, latency_s=0.25)]


def watched(
    engine: Knowing, samples: Sequence[Watching], window_s: float = 100, at_once: int = 2
) -> list[Prediction | Failure]:
    settings = StreamSettings(window_s=window_s)
    return list(watch(samples, engine, PROMPT, settings, timed_frames=True, at_once=at_once))


def test_who_knows_says_what_is_expected() -> None:
    samples = [sample("a"), sample("b", 7), sample("c")]
    engine = Knowing([dialogue for dialogue, _ in samples])
    made = watched(engine, samples)
    assert all(isinstance(each, Prediction) for each in made)
    by_id = {each.sample_id: each for each in made if isinstance(each, Prediction)}
    for dialogue, _ in samples:
        expected, found = prediction_of(dialogue), by_id[dialogue.sample_id]
        assert found.states == expected.states
        assert [(r.time_s, r.text) for r in found.responses] == [
            (r.time_s, r.text) for r in expected.responses
        ]
        assert found.latencies_s == (0.25,) * len(dialogue.turns)
    assert max(engine.rounds) == 2, "as many at once as are allowed"


@pytest.mark.parametrize("window_s", [1, 3, 100])
def test_a_turn_shows_the_past_of_the_window_and_nothing_else(window_s: float) -> None:
    (one,) = [sample("a")]
    engine = Knowing([one[0]])
    watched(engine, [one], window_s)
    for turn, ask in enumerate(engine.asks):
        shown = [frame.time_s for frame in ask.frames]
        assert shown == [t for t in range(turn + 1) if t > turn - window_s]
        assert ask.text.endswith(f"It is {turn}.0 s. Decide.")
        assert ("What now?" in ask.text) == (turn >= 2), "from the turn in which it is asked"
        assert ("a ended" in ask.text) == (turn > 5), "after it was said itself"
        assert ("more" in ask.text) == (turn > 6)


def test_a_turn_without_an_answer_costs_its_sample_alone() -> None:
    samples = [sample("a"), sample("b"), sample("c")]
    engine = Knowing([dialogue for dialogue, _ in samples], fails_at="b-3")
    failed, *others = sorted(
        watched(engine, samples), key=lambda each: isinstance(each, Prediction)
    )
    assert failed == Failure("b", 3, "timeout: too long")
    assert {each.sample_id for each in others} == {"a", "c"}


def test_what_a_sample_remembers_is_said_in_every_turn() -> None:
    dialogue, frames = sample("a")
    memory = [Remembered(level="middle", start_s=0, end_s=4, text="A ball rolled.")]
    engine = Knowing([dialogue])
    watched(engine, [(dialogue.model_copy(update={"memory": memory}), frames)])
    for ask in engine.asks:
        assert ask.text.count("Memory of what came before:\n[0s-4s] A ball rolled.") == 1
    assert engine.asks[3].text.index("A ball rolled.") < engine.asks[3].text.index("What now?")
