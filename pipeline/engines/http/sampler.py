"""How asks are put to a server until they have their replies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import RequestError
from pipeline.engines.http.api_key import Key
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.metrics import Tally
from pipeline.engines.http.request_body import Body
from pipeline.engines.http.response import Completion
from pipeline.engines.limiter import Limiter
from pipeline.engines.sampling import (
    MEGABYTE,
    Answered,
    Sample,
    gather_bounded,
    resample_unparsable,
)


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
        self._room = Limiter(config.concurrency, config.megabytes * MEGABYTE)

    async def replies(
        self,
        asks: Sequence[Ask],
        sampling: Sampling,
        hand_over: Callable[[Answered], Awaitable[None]],
    ) -> None:
        """Hands over each ask with its replies. See ``Engine.generate``."""

        async def answer(ask: Ask) -> list[Reply]:
            body = Body(self._config, ask, sampling)
            async with self._room.enter(body.size_bytes):
                replies = await self._ask(ask, body, sampling)
            self._tally.answered(replies)
            return replies

        await gather_bounded(asks, self._config.concurrency, answer, hand_over)

    async def _ask(self, ask: Ask, body: Body, sampling: Sampling) -> list[Reply]:
        start_s = monotonic()
        samples = [Sample() for _ in range(sampling.samples)]

        async def draw(samples: Sequence[Sample], temperature: float, seed: int) -> None:
            await self._draw(ask, body, samples, temperature, seed)

        try:
            await draw(samples, sampling.temperature, sampling.seed)
        except RequestError as failure:
            for sample in samples:
                if sample.text is None and sample.error is None:
                    sample.error, sample.detail = failure.error, failure.detail
        await resample_unparsable(samples, self._config.temperatures, sampling, draw)
        latency_s = monotonic() - start_s
        repair = self._config.repair
        return [sample.reply(ask, repair=repair, latency_s=latency_s) for sample in samples]

    async def _draw(
        self, ask: Ask, body: Body, samples: Sequence[Sample], temperature: float, seed: int
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

    def _share_out(self, ask: Ask, completion: Completion, left: Sequence[Sample]) -> int:
        """Gives choices and tokens to the first of the samples; to how many."""
        taken = completion.choices[: len(left)]
        left[0].tokens_in += completion.tokens_in
        left[0].tokens_cached += completion.tokens_cached
        share, rest = divmod(completion.tokens_out, len(taken))
        for i, (sample, choice) in enumerate(zip(left, taken, strict=False)):
            sample.tokens_out += share + (i < rest)
            sample.take(ask, choice, self._key.said)
        return len(taken)
