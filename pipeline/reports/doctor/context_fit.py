"""The longest ask of each node, measured on asks of its stage, to compare with the context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import cycle

import cv2
import numpy as np

from pipeline.dialogue.budget import (
    FRAME_RULES,
    MESSAGE_TOKENS,
    FrameRuleName,
    PixelRule,
    estimate_tokens,
    frame_tokens,
)
from pipeline.engines.base import Ask, EngineConfig, Reply, Sampling
from pipeline.media.scenes.script import Actor, Move, Scene
from pipeline.media.scenes.truth_of import truth_of
from pipeline.records import DenseSegment, FramedSegment, TurnFrame, Video
from pipeline.reports.doctor.probe import ask_node
from pipeline.reports.doctor.scene_inputs import KnownVideo
from pipeline.workflow.graph import Node

TEMPLATE_TOKENS = 64
"""Added by a chat template: a system text of its own, and the beginning of the answer."""
FRAME_LABEL = "[123.45 s]"
SERVED_MAX_PIXELS = 12_845_056
"""A processor shrinks larger frames by default."""
SLOW_S = 4
"""Between two changes that a question is asked about: more than stages ask for by default, and
little enough that a short video has two."""
RULES: Mapping[str, FrameRuleName] = {
    "qwen3": "qwen3_vl",
    "qwen2-vl": "qwen2_vl",
    "internvl": "internvl",
}
"""The token rule of frames by a part of the model name; the default is that of Qwen2.5-VL."""


@dataclass(frozen=True)
class LongestAsk:
    """The most frames and tokens of the asks of a node, with the tokens of the longest answer."""

    node: str
    frames: int
    frame_tokens: int
    text_tokens: int
    answer_tokens: int
    rule: FrameRuleName

    @property
    def tokens(self) -> int:
        """The sum; it must fit into the context."""
        return self.frame_tokens + self.text_tokens + self.answer_tokens

    def to_text(self) -> str:
        """The sum and its terms."""
        return (
            f"{self.tokens} tokens ({self.node}: {self.frames} frames {self.frame_tokens} as"
            f" {self.rule} counts, text {self.text_tokens}, answer {self.answer_tokens})"
        )


@dataclass
class Silent:
    """An engine that answers nothing."""

    version: str = "none"
    max_tokens: int = 0
    """The most that it was asked to say."""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """The error ``not_asked`` for each."""
        self.max_tokens = max(self.max_tokens, sampling.max_tokens)
        for i, ask in enumerate(asks):
            yield i, [Reply(ask.request_id, error="not_asked")] * sampling.samples


def longest_ask(node: Node, config: EngineConfig, video: KnownVideo) -> LongestAsk | None:
    """The most frames and the longest text of the asks about a video; None without asks.

    Raises:
        PromptError: the prompt does not fit the variables of the stage.
    """
    silent = Silent()
    asks = ask_node(node, config, silent, [video])[0].asks
    if not asks:
        return None
    model = config.model.casefold()
    name: FrameRuleName = "qwen2_5_vl"
    name = next((rule for part, rule in RULES.items() if part in model), name)
    frames = max(len(ask.frames) for ask in asks)
    text = max(estimate_tokens(ask.system) + estimate_tokens(ask.text) for ask in asks)
    return LongestAsk(
        node=node.name,
        frames=frames,
        frame_tokens=frames * _tokens_a_frame(video.segments[0].jpeg, name, config),
        text_tokens=text + 3 * MESSAGE_TOKENS + TEMPLATE_TOKENS,
        answer_tokens=silent.max_tokens,
        rule=name,
    )


def long_video(segments: Sequence[FramedSegment], video: Video, duration_s: float) -> KnownVideo:
    """A scripted scene of that length that is not rendered: turns at the rate of ``segments``, each
    with the frames of their first, a cut in each turn, an object that comes and goes, one that
    moves, and one that turns another colour slowly enough to be asked about."""
    rate = Fraction(segments[0].turns_per_s).limit_denominator(1000)
    times = [float(i / rate) for i in range(max(4, int(duration_s * rate)))]
    slow = times[:: max(1, int(SLOW_S * rate))]
    scene = Scene(
        name="longest",
        rates=((0.0, rate),),
        length_s=len(times) / float(rate),
        backgrounds=tuple((time_s, ("white", "grey")[i % 2]) for i, time_s in enumerate(times)),
        actors=(
            Actor("square", 9, (9, 9), ((0.0, "red"),), visible=((times[1], times[2]),)),
            Actor("circle", 9, (9, 9), ((0.0, "blue"),), (Move(times[1], times[2], (99, 9)),)),
            Actor("triangle", 9, (9, 9), tuple(zip(slow, cycle(("red", "blue"))))),
        ),
    )
    known = video.model_copy(update={"video_id": scene.name, "duration_s": scene.duration_s()})
    others = first.further if isinstance(first := segments[0], DenseSegment) else ()
    turns = [
        DenseSegment(
            video_id=scene.name,
            index=i,
            start_s=time_s,
            end_s=float((i + 1) / rate),
            frame_s=time_s,
            turns_per_s=float(rate),
            jpeg=first.jpeg,
            further=[
                TurnFrame(frame_s=time_s + (frame.frame_s - first.frame_s), jpeg=frame.jpeg)
                for frame in others
            ],
        )
        for i, time_s in enumerate(times)
    ]
    return KnownVideo(known, tuple(turns), truth_of(scene))


def _tokens_a_frame(jpeg: bytes, name: FrameRuleName, config: EngineConfig) -> int:
    """Tokens of a stored frame with the label of its time."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("a stored frame is no JPEG")
    height, width = picture.shape[:2]
    rule = FRAME_RULES[name]
    if isinstance(rule, PixelRule):
        limit = getattr(config, "max_pixels", None) or SERVED_MAX_PIXELS
        rule = replace(rule, max_pixels=limit, longer_px=max(width, height))
    return frame_tokens(width, height, rule) + estimate_tokens(FRAME_LABEL)
