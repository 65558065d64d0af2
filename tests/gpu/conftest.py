"""A model in vLLM on this machine's GPU. Without ``TURNWISE_GPU`` these tests are skipped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "TURNWISE_GPU"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.timeout(3600))
        # What vLLM and its libraries have to say about themselves is not about this project.
        item.add_marker(pytest.mark.filterwarnings("default"))
        if VARIABLE not in os.environ:
            item.add_marker(pytest.mark.skip(reason=f"{VARIABLE} is not set: see make test-gpu"))
