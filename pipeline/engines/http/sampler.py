"""Draws the samples of asks from a server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from pipeline.engines.answer import Choice
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import RequestError
from pipeline.engines.http.api_key import ApiKey
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import DEFAULT_CONCURRENCY, HttpConfig
from pipeline.engines.http.metrics import MetricsCounter
from pipeline.engines.http.request_body import Body
from pipeline.engines.http.response import Completion
from pipeline.engines.http.server_facts import ServerFacts
from pipeline.engines.limiter import Limiter
from pipeline.engines.sampling import (
    MEGABYTE,
    TRUNCATED,
    Answered,
    Sample,
    gather_bounded,
    resample_unparsable,
)


class Sampler:
    """Answers asks with one server. To be used on one event loop.

    One request asks for all samples of an ask. If the server returns fewer, or refuses several,
    further requests ask for the rest, with the seed plus the number of samples there are. At
    temperature 0 each request asks for one sample.

    Tokens of the prompt are counted once a request, with the first of its samples; tokens of the
    completion are divided evenly, as servers report only their sum. A sample that was drawn again
    has the tokens of all its requests.
    """

    def __init__(
        self, client: Client, config: HttpConfig, key: ApiKey, metrics: MetricsCounter
    ) -> None:
        """Sends requests through ``client``, within the limits of ``config``."""
        self._client = client
        self._config = config
        self._key = key
        self._metrics = metrics
        self._limiter: Limiter | None = None

    async def version(self) -> str:
        """See ``Client.version``."""
        return await self._client.version()

    async def replies(
        self,
        asks: Sequence[Ask],
        sampling: Sampling,
        hand_over: Callable[[Answered], Awaitable[None]],
    ) -> None:
        """Hands over each ask with its replies. See ``Engine.generate``.

        Raises:
            EngineError: no further ask can be answered.
        """
        facts = await self._client.facts()
        places = self._config.concurrency or facts.slots or DEFAULT_CONCURRENCY
        if self._limiter is None:
            self._limiter = Limiter(places, self._config.megabytes * MEGABYTE)
        limiter = self._limiter

        async def answer(ask: Ask) -> list[Reply]:
            body = Body(self._config, ask, sampling)
            async with limiter.enter(body.size_bytes):
                replies = await self._ask(ask, body, sampling)
            self._metrics.answered(replies)
            return replies

        await gather_bounded(asks, places, answer, hand_over)

    async def _ask(self, ask: Ask, body: Body, sampling: Sampling) -> list[Reply]:
        start_s = monotonic()
        samples = [Sample() for _ in range(sampling.samples)]

        async def draw(samples: Sequence[Sample], temperature: float, seed: int) -> None:
            await self._draw(ask, body, samples, temperature, seed)

        async def draw_again(samples: Sequence[Sample], temperature: float, seed: int) -> None:
            self._metrics.drew_again(len(samples))
            await draw(samples, temperature, seed)

        try:
            await draw(samples, sampling.temperature, sampling.seed)
        except RequestError as failure:
            for sample in samples:
                if sample.text is None and sample.error is None:
                    sample.error, sample.detail = failure.error, failure.detail
        await resample_unparsable(samples, self._config.temperatures, sampling, draw_again)
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
            done += self._assign(ask, completion, left, await self._client.facts())

    def _assign(
        self, ask: Ask, completion: Completion, left: Sequence[Sample], facts: ServerFacts
    ) -> int:
        """Sets choices and tokens of the first samples, and returns how many these are."""
        taken = completion.choices[: len(left)]
        left[0].tokens_in += completion.tokens_in
        left[0].tokens_cached += completion.tokens_cached
        share, rest = divmod(completion.tokens_out, len(taken))
        for i, (sample, choice) in enumerate(zip(left, taken, strict=False)):
            sample.tokens_out += share + (i < rest)
            if self._key.is_in(choice.text):
                choice = Choice(error="quotes_key", detail=choice.text)  # noqa: PLW2901
            sample.take(ask, _full(choice, completion, facts.context), self._key.redact)
        return len(taken)


def _full(choice: Choice, completion: Completion, context: int | None) -> Choice:
    """The choice; as ``too_long`` where not ``max_tokens`` but the context ended it, which no
    further try can mend. Of several samples servers report the sum of their tokens alone."""
    used = completion.tokens_in + completion.tokens_out
    alone = len(completion.choices) == 1
    if choice.error != TRUNCATED or context is None or not alone or used < context:
        return choice
    detail = f"the context of {context} tokens is full after {completion.tokens_out} of the answer"
    return Choice(error="too_long", detail=f"{detail}: {choice.detail}")
