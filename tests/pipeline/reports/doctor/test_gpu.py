"""GPUs as nvidia-smi lists them, and models as their files describe them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.base import EmbeddedConfig, EngineConfig
from pipeline.engines.vllm.config import VllmConfig
from pipeline.reports.doctor import gpu
from pipeline.reports.doctor.context_fit import LongestAsk

GIB = 1 << 30
ASK = LongestAsk("caption", 256, 30_000, 1_000, 1_000, "qwen2_5_vl")


def model(**settings: Any) -> VllmConfig:
    return VllmConfig.model_validate({"model": "none/such", "revision": "r", **settings})


@pytest.fixture
def two_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        '#!/bin/sh\ntest "$1" = --query-gpu=memory.total,driver_version &&'
        ' echo "24576, 580.1" && echo "81920, 580.1"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of 30 GiB in two files, which are not there."""
    place = tmp_path / "model"
    place.mkdir()
    config = {"text_config": {"max_position_embeddings": 40_000}}
    (place / "config.json").write_text(json.dumps(config))
    index = {"metadata": {"total_size": 30 * GIB}}
    (place / "model.safetensors.index.json").write_text(json.dumps(index))
    return place


@pytest.mark.usefixtures("two_gpus")
def test_gpus_that_are_seen_and_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu.gpu_memory() == [24 * GIB, 80 * GIB]
    assert {each.driver for each in gpu.gpus_of_machine()} == {"580.1"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert len(gpu.gpu_memory()) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu.gpu_memory() == []
    assert len(gpu.gpus_of_machine()) == 2, "of the machine, not of the process"


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("engines", "level", "expected"),
    [
        (
            [model(replicas=2), EmbeddedConfig(revision="1")],
            "ok",
            "all engines 2, of the largest 1,",
        ),
        ([model(tensor_parallel=2), model(replicas=2)], "ok", "they take turns"),
        ([model(tensor_parallel=2, pipeline_parallel=2)], "failure", "of this machine 2"),
    ],
)
def test_gpus_of_all_replicas_are_counted(
    engines: list[EngineConfig], level: str, expected: str
) -> None:
    (found,) = gpu.check_gpus(engines)
    assert found.level == level and expected in found.text


def test_no_gpu_is_counted_where_none_is_taken() -> None:
    assert not list(gpu.check_gpus([model(device="cpu")]))


def test_no_gpu_without_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu.gpu_memory() == []


def test_files_tell_size_and_context(folder: Path) -> None:
    assert gpu.files_of(str(folder), "r") == (30 * GIB, 40_000)
    (folder / "model.safetensors.index.json").unlink()
    assert gpu.files_of(str(folder), "r") == (None, 40_000)
    (folder / "model.safetensors").write_bytes(b"x" * 100)
    assert gpu.files_of(str(folder), "r")[0] == 100
    (folder / "config.json").write_text("[")
    assert gpu.files_of(str(folder), "r") == (100, None)


@pytest.mark.parametrize("name", ["none/such", "/no/such/folder", "a/b/c"])
def test_files_that_are_not_here_are_not_known(name: str) -> None:
    assert gpu.files_of(name, "main") == (None, None)


@pytest.mark.parametrize(
    ("settings", "gpus", "level"),
    [
        ({}, [80 * GIB], "ok"),
        ({}, [24 * GIB], "failure"),
        ({}, [36 * GIB], "warning"),
        ({"tensor_parallel": 2}, [24 * GIB, 24 * GIB], "ok"),
        ({"memory_share": 0.3}, [80 * GIB], "failure"),
        ({"quantisation": "fp8"}, [24 * GIB], "warning"),
        ({}, [], "warning"),
    ],
)
def test_memory_is_held_against_the_weights(
    settings: dict[str, Any], gpus: list[int], level: str
) -> None:
    found = gpu.check_memory("engines.x", model(**settings), 30 * GIB, gpus)
    assert found.level == level, found
    assert bool(found.fix) == (level != "ok")


@pytest.mark.usefixtures("two_gpus")
def test_a_model_in_the_process(folder: Path) -> None:
    config = model(model=str(folder), max_images=64)
    library, context, images, memory = gpu.check_vllm("engines.x", config, ASK)
    assert library.check == "engines.x"
    assert context.level == "ok" and "takes 40000 tokens" in context.text
    assert images.level == "failure" and "256 frames" in images.text
    assert memory.level == "failure" and "30.0 GiB of weights" in memory.text
    short = model(model=str(folder), max_model_len=31_999, device="cpu")
    _, context = gpu.check_vllm("engines.x", short, ASK)
    assert context.level == "failure" and "32000 tokens (caption" in context.text
