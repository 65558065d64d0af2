"""What engines that sample from a model have in common: from a choice to a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.engines.answer import REPAIRED, Choice, has_shape, mended
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import ErrorName, RequestError

MEGABYTE = 1_000_000
SAID_CHARACTERS = 200
"""How much of what an engine or a model said goes into a reply or an error."""
UNPARSABLE: Final = "unparsable"


@dataclass
class Sample:
    """A reply in the making. ``first`` is the first content that did not have the shape."""

    text: str | None = None
    error: ErrorName | None = None
    detail: str = ""
    first: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0

    def take(self, ask: Ask, choice: Choice, said: Callable[[str], str]) -> None:
        """A choice for this sample; ``said`` makes what it says fit to be written.

        An answer that has the shape counts. An answer that has not outlives every later failure.
        """
        if choice.error is None and has_shape(choice.text, ask.answer_schema):
            self.text, self.error, self.detail = choice.text, None, ""
        elif self.error == UNPARSABLE:
            return
        elif choice.error is None:
            self.error, self.detail = UNPARSABLE, said(choice.text)
            self.first = choice.text
        else:
            self.error, self.detail = choice.error, said(choice.detail)

    def reply(self, ask: Ask, *, repair: bool, latency_s: float = 0.0) -> Reply:
        """The reply that it has become; with ``repair``, broken JSON is mended at last."""
        text, error, detail = self.text, self.error, self.detail
        if error == UNPARSABLE and repair:
            text = mended(self.first, ask.answer_schema)
            if text is not None:
                error, detail = None, REPAIRED
        tokens = (self.tokens_in, self.tokens_out, self.tokens_cached)
        return Reply(ask.request_id, text, error, detail, *tokens, latency_s)


Draw = Callable[[Sequence[Sample], float, int], Awaitable[None]]
"""Draws samples anew, at a temperature, from a seed. Raises RequestError where that fails."""


async def resample_unparsable(
    samples: Sequence[Sample], temperatures: Sequence[float], sampling: Sampling, draw: Draw
) -> None:
    """Asks again, warmer each time, for the samples that did not parse."""
    for step, temperature in enumerate(temperatures, 1):
        odd = [sample for sample in samples if sample.error == UNPARSABLE]
        if not odd:
            return
        try:
            await draw(odd, temperature, sampling.seed + step * sampling.samples)
        except RequestError:
            # The first answer is still there; it says more than this failure.
            return


Answered = tuple[int, Sequence[Reply]]
"""The index of an ask, and its replies."""


async def gather_bounded(
    asks: Sequence[Ask],
    at_once: int,
    answer: Callable[[Ask], Awaitable[Sequence[Reply]]],
    hand_over: Callable[[Answered], Awaitable[None]],
) -> None:
    """Answers all asks, at most ``at_once`` at a time, and hands over each as it is answered.

    An ask counts as under way until ``hand_over`` returns. Where one raises, or this is cancelled,
    the others are ended first.
    """
    todo = iter(enumerate(asks))

    async def work() -> None:
        for i, ask in todo:
            await hand_over((i, await answer(ask)))

    workers = [asyncio.create_task(work()) for _ in range(min(len(asks), at_once))]
    try:
        await asyncio.gather(*workers)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


def one_line(text: str) -> str:
    """A text on one line, cut short, fit to be written as UTF-8."""
    line = " ".join(text.split())[:SAID_CHARACTERS]
    return line.encode("utf-8", "replace").decode("utf-8")
