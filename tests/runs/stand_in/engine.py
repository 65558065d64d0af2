"""An engine that answers by the schema and the frames alone, and only while no file holds it."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.embedded.generic import Facts, answer_to
from pipeline.engines.vllm.config import VllmConfig
from tests.runs.answering_server import spanned


class VllmEngine:
    """In place of the one that runs a model. It needs no GPU, whatever the config asks for."""

    version = "stand-in 1"

    def __init__(self, config: VllmConfig) -> None:
        """Loads nothing."""
        self._held = Path(os.environ["TURNWISE_TEST_HELD"])

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        for i, ask in enumerate(asks):
            while self._held.exists():
                time.sleep(0.05)
            digest = hashlib.sha256(b"".join(frame.jpeg for frame in ask.frames)).digest()
            facts = Facts(digest[0] % 2 == 0, digest[1] % 5, f"Thing {digest[2]} moves.")
            text = json.dumps(spanned(answer_to(ask.answer_schema, facts)))
            yield i, [Reply(ask.request_id, text)] * sampling.samples

    def close(self) -> None:
        """There is nothing to end."""
