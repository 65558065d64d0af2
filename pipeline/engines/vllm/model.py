"""A model that vLLM runs. The only file that imports vLLM."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from itertools import count
from typing import Any

import vllm
from vllm import PoolingParams, SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.exceptions import VLLMClientError, VLLMError
from vllm.outputs import PoolingRequestOutput, RequestOutput
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from pipeline.engines.answer import Choice
from pipeline.engines.base import EngineError
from pipeline.engines.embedding import Embedding
from pipeline.engines.errors import RequestError, lasting_error
from pipeline.engines.sampling import one_line
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.images import images_of, video_of
from pipeline.engines.vllm.interface import DiedError, Draw, Drawn
from pipeline.engines.vllm.prompt import Shown
from pipeline.engines.vllm.schema import decoding_schema
from pipeline.engines.vllm.watchdog import start_watchdog

VERSION = f"vllm {vllm.__version__}"
CLOSING_S = 1.0
"""Time for vLLM to end by itself. It has nothing to save."""
WATCH_S = 0.5
"""Between two checks whether vLLM is alive."""

SENDS = 3
"""How often a request is sent whose frames vLLM's two caches disagree on, as after a cancelled one:
vLLM then ends it with an error and forgets the frames, and takes them from the next."""


class Model:
    """Draws samples on the event loop on which it was made. vLLM runs in a child process."""

    def __init__(self, config: VllmConfig) -> None:
        """Loads the model, which takes from seconds to minutes.

        Raises:
            EngineError: vLLM cannot run it.
        """
        # vLLM would fork, and this process has threads that may hold locks.
        os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
        self._ids = count()
        self._template_args = config.chat_template_args
        self._embeds = config.answers == "vectors"
        before = set(multiprocessing.active_children())
        try:
            self._engine = AsyncLLM.from_engine_args(engine_args(config))
        except (VLLMError, OSError, ValueError, RuntimeError, NotImplementedError) as error:
            raise EngineError(f"vLLM cannot run {config.model}: {one_line(str(error))}") from error
        self._watchdog = start_watchdog(set(multiprocessing.active_children()) - before)
        self._tokenizer: Any = self._engine.get_tokenizer()
        hugging_face = self._engine.model_config.hf_config
        self.even_only = hasattr(getattr(hugging_face, "vision_config", None), "tokens_per_second")
        """Whether the model computes the time of a frame of a video from a constant step."""
        self._defaults = {} if self._embeds else self._engine.model_config.get_diff_sampling_param()
        # vLLM reports a process that dies early to later requests, and not to those that wait.
        self._death = asyncio.create_task(self._watch())
        if not self._embeds and not getattr(self._tokenizer, "chat_template", None):
            self.close()
            raise EngineError(f"{config.model} has no chat template: it cannot be asked")

    async def draw(self, shown: Shown, answer_schema: Mapping[str, Any], draw: Draw) -> Drawn:
        """See ``Drawer``. The generation config of the model sets all other sampling parameters."""
        drawing = asyncio.create_task(self._draw(shown, answer_schema, draw))
        try:
            await asyncio.wait((drawing, self._death), return_when=asyncio.FIRST_COMPLETED)
            if not drawing.done():
                raise DiedError
            return drawing.result()
        finally:
            drawing.cancel()

    async def _draw(self, shown: Shown, answer_schema: Mapping[str, Any], draw: Draw) -> Drawn:
        if self._embeds:
            return await self._embedded(shown, draw)
        params = SamplingParams(
            **self._defaults
            | {
                "n": draw.n,
                "temperature": draw.temperature,
                "seed": draw.seed,
                "max_tokens": draw.max_tokens,
            },
            output_kind=RequestOutputKind.FINAL_ONLY,
            structured_outputs=StructuredOutputsParams(json=decoding_schema(answer_schema)),
        )
        output: RequestOutput | None = None
        with self._faults():
            for _ in range(SENDS):
                rendered = await self._rendered(shown)
                async for found in self._engine.generate(rendered, params, str(next(self._ids))):
                    output = found
                if output is None or all(each.finish_reason != "error" for each in output.outputs):
                    break
        if output is None:
            raise RequestError("server_error", "vLLM gave no output")
        return Drawn(
            tuple(_choice(each.text, each.finish_reason) for each in output.outputs),
            tuple(len(each.token_ids) for each in output.outputs),
            len(output.prompt_token_ids or ()),
            output.num_cached_tokens or 0,
        )

    async def _embedded(self, shown: Shown, draw: Draw) -> Drawn:
        """The one vector of a text or a picture, as often as it is asked for."""
        output: PoolingRequestOutput[Any] | None = None
        with self._faults():
            rendered = await self._rendered(shown)
            params = PoolingParams(task="embed")
            async for found in self._engine.encode(rendered, params, str(next(self._ids))):
                output = found
        if output is None:
            raise RequestError("server_error", "vLLM gave no output")
        try:
            vector = Embedding.of(output.outputs.data.float().tolist()).model_dump_json()
        except ValueError as error:
            raise RequestError("server_error", f"vLLM gave no vector: {error}") from None
        tokens = len(output.prompt_token_ids or ())
        return Drawn((Choice(vector),) * draw.n, (0,) * draw.n, tokens, 0)

    async def _rendered(self, shown: Shown) -> Any:
        prompt = await asyncio.to_thread(prompt_of, self._tokenizer, shown, self._template_args)
        renderer = self._engine.renderer
        (rendered,) = await renderer.render_cmpl_async([prompt], renderer.default_chat_tok_params)
        return rendered

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """What vLLM raises, as an error of the request or of the process with the model."""
        try:
            yield
        except VLLMClientError as error:
            text = str(error)
            raise RequestError(lasting_error(400, text), one_line(text)) from None
        except EngineDeadError:
            raise DiedError from None
        except (EngineGenerateError, ValueError, TypeError, RuntimeError) as error:
            # Raised by processors for frames that they cannot take, such as a line of pixels.
            if self._engine.errored:
                raise DiedError from None
            raise RequestError("bad_request", one_line(str(error.__cause__ or error))) from None

    @property
    def under_way(self) -> int:
        """How many requests have no answer yet."""
        return int(self._engine.get_num_unfinished_requests())

    def close(self) -> None:
        """Ends the process that holds the model."""
        self._death.cancel()
        self._engine.shutdown(timeout=CLOSING_S)
        self._watchdog.terminate()
        self._watchdog.wait()

    async def _watch(self) -> None:
        while not self._engine.errored:
            await asyncio.sleep(WATCH_S)


def prompt_of(tokenizer: Any, shown: Shown, template_args: Mapping[str, Any]) -> dict[str, Any]:
    """The prompt for vLLM: messages through the chat template, and decoded frames.

    Raises:
        RequestError: a frame cannot be decoded.
    """
    text = _templated(tokenizer, shown, template_args)
    prompt: dict[str, Any] = {"prompt": text}
    if shown.video is not None:
        prompt["multi_modal_data"] = {"video": [(video_of(shown.frames), shown.video)]}
        prompt["multi_modal_uuids"] = {"video": list(shown.names)}
    elif shown.frames:
        prompt["multi_modal_data"] = {"image": images_of(shown.frames)}
        prompt["multi_modal_uuids"] = {"image": list(shown.names)}
    return prompt


def _templated(tokenizer: Any, shown: Shown, template_args: Mapping[str, Any]) -> str:
    """The messages as text. Embedding models such as CLIP have no template, and take a text alone,
    or a picture alone."""
    if getattr(tokenizer, "chat_template", None):
        made: str = tokenizer.apply_chat_template(
            shown.messages, tokenize=False, add_generation_prompt=True, **template_args
        )
        return made
    content = shown.messages[-1]["content"]
    return content if isinstance(content, str) else str(content[-1].get("text", ""))


def engine_args(config: VllmConfig) -> AsyncEngineArgs:
    """The config as arguments of vLLM.

    Raises:
        EngineError: ``engine_args`` has an argument that this vLLM does not have.
    """
    known = {field.name for field in fields(AsyncEngineArgs)}
    if unknown := sorted(config.engine_args.keys() - known):
        raise EngineError(f"engine_args: {VERSION} has no {', '.join(unknown)}")
    pixels = {"min_pixels": config.min_pixels, "max_pixels": config.max_pixels}
    video = {"video": 1} if config.frame_input == "video" else {"video": 0}
    own: dict[str, Any] = {
        "model": config.model,
        "revision": config.revision,
        "tokenizer_revision": config.revision,
        "quantization": config.quantisation or None,
        "dtype": config.dtype,
        "tensor_parallel_size": config.tensor_parallel,
        "pipeline_parallel_size": config.pipeline_parallel,
        "data_parallel_size": config.data_parallel,
        "gpu_memory_utilization": config.memory_share,
        "max_num_seqs": config.max_num_seqs,
        "limit_mm_per_prompt": {"image": config.max_images, **video},
        "mm_processor_kwargs": {k: v for k, v in pixels.items() if v is not None} or None,
        # Of vLLM's backends, guidance alone keeps control characters out of bounded strings.
        # Without the second, models repeat white space between values until they are cut off.
        "structured_outputs_config": {
            "backend": "guidance",
            "disable_any_whitespace": True,
            "disable_additional_properties": True,
        },
        "enable_prefix_caching": True,
    }
    if config.answers == "vectors":
        own["runner"] = "pooling"
    if config.max_model_len is not None:
        own["max_model_len"] = config.max_model_len
    further: dict[str, Any] = {"disable_log_stats": True}
    if config.device == "cpu":
        # On CPUs vLLM dies of seeded samples of a prompt that is prefilled in chunks.
        further["enable_chunked_prefill"] = False
    if config.placement.across_machines:
        # It takes the placement group of the actor that this process is.
        further["distributed_executor_backend"] = "ray"
    further |= config.engine_args
    try:
        return AsyncEngineArgs(**own, **further)
    except (TypeError, ValueError) as error:
        raise EngineError(f"engine_args: {one_line(str(error))}") from error


def _choice(text: str, finish_reason: str | None) -> Choice:
    if finish_reason == "length":
        return Choice(error="truncated", detail=text)
    if finish_reason != "stop":
        return Choice(error="server_error", detail=f"vLLM ended it as {finish_reason}")
    return Choice(text) if text.strip() else Choice(error="empty")
