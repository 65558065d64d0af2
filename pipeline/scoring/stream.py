"""A model watches the samples of a corpus as a stream would bring them: a turn after the other."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.dialogue.memory_text import MemoryLayout, memory_text
from pipeline.dialogue.special_tokens import neutralise
from pipeline.engines.answer import answer_schema
from pipeline.engines.base import Ask, Engine, Frame, Reply, Sampling
from pipeline.records import Dialogue, FramedSegment, State
from pipeline.scoring.items import PredictedResponse, Prediction
from pipeline.settings import DEFAULT_LANGUAGE, LanguageCode, Settings
from pipeline.workflow.answers import valid_answers
from pipeline.workflow.prompt import Prompt


class StreamAnswer(BaseModel):
    """What a model does in a turn."""

    model_config = ConfigDict(extra="forbid")

    state: State
    text: str = Field(max_length=400)


class StreamSettings(Settings):
    """How a model watches. It is part of what its predictions depend on."""

    window_s: float = Field(
        120.0, gt=0, description="seconds of the latest frames that are shown in each turn"
    )
    max_tokens: int = Field(256, ge=16, description="most tokens of an answer")
    language: LanguageCode = Field(DEFAULT_LANGUAGE, description="in which it is to answer")
    layout: MemoryLayout = Field("lines", description="of what a sample remembers, as exported")


@dataclass(frozen=True)
class Failure:
    """A sample that could not be watched to its end."""

    sample_id: str
    turn: int
    detail: str


@cache
def _schema() -> Mapping[str, Any]:
    return answer_schema(StreamAnswer)


Watching = tuple[Dialogue, Sequence[FramedSegment]]
"""A sample, and the frame of each of its turns."""


@dataclass
class _Watched:
    """A sample under way."""

    dialogue: Dialogue
    frames: Sequence[FramedSegment]
    place: int = 0
    talk: list[str] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    responses: list[PredictedResponse] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)

    def ask(
        self, prompt: Prompt, system: str, settings: StreamSettings, *, timed_frames: bool
    ) -> Ask:
        """That of the turn in which it is, whose question is asked with it."""
        turns, now_s = self.dialogue.turns, self.dialogue.turns.starts[self.place]
        if self.place == 0 and self.dialogue.memory:
            self.talk.append(memory_text(self.dialogue.memory, settings.layout))
        if asked := turns.asked.get(self.place):
            self.talk.append(f"At {now_s:g} s you are asked: {asked.text}")
        first = bisect_right(turns.starts, now_s - settings.window_s)
        shown = self.frames[first : self.place + 1]
        times = [] if timed_frames else [round(frame.frame_s, 2) for frame in shown]
        variables = {"talk": tuple(self.talk), "now_s": round(now_s, 2), "frame_times": times}
        return Ask(
            request_id=f"{self.dialogue.sample_id}-{turns.first + self.place}",
            text=neutralise(prompt.render(variables)),
            answer_schema=_schema(),
            frames=tuple(Frame(frame.frame_s, frame.jpeg) for frame in shown),
            variables=variables,
            system=system,
        )

    def take(self, answer: StreamAnswer, reply: Reply) -> None:
        """What it does in this turn, after which it is in the next."""
        now_s = self.dialogue.turns.starts[self.place]
        self.states.append(answer.state)
        self.latencies_s.append(round(reply.latency_s, 3))
        if answer.state == "response" and answer.text.strip():
            self.responses.append(PredictedResponse(time_s=now_s, text=answer.text))
            self.talk.append(f"At {now_s:g} s you said: {answer.text}")
        self.place += 1

    @property
    def is_over(self) -> bool:
        """Whether there is no further turn."""
        return self.place == len(self.dialogue.turns)

    def prediction(self) -> Prediction:
        """All that it did."""
        return Prediction(
            sample_id=self.dialogue.sample_id,
            responses=tuple(self.responses),
            states=tuple(self.states),
            latencies_s=tuple(self.latencies_s),
        )


def watch(
    samples: Iterable[Watching],
    engine: Engine,
    prompt: Prompt,
    settings: StreamSettings,
    *,
    timed_frames: bool,
    at_once: int,
) -> Iterator[Prediction | Failure]:
    """Each sample, as soon as it is over.

    In a turn the model sees its frame and those before it within the window, what the sample
    remembers, what was asked up to it, and what it said itself: nothing of later turns, and nothing
    of what is expected. So many samples as ``at_once`` are under way, and the asks of one turn of
    each go to the engine together; a turn of a sample waits for its answer to the one before.

    Raises:
        EngineError: no further ask can be answered.
    """
    system = prompt.render_system({"language": settings.language})
    sampling = Sampling(max_tokens=settings.max_tokens)
    waiting, under_way = iter(samples), deque[_Watched]()
    while True:
        fresh = islice(waiting, at_once - len(under_way))
        under_way += [_Watched(dialogue, frames) for dialogue, frames in fresh]
        if not under_way:
            return
        asks = [each.ask(prompt, system, settings, timed_frames=timed_frames) for each in under_way]
        replies = dict(engine.generate(asks, sampling))
        for i in range(len(asks)):
            one = under_way.popleft()
            valid, errors = valid_answers(StreamAnswer, asks[i], replies[i], settings.language)
            if not valid:
                yield Failure(one.dialogue.sample_id, one.place, "; ".join(errors))
                continue
            one.take(valid[0], replies[i][0])
            if one.is_over:
                yield one.prediction()
            else:
                under_way.append(one)
