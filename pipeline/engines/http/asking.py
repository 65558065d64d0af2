"""How asks are put to a server until they have their replies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from pipeline.engines.base import Ask, Heard, Reply, Sampling
from pipeline.engines.errors import ErrorName
from pipeline.engines.http.answer import Choice, Completion, has_shape, mended
from pipeline.engines.http.body import Body
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.counts import REPAIRED, Tally
from pipeline.engines.http.faults import RequestError
from pipeline.engines.http.key import Key
from pipeline.engines.http.room import Room

MEGABYTE = 1_000_000
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


class Asking:
    """Asks on their way to one server. To be used on one event loop.

    One request asks for all samples. Where a server gives fewer, or refuses to give several, it
    is asked for the rest, with the seed moved by the number of those that are there. A server that
    samples greedily gives one at a time.

    Tokens: those of the prompt are counted once a request, with the first of its samples; those of
    the completion are shared out evenly, as servers give their sum alone. A sample that is asked
    again carries the tokens of all its requests.
    """

    def __init__(self, client: Client, config: HttpConfig, key: Key, tally: Tally) -> None:
        """Asks through ``client``, as many at once as ``config`` allows."""
        self._client = client
        self._config = config
        self._key = key
        self._tally = tally
        self._room = Room(config.concurrency, config.megabytes * MEGABYTE)

    async def replies(
        self, asks: Sequence[Ask], sampling: Sampling, heard: Heard
    ) -> list[list[Reply]]:
        """See ``Engine.generate``."""
        found: dict[int, list[Reply]] = {}
        todo = iter(enumerate(asks))
        workers = [
            asyncio.create_task(self._work(todo, sampling, found, heard))
            for _ in range(min(len(asks), self._config.concurrency))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return [found[i] for i in range(len(asks))]

    async def _work(
        self,
        todo: Iterator[tuple[int, Ask]],
        sampling: Sampling,
        found: dict[int, list[Reply]],
        heard: Heard,
    ) -> None:
        for i, ask in todo:
            body = Body(self._config, ask, sampling)
            async with self._room.enter(body.size_bytes):
                found[i] = await self._ask(ask, body, sampling)
                heard(i, found[i])
            self._tally.answered(found[i])

    async def _ask(self, ask: Ask, body: Body, sampling: Sampling) -> list[Reply]:
        start_s = monotonic()
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
        latency_s = monotonic() - start_s
        return [
            Reply(
                request_id=ask.request_id,
                text=sample.text,
                error=sample.error,
                detail=sample.detail,
                tokens_in=sample.tokens_in,
                tokens_out=sample.tokens_out,
                tokens_cached=sample.tokens_cached,
                latency_s=latency_s,
            )
            for sample in samples
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
            done += self._share_out(ask, completion, left)

    def _share_out(self, ask: Ask, completion: Completion, left: Sequence[_Sample]) -> int:
        """Gives choices and tokens to the first of the samples; to how many."""
        taken = completion.choices[: len(left)]
        left[0].tokens_in += completion.tokens_in
        left[0].tokens_cached += completion.tokens_cached
        share, rest = divmod(completion.tokens_out, len(taken))
        for i, (sample, choice) in enumerate(zip(left, taken, strict=False)):
            sample.tokens_out += share + (i < rest)
            self._take(ask, sample, choice)
        return len(taken)

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
