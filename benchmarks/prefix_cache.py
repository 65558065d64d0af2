"""How much of the prompts of `verify` vLLM has cached, beside what arithmetic says they share.

    python benchmarks/prefix_cache.py [--videos N] [--seconds N] [--kv-tokens N]

In the environment of `make test-vllm`: a tiny random model of the Qwen2.5-VL family on the CPU,
whose frames have as many tokens as those of the real ones. The asks are those of the stage, by the
settings of the flagship, about videos of noise; the cached tokens are vLLM's own count.
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
from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.reports.doctor.scene_inputs import KnownRows
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph

BLOCK = 32
"""Tokens of a block of the cache, as the tests of vLLM have it."""
LONGEST = 16_384


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--videos", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=150)
    parser.add_argument("--kv-tokens", type=int, help="tokens that the cache holds")
    given = parser.parse_args()
    from tests.vllm.conftest import CPU_ENVIRONMENT, tiny  # noqa: PLC0415  sets nothing by itself
    from tests.vllm.tiny_checkpoint import make_checkpoint  # noqa: PLC0415  needs torch

    os.environ.update(CPU_ENVIRONMENT)
    node = next(n for n in build_graph(load_config(CONFIG, [])) if n.name == "verify")
    asks = [ask for n in range(given.videos) for ask in asks_about(node, f"v{n}", given.seconds)]
    limit = {"num_gpu_blocks_override": given.kv_tokens // BLOCK} if given.kv_tokens else {}
    with tempfile.TemporaryDirectory() as raw:
        size = {"max_images": 64, "max_model_len": LONGEST, "max_pixels": 200_704}
        engine = open_engine(tiny(make_checkpoint(Path(raw) / "tiny"), limit, **size))
        replied = {i: replies[0] for i, replies in engine.generate(asks, Sampling(max_tokens=64))}
        close_engines()
    prompt = sum(reply.tokens_in for reply in replied.values())
    cached = sum(reply.tokens_cached for reply in replied.values())
    frames = [len(ask.frames) for ask in asks]
    # Texts are as good as the same, so that tokens grow by frames alone.
    sizes = [replied[i].tokens_in for i in range(len(asks))]
    a_frame, rest = np.polyfit(frames, sizes, 1)
    system = rest - max(estimate_tokens(ask.text) for ask in asks)
    expected = (len(asks) - 1) * system + sum(known * a_frame for known in shared_frames(asks))
    print(
        f"{len(asks)} asks, {sum(frames)} frames of {a_frame:.1f} tokens and {rest:.0f} of text:"
        f" {prompt:,} tokens, cached {cached:,} ({cached / prompt:.1%}); system parts and"
        f" frames are shared by {expected:,.0f}, of which the cached are {cached / expected:.1%}"
    )


if __name__ == "__main__":
    main()
