"""Notes how many frames a model encodes. Loaded by vLLM, in the process that holds the model.

``worker_extension_cls: tests.vllm.frame_counts.Counting`` in ``engine_args`` turns it on. The file
that ``TURNWISE_FRAME_COUNTS`` names gets a line for each step in which frames are encoded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from vllm.v1.worker.gpu_worker import Worker

VARIABLE = "TURNWISE_FRAME_COUNTS"

_execute = Worker.execute_model


def _execute_and_count(self: Any, scheduled: Any, *rest: Any, **named: Any) -> Any:
    frames = sum(map(len, scheduled.scheduled_encoder_inputs.values()))
    if frames:
        with Path(os.environ[VARIABLE]).open("a", encoding="ascii") as file:
            file.write(f"{frames}\n")
    return _execute(self, scheduled, *rest, **named)


Worker.execute_model = _execute_and_count


class Counting:
    """Nothing of its own: to load this file is enough."""
