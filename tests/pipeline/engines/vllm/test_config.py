"""What a config of kind vllm says, and refuses."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.engines import KINDS, open_engine
from pipeline.engines.base import EngineError
from pipeline.engines.vllm.config import VllmConfig


def config(**given: Any) -> VllmConfig:
    return VllmConfig(**{"model": "m", "revision": "r", **given})


def test_replicas_are_hosts_and_take_the_gpus_that_they_split_the_model_over() -> None:
    wide = config(replicas=3, tensor_parallel=4, pipeline_parallel=2, data_parallel=2, shards=7)
    assert (
        wide.replica_configs()
        == (config(tensor_parallel=4, pipeline_parallel=2, data_parallel=2, shards=7),) * 3
    )
    assert (wide.gpus, wide.shards_in_flight) == (16, 7)
    assert config(tensor_parallel=4, device="cpu").gpus == 0


@pytest.mark.parametrize(
    "given",
    [
        {"replicas": 2, "tensor_parallel": 4, "pipeline_parallel": 2, "data_parallel": 2},
        {"memory_share": 0.5, "max_num_seqs": 7, "shards": 9, "concurrency": 3, "megabytes": 5},
        {"device": "cpu", "max_images": 9, "restarts": 0},
        {"engine_args": {"enforce_eager": True, "max_num_batched_tokens": 4096}},
    ],
)
def test_how_fast_it_runs_is_no_identity(given: dict[str, Any]) -> None:
    assert config(**given).identity() == config().identity()


@pytest.mark.parametrize(
    "given",
    [
        {"model": "n"},
        {"revision": "s"},
        {"quantisation": "fp8"},
        {"dtype": "float32"},
        {"max_model_len": 4096},
        {"max_pixels": 100352},
        {"min_pixels": 3136},
        {"frame_input": "video"},
        {"frame_label": "none"},
        {"temperatures": ()},
        {"repair": False},
        {"engine_args": {"kv_cache_dtype": "fp8"}},
    ],
)
def test_what_bears_on_answers_is_identity(given: dict[str, Any]) -> None:
    assert config(**given).identity() != config().identity()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"engine_args": {"quantization": "fp8"}}, "quantization: set quantisation instead"),
        ({"engine_args": {"enable_prefix_caching": False}}, "enable_prefix_caching: it is set"),
        ({"min_pixels": 9, "max_pixels": 4}, "min_pixels must not be above max_pixels"),
        ({"temperatures": (0.0,)}, "greater than 0"),
        ({"memory_share": 1.5}, "memory_share"),
        ({"tensor_paralel": 2}, "tensor_paralel"),
    ],
)
def test_what_contradicts_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        config(**given)


def test_without_vllm_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pipeline.engines.vllm.engine", raising=False)
    monkeypatch.delitem(sys.modules, "pipeline.engines.vllm.model", raising=False)
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(EngineError, match=r"needs .*: install turnwise\[vllm\]"):
        open_engine(config())


def test_naming_the_kind_does_not_load_vllm() -> None:
    assert KINDS["vllm"] is VllmConfig
    assert "vllm" not in sys.modules


def test_replicas_that_come_and_go_have_a_least_and_a_most_and_are_no_identity() -> None:
    elastic = config(replicas="auto", min_replicas=2, max_replicas=5)
    assert (elastic.least_replicas, len(elastic.replica_configs())) == (2, 5)
    assert (config(replicas=3).least_replicas, config().least_replicas) == (3, 1)
    placed = config(replicas="auto", placement={"cpus": 4, "label_selector": {"market": "a"}})
    assert placed.identity() == config().identity()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_replicas": 3, "max_replicas": 2}, "must not be above"),
        ({"data_parallel": 2}, "not supported: data_parallel"),
        ({"replicas": "auto"}, "not supported: replicas auto"),
    ],
)
def test_what_cannot_be_placed_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        config(**given, placement={"across_machines": True})
