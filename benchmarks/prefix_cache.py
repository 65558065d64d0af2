"""How much of the prompts of a node vLLM has cached, beside what arithmetic says they share.

    python benchmarks/prefix_cache.py [--node NAME] [--videos N] [--seconds N] [--kv-tokens N]

In the environment of `make test-vllm`: a tiny random model of the Qwen2.5-VL family on the CPU,
whose frames have as many tokens as those of the real ones. The asks are those of the stage, by the
settings of the flagship, about videos of noise, in the order in which a shard asks them; the cached
tokens are vLLM's own count. Each video is a few seconds shorter than the one before it, so that it
can be told what a frame costs.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.tokens import CONFIG, asks_of, rows_of
from pipeline.dialogue.budget import estimate_tokens
from pipeline.engines import close_engines, open_engine
from pipeline.engines.base import Ask, Frame, Reply, Sampling
from pipeline.reports.doctor.scene_inputs import KnownRows
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph

BLOCK = 32
"""Tokens of a block of the cache, as the tests of vLLM have it."""
LONGEST = 32_768
LAYERS, KV_HEADS, HEAD_DIM, BYTES = 64, 8, 128, 2
"""Of Qwen3-VL-32B, which captions and locates in the flagship, in 16 bits."""
MEMORY, WEIGHTS, REST = 2 * 80e9 * 0.9, 67e9, 2 * 4e9
"""Bytes of an engine of it: two GPUs, of which it takes 0.9 (``memory_share``); its weights; and
what it computes with, an assumption."""
KV_TOKENS = int((MEMORY - WEIGHTS - REST) / (LAYERS * 2 * KV_HEADS * HEAD_DIM * BYTES))
"""So many tokens fit into the cache of such an engine: 263,000."""
SHORTER_S = 3


def noise(name: str) -> bytes:
    """A JPEG of 448 x 252 pixels, another for each name."""
    cells = np.random.default_rng(random.Random(name).randrange(1 << 32)).integers(
        0, 255, (9, 16, 3), dtype=np.uint8
    )
    picture = cv2.resize(cells, (448, 252), interpolation=cv2.INTER_NEAREST)
    return cv2.imencode(".jpg", picture)[1].tobytes()


def asks_about(node: Node, video_id: str, seconds: int) -> Sequence[Ask]:
    """What a node asks about a video of noise."""
    if node.engine is None:
        raise TypeError(f"{node.name} asks no model")
    rows = KnownRows(video_id, rows_of(video_id, seconds)[node.stage.name])
    (asks,) = asks_of(node, node.engine, [rows])
    pictures = {f.time_s: noise(f"{video_id} {f.time_s}") for ask in asks for f in ask.frames}
    return [
        replace(ask, frames=tuple(Frame(f.time_s, pictures[f.time_s]) for f in ask.frames))
        for ask in asks
    ]


def shared_frames(asks: Sequence[Ask]) -> list[int]:
    """Of each ask, how many frames it begins with as one before it did."""
    found = []
    for number, ask in enumerate(asks):
        known = 0
        for other in asks[:number]:
            pairs = zip(ask.frames, other.frames, strict=False)
            same = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
            least = min(len(ask.frames), len(other.frames))
            known = max(known, least if same is None else same)
        found.append(known)
    return found


def said_of(asks: Sequence[Ask], replies: Sequence[Reply]) -> str:
    """What was cached, of what is shared."""
    prompt = sum(reply.tokens_in for reply in replies)
    cached = sum(reply.tokens_cached for reply in replies)
    frames = [len(ask.frames) for ask in asks]
    # Texts are as good as the same, so that tokens grow by frames alone.
    a_frame, rest = np.polyfit(frames, [reply.tokens_in for reply in replies], 1)
    system = rest - max(estimate_tokens(ask.text) for ask in asks)
    expected = (len(asks) - 1) * system + sum(known * a_frame for known in shared_frames(asks))
    return (
        f"{len(asks)} asks, {sum(frames)} frames of {a_frame:.1f} tokens and {rest:.0f} of text:"
        f" {prompt:,} tokens, cached {cached:,} ({cached / prompt:.1%}); system parts and"
        f" frames are shared by {expected:,.0f}, of which the cached are {cached / expected:.1%}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--node", default="verify")
    parser.add_argument("--videos", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=150)
    parser.add_argument("--kv-tokens", type=int, default=KV_TOKENS, help="that the cache holds")
    given = parser.parse_args()
    from tests.vllm.conftest import CPU_ENVIRONMENT, tiny  # noqa: PLC0415  sets nothing by itself
    from tests.vllm.tiny_checkpoint import make_checkpoint  # noqa: PLC0415  needs torch

    os.environ.update(CPU_ENVIRONMENT)
    node = next(n for n in build_graph(load_config(CONFIG, [])) if n.name == given.node)
    lengths = [given.seconds - SHORTER_S * n for n in range(given.videos)]
    asks = [ask for n, length in enumerate(lengths) for ask in asks_about(node, f"v{n}", length)]
    with tempfile.TemporaryDirectory() as raw:
        limit = {"num_gpu_blocks_override": given.kv_tokens // BLOCK}
        size = {"max_images": 150, "max_model_len": LONGEST, "max_pixels": 200_704}
        # What it says is no answer, and would be drawn again.
        config = tiny(make_checkpoint(Path(raw) / "tiny"), limit, **size, temperatures=())
        engine = open_engine(config)
        replied = {i: replies[0] for i, replies in engine.generate(asks, Sampling(max_tokens=64))}
        close_engines()
    print(f"{node.name}, {given.videos} videos, a cache of {given.kv_tokens:,} tokens:")
    print(said_of(asks, [replied[i] for i in range(len(asks))]))


if __name__ == "__main__":
    main()
