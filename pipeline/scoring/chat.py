"""A model that was trained on a corpus watches its samples as the chat that it was trained on.

Each turn is a user's message (what is asked, the label of the turn, its frame) and an answer that
begins with the token of a state, as the format ``messages`` writes them. What an engine is asked
instead, by a prompt, is in ``stream``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple, Protocol

from pydantic import Field, model_validator

from pipeline.dialogue.memory_text import MemoryLayout, memory_text
from pipeline.dialogue.state_tokens import STATE_TOKENS, StateTokensName
from pipeline.dialogue.tiling import EPSILON_S
from pipeline.dialogue.turn_labels import label_of
from pipeline.records import Dialogue, State, Turns
from pipeline.scoring.items import PredictedResponse, Prediction
from pipeline.scoring.stream import Failure, Watching
from pipeline.settings import Settings


class ChatSettings(Settings):
    """How a checkpoint watches. It is part of what its predictions depend on."""

    window_s: float = Field(120.0, gt=0, description="most seconds of turns in one window")
    overlap_s: float = Field(
        8.0, ge=0, description="seconds of its latest turns with which the next window begins"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of the text of an answer")
    spelling: StateTokensName = Field("official", description="of the state tokens")
    layout: MemoryLayout = Field("lines", description="of what a sample remembers, as exported")
    system: str = Field("", description="system text, with the tokens filled in; empty for none")

    @model_validator(mode="after")
    def _moves_on(self) -> ChatSettings:
        if self.overlap_s >= self.window_s:
            raise ValueError("overlap_s must be less than window_s")
        return self


@dataclass(frozen=True)
class Chat:
    """A window of a stream: what was shown, and what was answered to all but the last of it."""

    system: str
    shown: tuple[tuple[str, bytes], ...]
    """The text of each turn and its frame, a JPEG, which comes behind the text."""
    answers: tuple[str, ...]
    """Each begins with the token of its state."""


class Decision(NamedTuple):
    """What a model does in a turn."""

    state: State
    text: str
    """Empty but in a response."""
    shares: tuple[float, float, float]
    """Of silence, standby and response among the three, by the model's own probabilities."""


class ChatModel(Protocol):
    """Decides what comes next in a chat."""

    def decide(self, chat: Chat) -> Decision:
        """Its answer to the last turn of a chat."""
        ...


def watch_chat(
    samples: Iterable[Watching], model: ChatModel, settings: ChatSettings
) -> Iterator[Prediction | Failure]:
    """Each sample, one after the other, with the seconds that each turn took.

    A window holds turns of ``window_s`` seconds at most. When one more does not fit, a new one
    begins with those of the last ``overlap_s`` seconds and what the model itself answered to them;
    what was asked before is repeated in its first turn, as the windows of a corpus have it.

    A sample with a memory is one window of a longer stream: its first turn begins with the memory.
    It fails where it does not fit, for a later window would have neither memory nor frames of what
    lies between.
    """
    for dialogue, frames in samples:
        starts = dialogue.turns.starts
        if dialogue.memory and starts[-1] - starts[0] > settings.window_s - EPSILON_S:
            last = len(starts) - 1
            lasts_s = starts[-1] - starts[0] + 1 / dialogue.turns_per_s
            detail = f"a memory, and {lasts_s:g} s of turns in windows of {settings.window_s:g} s"
            yield Failure(dialogue.sample_id, last, f"not supported: {detail} (--window-s)")
            continue
        yield _watched(dialogue, [frame.jpeg for frame in frames], model, settings)


def _watched(
    dialogue: Dialogue, jpegs: list[bytes], model: ChatModel, settings: ChatSettings
) -> Prediction:
    turns, tokens = dialogue.turns, STATE_TOKENS[settings.spelling]
    begin, answers, latencies_s = 0, list[str](), list[float]()
    states, responses = list[State](), list[PredictedResponse]()
    for place, now_s in enumerate(turns.starts):
        if now_s - turns.starts[begin] > settings.window_s - EPSILON_S:
            oldest_s = now_s - settings.overlap_s - EPSILON_S
            begin = next(i for i in range(place + 1) if turns.starts[i] >= oldest_s)
        texts = [_text(dialogue, turns, i, begin) for i in range(begin, place + 1)]
        if dialogue.memory:
            texts[0] = f"{memory_text(dialogue.memory, settings.layout)}\n{texts[0]}"
        shown = tuple(zip(texts, jpegs[begin : place + 1], strict=True))
        started_s = perf_counter()
        decided = model.decide(Chat(settings.system, shown, tuple(answers[begin:place])))
        latencies_s.append(round(perf_counter() - started_s, 3))
        said = f" {decided.text}" if decided.state == "response" else ""
        answers.append(tokens.token(decided.state) + said)
        states.append(decided.state)
        if decided.state == "response" and decided.text:
            responses.append(PredictedResponse(time_s=now_s, text=decided.text))
    return Prediction(
        sample_id=dialogue.sample_id,
        responses=tuple(responses),
        states=tuple(states),
        latencies_s=tuple(latencies_s),
    )


def _text(dialogue: Dialogue, turns: Turns, place: int, begin: int) -> str:
    """What a turn says in a window: the first one repeats all that was asked before."""
    first = 0 if place == begin else place
    asked = [turns.asked[i].text for i in range(first, place + 1) if i in turns.asked]
    label = label_of(turns.first + place, dialogue.turns_per_s)
    return "\n".join([*filter(None, asked), label, ""])
