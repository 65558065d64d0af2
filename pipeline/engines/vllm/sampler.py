"""Draws the samples of one ask from a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import RequestError
from pipeline.engines.sampling import Sample, one_line, resample_unparsable
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.interface import Draw, Drawer
from pipeline.engines.vllm.prompt import shown


async def replies_of(
    model: Drawer, ask: Ask, sampling: Sampling, config: VllmConfig
) -> list[Reply]:
    """``sampling.samples`` replies.

    One request draws all samples. At temperature 0 they would be equal, so one is drawn and
    repeated, the copies with no tokens. Samples that do not parse are drawn again at higher
    temperatures. The tokens of a prompt are counted with the first of its samples.

    Raises:
        DiedError: the process with the model has died.
    """
    distinct = sampling.samples if sampling.temperature > 0 else 1
    samples = [Sample() for _ in range(distinct)]
    view = shown(ask, config, even_only=model.even_only)

    async def draw(samples: Sequence[Sample], temperature: float, seed: int) -> None:
        wanted = Draw(len(samples), temperature, seed, sampling.max_tokens)
        drawn = await model.draw(view, ask.answer_schema, wanted)
        samples[0].tokens_in += drawn.tokens_in
        samples[0].tokens_cached += drawn.tokens_cached
        for sample, choice, tokens in zip(samples, drawn.choices, drawn.tokens_out, strict=True):
            sample.tokens_out += tokens
            sample.take(ask, choice, one_line)

    try:
        await draw(samples, sampling.temperature, sampling.seed)
    except RequestError as failure:
        return [
            Reply(ask.request_id, error=failure.error, detail=failure.detail)
        ] * sampling.samples
    await resample_unparsable(samples, config.temperatures, sampling, draw)
    replies = [sample.reply(ask, repair=config.repair) for sample in samples]
    repeated = replace(replies[0], tokens_in=0, tokens_out=0, tokens_cached=0)
    return replies + [repeated] * (sampling.samples - distinct)
