"""The engine that runs vLLM against the contract of every engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.engines.base import Ask, Frame, OpenEngine
from tests.pipeline.engines.contract import SCHEMA, EngineContract, Subject
from tests.vllm.conftest import tiny

if TYPE_CHECKING:
    from pipeline.engines.vllm.engine import VllmEngine


def under_way(engine: OpenEngine) -> int:
    return engine.under_way  # type: ignore[attr-defined,no-any-return]  # a VllmEngine


@pytest.fixture(scope="module")
def subject(engine: VllmEngine, checkpoint: Path) -> Subject:
    from pipeline.engines.vllm.engine import VllmEngine

    return Subject(
        engine,
        "Describe it.",
        Ask("bad", "Describe it.", SCHEMA, (Frame(0.0, b"no picture"),)),
        # One at a time, so that many asks take seconds.
        lambda: VllmEngine(tiny(checkpoint, max_num_seqs=1, concurrency=8)),
        slow="Describe it.",
        under_way=under_way,
    )


class TestVllmEngine(EngineContract):
    """With a tiny model."""
