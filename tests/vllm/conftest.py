"""A tiny model in vLLM on the CPU. Without ``TURNWISE_VLLM`` these tests are skipped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.engines.vllm.config import VllmConfig

if TYPE_CHECKING:
    from pipeline.engines.vllm.engine import VllmEngine

VARIABLE = "TURNWISE_VLLM"
HERE = Path(__file__).parent

CPU_ENVIRONMENT = {
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    # The worker in the process of the scheduler: a third less of importing.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "TORCH_COMPILE_DISABLE": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "no_proxy": "127.0.0.1",
}
ENGINE_ARGS: dict[str, Any] = {
    "enforce_eager": True,
    # The attention on CPUs takes multiples of 32; the default, 128, is longer than many prompts.
    "block_size": 32,
}

if VARIABLE in os.environ:
    os.environ.update(CPU_ENVIRONMENT)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.vllm)
        item.add_marker(pytest.mark.timeout(900))
        # What vLLM and its libraries have to say about themselves is not about this project.
        item.add_marker(pytest.mark.filterwarnings("default"))
        if VARIABLE not in os.environ:
            item.add_marker(pytest.mark.skip(reason=f"{VARIABLE} is not set: see make test-vllm"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.vllm.tiny_checkpoint import make_checkpoint

    return make_checkpoint(tmp_path_factory.mktemp("checkpoint"))


def tiny(checkpoint: Path, engine_args: dict[str, Any] | None = None, **given: Any) -> VllmConfig:
    """The tiny model on this machine's CPU."""
    settings: dict[str, Any] = {
        "model": str(checkpoint),
        "revision": "1",
        "device": "cpu",
        "dtype": "float32",
        "max_model_len": 4096,
        "max_num_seqs": 16,
        "max_images": 32,
    }
    further = {**ENGINE_ARGS, **(engine_args or {})}
    return VllmConfig(**{**settings, **given}, engine_args=further)


@pytest.fixture(scope="session")
def engine(checkpoint: Path, frame_counts: Path) -> Iterator[VllmEngine]:
    """One engine for all tests that do not break it; it notes the frames that it encodes."""
    from pipeline.engines.vllm.engine import VllmEngine

    opened = VllmEngine(
        tiny(checkpoint, {"worker_extension_cls": "tests.vllm.frame_counts.Counting"})
    )
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def frame_counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a line for each step of the engine that encodes frames: how many."""
    path = tmp_path_factory.mktemp("frames") / "counts"
    path.touch()
    os.environ["TURNWISE_FRAME_COUNTS"] = str(path)
    return path


def frames_counted(path: Path) -> int:
    """How many frames were encoded so far."""
    return sum(map(int, path.read_text(encoding="ascii").split()))
