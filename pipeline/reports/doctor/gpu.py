"""Checks of engines that run on GPUs: library, number of GPUs, memory of each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.engines.base import EngineConfig
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.model_files import CONFIG, INDEX, folder_of, read_json
from pipeline.reports.doctor.context_fit import LongestAsk
from pipeline.reports.doctor.findings import Finding
from pipeline.reports.doctor.server import check_context

GIB = 1 << 30
MIB = 1 << 20
WORKING_SHARE = 0.15
"""Of the memory of a GPU, for the KV cache and activations."""
IMPORT_LIMIT_S = 180


def check_vllm(
    name: str, config: VllmConfig, longest: LongestAsk | None, *, elsewhere: bool = False
) -> Iterator[Finding]:
    """The library, the context, the frames of an ask, and the memory of one replica.

    ``elsewhere``: it runs on other machines, which are asked for library and memory.
    """
    if not elsewhere:
        yield check_library(name)
    size_bytes, context = files_of(config.model, config.revision)
    yield check_context(name, config.max_model_len or context, longest)
    if longest is not None and longest.frames > config.max_images:
        text = f"max_images is {config.max_images}, {longest.node} shows {longest.frames} frames"
        yield Finding(name, "failure", text, "raise max_images, or lower max_frames of the node")
    if config.gpus and not elsewhere:
        yield check_memory(name, config, size_bytes, gpu_memory())


def check_gpus(configs: Sequence[EngineConfig]) -> Iterator[Finding]:
    """The GPUs that engines need against those of this machine; no finding if none is needed.

    Engines that do not fit together take turns, but each must fit by itself.
    """
    most = max((config.gpus for config in configs), default=0)
    needed = sum(config.gpus * config.least_replicas for config in configs)
    here = len(gpu_memory()) if needed else 0
    text = f"GPUs of all engines {needed}, of the largest {most}, of this machine {here}"
    if most > here:
        fix = "lower the parallel sizes, or run on a cluster: --executor ray"
        yield Finding("GPUs", "failure", text, fix)
    elif needed > here:
        yield Finding("GPUs", "ok", f"{text}: they take turns")
    elif needed:
        yield Finding("GPUs", "ok", text)


def check_memory(
    name: str, config: VllmConfig, size_bytes: int | None, gpus_bytes: Sequence[int]
) -> Finding:
    """The weights on each GPU, as they are stored, against its memory."""
    if size_bytes is None or not gpus_bytes:
        why = "nvidia-smi lists no GPU" if size_bytes else f"no files of {config.model} are here"
        fix = "run the doctor where the engine is to run, with the model downloaded"
        return Finding(name, "warning", f"memory is not checked: {why}", fix)
    model, whole = size_bytes / (config.tensor_parallel * config.pipeline_parallel), min(gpus_bytes)
    usable = whole * config.memory_share
    need = model + WORKING_SHARE * whole
    text = (
        f"{model / GIB:.1f} GiB of weights a GPU, {need / GIB:.1f} GiB with working memory;"
        f" {usable / GIB:.1f} of {whole / GIB:.1f} GiB are usable"
    )
    fix = "raise tensor_parallel, take a smaller or quantised model, or a larger GPU"
    if model > usable and not config.quantisation:
        return Finding(name, "failure", text, fix)
    return Finding(name, "warning", text, fix) if need > usable else Finding(name, "ok", text)


def files_of(model: str, revision: str) -> tuple[int | None, int | None]:
    """Bytes of the weights and tokens of the context of a model, in a local folder or the cache of
    the Hugging Face Hub; None for what is not known. Nothing is downloaded."""
    folder = folder_of(model, revision)
    if folder is None:
        return None, None
    config = read_json(folder / CONFIG)
    context = (config | config.get("text_config", {})).get("max_position_embeddings")
    size = read_json(folder / INDEX).get("metadata", {}).get("total_size")
    return size or sum(p.stat().st_size for p in folder.glob("*.safetensors")) or None, context


@dataclass(frozen=True)
class Gpu:
    """A GPU as its driver describes it."""

    memory_bytes: int
    driver: str


def gpus_of_machine() -> list[Gpu]:
    """Those that nvidia-smi lists, whether or not this process may use them; empty without it."""
    fields = "memory.total,driver_version"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        rows = [line.split(",") for line in done.stdout.splitlines() if line.strip()]
        return [Gpu(int(memory) * MIB, driver.strip()) for memory, driver in rows]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def gpu_memory() -> list[int]:
    """Bytes of memory of each GPU visible to this process; empty without nvidia-smi."""
    sizes = [gpu.memory_bytes for gpu in gpus_of_machine()]
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return sizes if allowed is None else sizes[: len([a for a in allowed.split(",") if a.strip()])]


def check_library(name: str) -> Finding:
    """Whether vLLM can be imported on this machine, in a process of its own."""
    command = [sys.executable, "-c", "import vllm; print(vllm.__version__)"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=IMPORT_LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        return Finding(name, "warning", str(error), "see what `import vllm` waits for")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        fix = "install the extra vllm: pip install 'turnwise[vllm]'"
        return Finding(name, "failure", f"vllm cannot be imported: {last}", fix)
    return Finding(name, "ok", f"vllm {done.stdout.split()[-1]}")
