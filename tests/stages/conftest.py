"""Rows, and an engine and media that follow a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.media.base import (
    DEFAULT_LIMITS,
    Clip,
    Header,
    Limits,
    MediaError,
    Probe,
    Still,
    StillsRequest,
)
from pipeline.records import (
    Annotation,
    ChangePoint,
    DenseSegment,
    Provenance,
    Question,
    Record,
    Response,
    TurnFrame,
    VerifiedEvent,
    Video,
)
from pipeline.workflow.prompt import load_prompts
from pipeline.workflow.stage import Context

R = TypeVar("R", bound=Record)
Replying = Callable[[Ask], "Mapping[str, Any] | str"]


@dataclass(frozen=True)
class Rows:
    video_id: str
    kinds: Mapping[type[Record], Sequence[Record]]

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        return self.kinds[kind]  # type: ignore[return-value]


@dataclass
class ScriptedEngine:
    """Answers each ask with what ``reply`` returns: an answer, or a text as it stands."""

    reply: Replying
    version: str = "1"
    kind: str = "embedded"
    model: str = "m"
    revision: str = "1"
    timed_frames: bool = True
    asks: list[Ask] = field(default_factory=list)

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        self.asks.extend(asks)
        for i, ask in enumerate(asks):
            answer = self.reply(ask)
            text = answer if isinstance(answer, str) else json.dumps(answer)
            yield i, [Reply(ask.request_id, text)] * sampling.samples


@dataclass(frozen=True)
class ScriptedMedia:
    """Clips of known durations, with all stills of a turn; other uris cannot be read."""

    durations_s: Mapping[str, float]

    def probe(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
        if clip.uri not in self.durations_s:
            raise MediaError("missing_file", "no such file")
        return Probe(self.durations_s[clip.uri], 64, 48, 0, "h264", 25.0, "0" * 64)

    def header(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
        return Header(int(self.probe(clip).duration_s * 25), 25.0)

    def stills(
        self, clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[Still]:
        rate = request.turns_per_s * request.frames_per_turn
        n = int(self.probe(clip).duration_s * rate - 1e-9) + 1
        return [Still(i / rate, b"jpeg") for i in range(n)]


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        stage="s",
        prompt="p",
        prompt_sha="sha",
        model="m",
        revision="1",
        engine="embedded",
        engine_version="1",
        temperature=0,
        max_tokens=1,
        seed=0,
        samples=1,
        tokens_in=0,
        tokens_out=0,
        request_id="q",
    )


@pytest.fixture
def video_rows() -> Callable[..., Rows]:
    """``video_rows({Kind: rows, ...})``: the rows of the video ``v``."""

    def make(kinds: Mapping[type[Record], Sequence[Record]], video_id: str = "v") -> Rows:
        return Rows(video_id, kinds)

    return make


@pytest.fixture
def asking() -> Callable[[str, Replying], tuple[Context, ScriptedEngine]]:
    """``asking(prompt, reply)``: a context with the real prompt file, and its engine."""

    def make(prompt: str, reply: Replying) -> tuple[Context, ScriptedEngine]:
        engine = ScriptedEngine(reply)
        return Context(engine=engine, prompts=load_prompts(prompt)), engine

    return make


@pytest.fixture
def framed() -> Callable[..., list[DenseSegment]]:
    """``framed(n, turns_per_s, further)``: the segments of the video ``v``, each with its frame on
    time, and as many further frames."""

    def make(n: int, turns_per_s: float = 1.0, further: int = 0) -> list[DenseSegment]:
        step_s = 1 / turns_per_s / (further + 1)
        return [
            DenseSegment(
                video_id="v",
                index=i,
                start_s=i / turns_per_s,
                end_s=(i + 1) / turns_per_s,
                frame_s=i / turns_per_s,
                turns_per_s=turns_per_s,
                jpeg=bytes([i % 256]),
                further=[
                    TurnFrame(frame_s=i / turns_per_s + j * step_s, jpeg=bytes([i % 256, j]))
                    for j in range(1, further + 1)
                ],
            )
            for i in range(n)
        ]

    return make


@pytest.fixture
def video() -> Callable[..., Video]:
    """``video(**fields)``: the video ``v`` of 10 s."""

    def make(**fields: Any) -> Video:
        known: dict[str, Any] = {
            "video_id": "v",
            "uri": "v.mp4",
            "duration_s": 10.0,
            "width": 64,
            "height": 48,
            "rotation_deg": 0,
            "codec": "h264",
            "frame_rate": 25.0,
            "sha256": "0" * 64,
        }
        return Video.model_validate(known | fields)

    return make


@pytest.fixture
def event(provenance: Provenance) -> Callable[..., VerifiedEvent]:
    """``event(start_s, end_s, **fields)``: a kept event of the video ``v``."""

    def make(start_s: float, end_s: float, **fields: Any) -> VerifiedEvent:
        known: dict[str, Any] = {
            "video_id": "v",
            "event_id": f"e{start_s}-{end_s}",
            "family": "event",
            "caption": f"Something happens for {end_s - start_s} s.",
            "start_s": start_s,
            "end_s": end_s,
            "provenance": provenance,
            "grounded_start_s": start_s,
            "grounded_end_s": end_s,
            "grounding": provenance,
            "iou": 1.0,
            "kept": True,
            "reason": "",
        }
        return VerifiedEvent.model_validate(known | fields)

    return make


@pytest.fixture
def scripted_media() -> Callable[[Mapping[str, float]], ScriptedMedia]:
    """``scripted_media({uri: duration_s})``."""
    return ScriptedMedia


@pytest.fixture
def point(provenance: Provenance) -> Callable[..., ChangePoint]:
    """``point(before, after, time_s, **fields)``: what the ball's colour changes to."""

    def make(before: str, after: str, time_s: float, **fields: Any) -> ChangePoint:
        known: dict[str, Any] = {
            "video_id": "v",
            "aspect": "attribute",
            "subject": "ball",
            "before": before,
            "after": after,
            "time_s": time_s,
            "seen": "It turns.",
            "provenance": provenance,
        }
        return ChangePoint.model_validate(known | fields)

    return make


@pytest.fixture
def tsqa() -> Callable[..., Annotation]:
    """``tsqa((time_s, value), ...)``: one question on the video ``v``, asked at 0."""

    def make(*answers: tuple[float, str]) -> Annotation:
        return Annotation(
            video_id="v",
            annotation_id="a",
            task="tsqa",
            questions=[Question(qid="q0", text="Which?", asked_s=0)],
            responses=[
                Response.instant(f"r{i}", value, time_s)
                for i, (time_s, value) in enumerate(answers)
            ],
        )

    return make
