"""Which model vLLM runs, on what, and how it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from pipeline.engines.base import SamplingConfig, Temperature

OWN_ARGS: Mapping[str, str] = {
    "model": "model",
    "revision": "revision",
    "tokenizer_revision": "revision",
    "quantization": "quantisation",
    "dtype": "dtype",
    "tensor_parallel_size": "tensor_parallel",
    "pipeline_parallel_size": "pipeline_parallel",
    "data_parallel_size": "data_parallel",
    "gpu_memory_utilization": "memory_share",
    "max_model_len": "max_model_len",
    "max_num_seqs": "max_num_seqs",
    "limit_mm_per_prompt": "max_images",
    "mm_processor_kwargs": "min_pixels and max_pixels",
    "structured_outputs_config": "",
    "runner": "answers",
    "enable_prefix_caching": "",
}
"""Arguments that ``engine_args`` must not set, and the field that sets each of them."""

SPEED_ARGS = frozenset(
    {
        "async_scheduling",
        "attention_backend",
        "block_size",
        "compilation_config",
        "data_parallel_backend",
        "disable_custom_all_reduce",
        "disable_log_stats",
        "distributed_executor_backend",
        "download_dir",
        "enable_chunked_prefill",
        "enable_expert_parallel",
        "enable_log_requests",
        "enforce_eager",
        "kv_cache_memory_bytes",
        "load_format",
        "max_num_batched_tokens",
        "max_parallel_loading_workers",
        "mm_encoder_tp_mode",
        "mm_processor_cache_gb",
        "num_gpu_blocks_override",
        "optimization_level",
        "renderer_num_workers",
        "stream_interval",
        "worker_extension_cls",
    }
)
"""Arguments of vLLM that change its speed and its log, and no answer."""


class VllmConfig(SamplingConfig):
    """A model that vLLM runs in the process of the engine; ``turnwise[vllm]`` installs it.

    For vectors vLLM runs it as a pooling model.
    """

    IDENTITY = (
        *SamplingConfig.IDENTITY,
        *("dtype", "max_model_len", "min_pixels", "max_pixels", "frame_input"),
        "chat_template_args",
    )

    kind: Literal["vllm"] = Field("vllm", description="kind of engine; must be written down")
    model: str = Field(min_length=1, description="name on the Hugging Face Hub, or a folder")
    revision: str = Field(
        "",
        description="branch, tag or commit on the Hub; goes into every row. While it is empty no"
        " run starts: fetch-models finds the commit",
    )
    quantisation: str = Field(
        "", description="as vLLM names it, such as fp8 or awq; empty for the model's own"
    )
    dtype: str = Field("auto", description="type of the weights, as vLLM names it")
    device: Literal["cuda", "cpu"] = Field(
        "cuda", description="what it runs on; cpu takes no GPU, and is for tests"
    )
    tensor_parallel: int = Field(1, ge=1, description="GPUs that share each layer")
    pipeline_parallel: int = Field(1, ge=1, description="groups of GPUs that share the layers")
    data_parallel: int = Field(1, ge=1, description="copies of the model in one engine")
    replicas: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        1,
        description="engines, each in a process of its own. auto: as many as there are GPUs free"
        " for, more when machines join and fewer when they leave",
    )
    min_replicas: int = Field(
        1,
        ge=1,
        description="for replicas auto: so many are asked for whether or not a machine has space,"
        " which an autoscaler sees",
    )
    max_replicas: int = Field(
        64, ge=1, le=10_000, description="for replicas auto: there are never more"
    )
    memory_share: float = Field(
        0.9, gt=0, le=1, description="share of the memory of each GPU that vLLM takes"
    )
    max_model_len: int | None = Field(
        None, ge=1, description="tokens of prompt and answer; what the model allows when null"
    )
    max_num_seqs: int | None = Field(
        None, ge=1, description="answers written at once; vLLM's own choice when null"
    )
    max_images: int = Field(256, ge=1, description="frames of one ask; it refuses more")
    min_pixels: int | None = Field(
        None,
        ge=1,
        description="frames of fewer pixels are enlarged to this; the model's own bound when null",
    )
    max_pixels: int | None = Field(
        None,
        ge=1,
        description="frames of more pixels are reduced to this, so that they cost fewer tokens; the"
        " model's own bound when null",
    )
    frame_input: Literal["images", "video"] = Field(
        "images", description="frames one by one, each with its label, or as one video"
    )
    chat_template_args: dict[str, Any] = Field(
        {}, description="arguments of the model's chat template, such as enable_thinking"
    )
    temperatures: tuple[Annotated[Temperature, Field(gt=0)], ...] = Field(
        (0.3, 0.7),
        description="temperatures of further tries, in turn, when an answer does not parse: a"
        " greedy model repeats itself, a warmer one does not. Empty tries no more",
    )
    shards: int = Field(
        4,
        ge=1,
        description="shards under way at once for each replica, so that it always has asks to"
        " answer",
    )
    concurrency: int = Field(
        512, ge=1, description="asks under way at once; vLLM chooses which of them it works on"
    )
    megabytes: int = Field(
        8192, ge=1, description="megabytes of memory for the frames of asks under way at once"
    )
    restarts: int = Field(
        3,
        ge=0,
        description="starts after deaths of vLLM with no answer between; from 3 on, an ask that"
        " kills it is found and refused",
    )
    engine_args: dict[str, Any] = Field(
        {},
        description="further arguments of vLLM's AsyncEngineArgs; those that change answers are"
        " part of the identity of rows",
    )

    @field_validator("engine_args")
    @classmethod
    def _further(cls, given: dict[str, Any]) -> dict[str, Any]:
        for name in sorted(given.keys() & OWN_ARGS.keys()):
            instead = f"set {OWN_ARGS[name]} instead" if OWN_ARGS[name] else "it is set already"
            raise ValueError(f"must not hold {name}: {instead}")
        return given

    @model_validator(mode="after")
    def _pixels(self) -> VllmConfig:
        low, high = self.min_pixels, self.max_pixels
        if low is not None and high is not None and low > high:
            raise ValueError("min_pixels must not be above max_pixels")
        return self

    @model_validator(mode="after")
    def _sizes(self) -> VllmConfig:
        if self.min_replicas > self.max_replicas:
            raise ValueError("min_replicas must not be above max_replicas")
        if self.placement.across_machines and self.data_parallel > 1:
            raise ValueError("not supported: data_parallel with placement.across_machines")
        if self.placement.across_machines and self.replicas == "auto":
            raise ValueError("not supported: replicas auto with placement.across_machines")
        return self

    def identity(self) -> dict[str, Any]:
        """The model and all that changes its answers; not where or how fast it runs."""
        further = {k: v for k, v in self.engine_args.items() if k not in SPEED_ARGS}
        return super().identity() | {"engine_args": further}

    def replica_configs(self) -> Sequence[VllmConfig]:
        """One for each replica that there may be."""
        most = self.max_replicas if self.replicas == "auto" else self.replicas
        return (self.model_copy(update={"replicas": 1}),) * most

    @property
    def least_replicas(self) -> int:
        """See ``EngineConfig.least_replicas``."""
        return self.min_replicas if self.replicas == "auto" else self.replicas

    @property
    def timed_frames(self) -> bool:
        """Whether a model is shown each frame with its time: of a video, not all models are."""
        return self.frame_input == "images" and super().timed_frames

    @property
    def gpus(self) -> int:
        """See ``EngineConfig.gpus``."""
        if self.device == "cpu":
            return 0
        return self.tensor_parallel * self.pipeline_parallel * self.data_parallel
