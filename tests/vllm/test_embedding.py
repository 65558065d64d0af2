"""The engine that runs vLLM as a pooling model, against the contract of every embedder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.engines.base import Ask, Frame
from tests.pipeline.engines.embedding_contract import SCHEMA, Embedder, EmbeddingContract
from tests.vllm.conftest import tiny


@pytest.fixture(scope="module")
def embedder(checkpoint: Path) -> Iterator[Embedder]:
    from pipeline.engines.vllm.engine import VllmEngine

    engine = VllmEngine(tiny(checkpoint, answers="vectors"))
    yield Embedder(engine, Ask("bad", "", SCHEMA, (Frame(0.0, b"no picture"),)))
    engine.close()


class TestVllmEmbedder(EmbeddingContract):
    """With a tiny model that was made to write."""
