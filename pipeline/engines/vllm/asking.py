"""How one ask is put to a model until it has its replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import ErrorName
from pipeline.engines.http.answer import Choice, has_shape, mended
from pipeline.engines.http.counts import REPAIRED
from pipeline.engines.http.faults import RequestError
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.drawing import Draw, Drawer, said
from pipeline.engines.vllm.prompt import Shown, shown

UNPARSABLE: Final = "unparsable"


@dataclass
class _Sample:
    """A reply in the making. ``first`` is the first content that did not have the shape."""

    text: str | None = None
    error: ErrorName | None = None
    detail: str = ""
    first: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0


async def replies_of(
    model: Drawer, ask: Ask, sampling: Sampling, config: VllmConfig
) -> list[Reply]:
    """``sampling.samples`` replies.

    One request draws all samples; sample *i* has the seed plus *i*. At temperature 0 they would all
    be the same, so that one is drawn and repeated, at no further tokens. What does not parse is
    asked again, warmer each time. The tokens of a prompt stand with the first of its samples.

    Raises:
        DiedError: the model is gone.
    """
    distinct = sampling.samples if sampling.temperature > 0 else 1
    samples = [_Sample() for _ in range(distinct)]
    view = shown(ask, config, even_only=model.even_only)
    draw = Draw(distinct, sampling.temperature, sampling.seed, sampling.max_tokens)
    try:
        await _draw(model, ask, view, samples, draw)
    except RequestError as failure:
        return [
            Reply(ask.request_id, error=failure.error, detail=failure.detail)
        ] * sampling.samples
    for step, temperature in enumerate(config.temperatures, 1):
        odd = [sample for sample in samples if sample.error == UNPARSABLE]
        if not odd:
            break
        seed = sampling.seed + step * sampling.samples
        again = replace(draw, n=len(odd), temperature=temperature, seed=seed)
        try:
            await _draw(model, ask, view, odd, again)
        except RequestError:
            # The first answer is still there; it says more than this failure.
            break
    replies = [_reply(ask, sample, config) for sample in samples]
    repeated = replace(replies[0], tokens_in=0, tokens_out=0, tokens_cached=0)
    return replies + [repeated] * (sampling.samples - distinct)


async def _draw(
    model: Drawer, ask: Ask, view: Shown, samples: Sequence[_Sample], draw: Draw
) -> None:
    drawn = await model.draw(view, ask.answer_schema, draw)
    samples[0].tokens_in += drawn.tokens_in
    samples[0].tokens_cached += drawn.tokens_cached
    for sample, choice, tokens in zip(samples, drawn.choices, drawn.tokens_out, strict=True):
        sample.tokens_out += tokens
        _take(ask, sample, choice)


def _take(ask: Ask, sample: _Sample, choice: Choice) -> None:
    if choice.error is None and has_shape(choice.text, ask.answer_schema):
        sample.text, sample.error, sample.detail = choice.text, None, ""
    elif sample.error == UNPARSABLE:
        return
    elif choice.error is None:
        sample.error, sample.detail = UNPARSABLE, said(choice.text)
        sample.first = choice.text
    else:
        sample.error, sample.detail = choice.error, choice.detail


def _reply(ask: Ask, sample: _Sample, config: VllmConfig) -> Reply:
    text, error, detail = sample.text, sample.error, sample.detail
    if error == UNPARSABLE and config.repair:
        text = mended(sample.first, ask.answer_schema)
        if text is not None:
            error, detail = None, REPAIRED
    tokens = (sample.tokens_in, sample.tokens_out, sample.tokens_cached)
    return Reply(ask.request_id, text, error, detail, *tokens)
