"""How much of the prompts of a node vLLM has cached, beside what arithmetic says they share.

    python benchmarks/prefix_cache.py [--node NAME …] [--videos N] [--seconds N] [--kv-tokens N]
                                      [--shards N] [--json FILE]

In the environment of `make test-vllm`: a tiny random model of the Qwen2.5-VL family on the CPU,
whose frames have as many tokens as those of the real ones. The asks are those of the stage, by the
settings of the flagship, about a shard of videos of noise, in the order in which it asks them; the
cached tokens are vLLM's own count. The cache holds as many tokens as that of the flagship's engine
for the node, and the videos are more than it holds. Each is a few seconds shorter than the one
before it, and the last a quarter as long, so that it can be told what a frame costs. Of several
shards, whose asks an engine gets one of each in turn, the videos are divided among them.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, zip_longest
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.assumed_rows import rows_of
from benchmarks.tokens import CONFIG, asks_of
from pipeline.dialogue.budget import estimate_tokens
from pipeline.engines import close_engines, open_engine
from pipeline.engines.base import Ask, Frame, Reply, Sampling
from pipeline.reports.doctor.scene_inputs import KnownRows
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import Node, build_graph

BLOCK = 32
"""Tokens of a block of the cache, as the tests of vLLM have it."""
LONGEST = 32_768
NODES = ("caption", "ground", "verify")


@dataclass(frozen=True)
class ServedModel:
    """A model in 16 bits over GPUs of 80 GB, of which vLLM takes 0.9 (``memory_share``)."""

    gpus: int
    weight_bytes: float
    layers: int
    kv_heads: int = 8
    head_dim: int = 128

    @property
    def kv_tokens(self) -> int:
        """Tokens that the cache of one engine holds: a key and a value of 2 bytes each, in what
        its weights and 4 GB a GPU to compute with, which is an assumption, leave."""
        left = self.gpus * (80e9 * 0.9 - 4e9) - self.weight_bytes
        return int(left / (2 * 2 * self.layers * self.kv_heads * self.head_dim))


SERVED: Mapping[str, ServedModel] = {
    "Qwen/Qwen3-VL-32B-Instruct": ServedModel(2, 67e9, 64),
    "Qwen/Qwen2.5-VL-72B-Instruct": ServedModel(4, 147e9, 80),
}
"""Of the flagship: captioner and grounder (263,000 tokens), narrator and verifier (381,000)."""
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


@dataclass(frozen=True)
class Found:
    """What a node asked, and what of it vLLM had cached; all but the first three are tokens."""

    videos: int
    asks: int
    frames: int
    cache: int
    """That the cache holds."""
    prompt: int
    shared: float
    """That prompts begin with as one before, by arithmetic: system parts and frames."""
    cached: int
    """By vLLM's own count."""

    def __str__(self) -> str:
        """A row of the table."""
        counts = (self.videos, self.asks, self.frames, self.cache, self.prompt, self.passed)
        figures = [f"{n:,}" for n in counts]
        figures += [f"{self.shared:,.0f}", f"{self.cached:,}", f"{self.cached / self.shared:.1%}"]
        return " | ".join(figures)

    @property
    def passed(self) -> int:
        """Tokens that were computed, and went through the cache."""
        return self.prompt - self.cached


def found_of(
    videos: int, cache: int, asks: Sequence[Ask], replies: Sequence[Reply], overlap: Sequence[int]
) -> Found:
    """What was cached, of what is shared; ``overlap`` is of ``shared_frames``."""
    frames = [len(ask.frames) for ask in asks]
    # Texts are as good as the same, so that tokens grow by frames alone.
    a_frame, rest = np.polyfit(frames, [reply.tokens_in for reply in replies], 1)
    system = rest - max(estimate_tokens(ask.text) for ask in asks)
    return Found(
        *(videos, len(asks), sum(frames), cache),
        prompt=sum(reply.tokens_in for reply in replies),
        shared=(len(asks) - 1) * system + a_frame * sum(overlap),
        cached=sum(reply.tokens_cached for reply in replies),
    )


def in_turn(shards: Iterable[Iterable[Ask]]) -> list[Ask]:
    """An ask of each shard, then the next of each, until none has any."""
    return [ask for asks in zip_longest(*shards) for ask in asks if ask is not None]


def measured(
    node: Node, checkpoint: Path, lengths: Sequence[int], shards: int, kv_tokens: int | None
) -> Found:
    """A node's asks about videos of so many seconds in so many shards, put to vLLM.

    Raises:
        EngineError: vLLM did not take the checkpoint, or failed.
        RuntimeError: vLLM refused an ask.
    """
    from tests.vllm.conftest import tiny  # noqa: PLC0415  sets nothing by itself

    if node.engine is None:
        raise TypeError(f"{node.name} asks no model")
    cache = kv_tokens or SERVED[node.engine.model].kv_tokens
    about = [asks_about(node, f"v{n}", length) for n, length in enumerate(lengths)]
    asks = in_turn(chain.from_iterable(about[number::shards]) for number in range(shards))
    limit = {"num_gpu_blocks_override": cache // BLOCK}
    size = {"max_images": 150, "max_model_len": LONGEST, "max_pixels": 200_704}
    # What it says is no answer, and would be drawn again.
    engine = open_engine(tiny(checkpoint, limit, **size, temperatures=()))
    replied = {i: replies[0] for i, replies in engine.generate(asks, Sampling(max_tokens=64))}
    close_engines()
    replies = [replied[i] for i in range(len(asks))]
    if refused := [reply for reply in replies if not reply.tokens_in]:
        raise RuntimeError(f"{len(refused)} asks have no answer: {refused[0].detail}")
    return found_of(len(lengths), cache, asks, replies, shared_frames(asks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--node", action="append", help="may be repeated; all of NODES by default")
    parser.add_argument("--videos", type=int, default=32, help="of all shards")
    parser.add_argument("--seconds", type=int, default=320)
    parser.add_argument(
        "--kv-tokens", type=int, help="that the cache holds; those of the flagship's by default"
    )
    parser.add_argument("--shards", type=int, default=1, help="that are under way at once")
    parser.add_argument("--json", type=Path, help="where the figures go, too")
    given = parser.parse_args()
    from tests.vllm.conftest import CPU_ENVIRONMENT  # noqa: PLC0415  sets nothing by itself
    from tests.vllm.tiny_checkpoint import make_checkpoint  # noqa: PLC0415  needs torch

    os.environ.update(CPU_ENVIRONMENT)
    nodes = {node.name: node for node in build_graph(load_config(CONFIG, []))}
    lengths = [given.seconds - SHORTER_S * n for n in range(given.videos)]
    lengths[-1] //= 4
    heads = "videos | asks | frames | cache holds | prompt | computed | shared | cached | of it"
    print(f"| node | {heads} |\n|---{'|---' * 9}|", flush=True)
    found = {}
    with tempfile.TemporaryDirectory() as raw:
        checkpoint = make_checkpoint(Path(raw) / "tiny")
        for name in given.node or NODES:
            found[name] = measured(
                *(nodes[name], checkpoint, lengths, given.shards, given.kv_tokens)
            )
            print(f"| `{name}` | {found[name]} |", flush=True)
            if given.json:
                figures = {node: asdict(each) for node, each in found.items()}
                given.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
