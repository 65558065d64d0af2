"""How one ask is put to a server until it has its replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.http.answer import Choice, has_shape, mended
from pipeline.engines.http.body import Body
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.counts import REPAIRED
from pipeline.engines.http.faults import RequestError
from pipeline.engines.http.key import Key

UNPARSABLE = "unparsable"


@dataclass
class _Sample:
    """A reply in the making. ``first`` is the first content that did not have the shape."""

    text: str | None = None
    error: str | None = None
    detail: str = ""
    first: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


class Asking:
    """One ask on its way.

    One request asks for all samples. Where a server gives fewer, or refuses to give several, it
    is asked for the rest, with the seed moved by the number of those that are there. A server that
    samples greedily gives one at a time.

    Tokens: those of the prompt are counted once a request, with the first of its samples; those of
    the completion are shared out evenly, as servers give their sum alone. A sample that is asked
    again carries the tokens of all its requests.
    """

    def __init__(self, client: Client, config: HttpConfig, key: Key) -> None:
        """Asks through ``client``."""
        self._client = client
        self._config = config
        self._key = key

    async def replies(self, ask: Ask, body: Body, sampling: Sampling) -> list[Reply]:
        """``sampling.samples`` replies.

        Raises:
            EngineError: the server is gone.
        """
        samples = [_Sample() for _ in range(sampling.samples)]
        try:
            await self._draw(ask, body, samples, sampling.temperature, sampling.seed)
        except RequestError as failure:
            for sample in samples:
                if sample.text is None and sample.error is None:
                    sample.error, sample.detail = failure.error, failure.detail
        await self._climb(ask, body, samples, sampling)
        for sample in samples:
            if sample.error == UNPARSABLE:
                self._mend(ask, sample)
        return [
            Reply(ask.request_id, s.text, s.error, s.detail, s.tokens_in, s.tokens_out)
            for s in samples
        ]

    async def _climb(
        self, ask: Ask, body: Body, samples: Sequence[_Sample], sampling: Sampling
    ) -> None:
        """Asks again, warmer each time, for the samples that did not parse."""
        for step, temperature in enumerate(self._config.temperatures, 1):
            odd = [sample for sample in samples if sample.error == UNPARSABLE]
            if not odd:
                return
            seed = sampling.seed + step * sampling.samples
            try:
                await self._draw(ask, body, odd, temperature, seed)
            except RequestError:
                # The first answer is still there; it says more than this failure.
                return

    async def _draw(
        self, ask: Ask, body: Body, samples: Sequence[_Sample], temperature: float, seed: int
    ) -> None:
        most = len(samples) if temperature > 0 else 1
        done = 0
        while left := samples[done:]:
            n = min(most, len(left))
            encoded = body.encode(n=n, temperature=temperature, seed=seed + done)
            try:
                completion = await self._client.complete(encoded)
            except RequestError as failure:
                if failure.error != "bad_request" or n == 1:
                    raise
                most = 1
                continue
            taken = completion.choices[: len(left)]
            for sample, choice in zip(left, taken, strict=False):
                self._take(ask, sample, choice)
            left[0].tokens_in += completion.tokens_in
            share, rest = divmod(completion.tokens_out, len(taken))
            for i, sample in enumerate(left[: len(taken)]):
                sample.tokens_out += share + (i < rest)
            done += len(taken)

    def _take(self, ask: Ask, sample: _Sample, choice: Choice) -> None:
        if choice.error is None and has_shape(choice.text, ask.answer_schema):
            sample.text, sample.error, sample.detail = choice.text, None, ""
        elif sample.error == UNPARSABLE:
            return
        elif choice.error is None:
            sample.error, sample.detail = UNPARSABLE, self._key.said(choice.text)
            sample.first = choice.text
        else:
            sample.error, sample.detail = choice.error, self._key.said(choice.detail)

    def _mend(self, ask: Ask, sample: _Sample) -> None:
        text = mended(sample.first, ask.answer_schema) if self._config.repair else None
        if text is not None:
            sample.text, sample.error, sample.detail = text, None, REPAIRED
