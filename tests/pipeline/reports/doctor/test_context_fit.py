"""The longest ask is that of the stage itself, and grows with what makes it long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.engines.base import EmbeddedConfig, EngineConfig
from pipeline.engines.vllm.config import VllmConfig
from pipeline.reports.doctor.asking import by_engine
from pipeline.reports.doctor.context_fit import LongestAsk, long_video, longest_ask
from pipeline.reports.doctor.scene_inputs import KnownVideo
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph

CONFIGS = Path(__file__).resolve().parents[4] / "configs"
SHOWN_WHOLE_S = 192
"""Of a longer video, no node of these configs shows more frames."""
EMBEDDED = EmbeddedConfig(revision="1")


def named(model: str) -> EngineConfig:
    return EngineConfig(kind="other", model=model, revision="1")


def measured(
    node: Node, videos: Sequence[KnownVideo], duration_s: float, config: EngineConfig = EMBEDDED
) -> LongestAsk:
    known = long_video(videos[0].segments, videos[0].video, duration_s)
    found = longest_ask(node, config, known)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "frames", "long_frames"),
    [
        ("narrate", 4, 4),
        ("polish", 0, 0),
        ("caption", 100, 256),
        ("ground", 100, 256),
        ("rewrite", 0, 0),
        ("query", 0, 0),
        ("change_points", 100, 256),
        ("change_questions", 0, 0),
        ("verify", 60, 63),
    ],
)
def test_frames_are_those_of_the_stage(
    nodes: Mapping[str, Node],
    videos: Sequence[KnownVideo],
    name: str,
    frames: int,
    long_frames: int,
) -> None:
    node = nodes[name]
    short, long = measured(node, videos, 100), measured(node, videos, 600)
    assert (short.frames, long.frames) == (frames, long_frames)
    assert long.answer_tokens == node.config.model_dump()["max_tokens"]
    assert 100 < short.text_tokens <= long.text_tokens
    # A picture of 384 by 216: 14 by 8 cells of 28 pixels, two ends, and a label.
    assert short.frame_tokens == frames * (14 * 8 + 2 + 9)
    assert long.tokens == long.frame_tokens + long.text_tokens + long.answer_tokens


def test_a_long_draft_makes_a_long_text(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    short, long = (measured(nodes["polish"], videos, s).text_tokens for s in (60, 600))
    assert long > 5 * short


@pytest.mark.parametrize(
    ("model", "rule", "each"),
    [("Qwen/Qwen3-VL-8B", "qwen3_vl", 12 * 7), ("OpenGVLab/InternVL3-8B", "internvl", 256)],
)
def test_frames_are_counted_as_the_model_counts(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo], model: str, rule: str, each: int
) -> None:
    found = measured(nodes["verify"], videos, 100, named(model))
    assert (found.rule, found.frame_tokens) == (rule, 60 * (each + 2 + 9))


def test_faster_turns_make_more_frames(
    nodes: Mapping[str, Node], videos: Sequence[KnownVideo]
) -> None:
    half = tuple(s.model_copy(update={"turns_per_s": 2.0}) for s in videos[0].segments)
    twice = replace(videos[0], segments=half)
    assert measured(nodes["caption"], [twice], 50).frames == pytest.approx(100, abs=1)


@pytest.mark.parametrize("name", ["streamo_instruct_465k.yaml", "single_gpu.yaml"])
def test_the_context_of_each_model_holds_what_the_config_shows_it(
    videos: Sequence[KnownVideo], name: str
) -> None:
    """Square frames cost most: those of the longer side that is stored."""
    asking = by_engine(build_graph(load_config(CONFIGS / name)))
    white = cv2.imencode(".jpg", np.full((448, 448, 3), 255, np.uint8))[1].tobytes()
    square = [turn.model_copy(update={"jpeg": white}) for turn in videos[0].segments]
    known = long_video(square, videos[0].video, SHOWN_WHOLE_S + 60)
    for config, nodes in asking:
        assert isinstance(config, VllmConfig) and config.max_model_len is not None
        asks = [found for node in nodes if (found := longest_ask(node, config, known))]
        longest = max(asks, key=lambda ask: ask.tokens)
        assert longest.tokens <= config.max_model_len, longest.to_text()
        assert max(ask.frames for ask in asks) <= config.max_images
