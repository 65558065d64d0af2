"""What engines that sample from a model share: from a choice to a reply."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipeline.engines.answer import REPAIRED, Choice, cut_text, free_texts, repaired, shaped
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.errors import ErrorName, RequestError
from pipeline.engines.repetition import looping_text

MEGABYTE = 1_000_000
DETAIL_CHARACTERS = 200
"""The most characters of a server's message or a model's text in a reply or an error."""
UNPARSABLE: Final = "unparsable"
TEXT_CUT: Final = "text_cut"
TEXT_LOOPS: Final = "text_loops"
TRUNCATED: Final = "truncated"
DRAWN_AGAIN = frozenset({UNPARSABLE, TEXT_CUT, TEXT_LOOPS, TRUNCATED})
"""Errors of an answer that another temperature may mend. ``max_tokens`` holds the longest answer of
a schema, so one that is truncated went astray, as one that loops."""


@dataclass
class Sample:
    """A reply while it is drawn. ``first`` is the first content without the shape."""

    text: str | None = None
    error: ErrorName | None = None
    detail: str = ""
    first: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0

    def take(self, ask: Ask, choice: Choice, to_detail: Callable[[str], str]) -> None:
        """Sets this sample by a choice; ``to_detail`` makes a text safe to be stored.

        An answer without a fault replaces all before it. After one that is drawn again, later
        failures are ignored.
        """
        error, detail = choice.error, choice.detail
        if error is None:
            error, detail = fault_of(choice.text, ask.answer_schema)
        if error is None:
            self.text, self.error, self.detail = choice.text, None, ""
        elif self.error not in DRAWN_AGAIN:
            self.error, self.detail = error, to_detail(detail)
            self.first = choice.text if error == UNPARSABLE else ""

    def reply(self, ask: Ask, *, repair: bool, latency_s: float = 0.0) -> Reply:
        """The reply; with ``repair``, JSON that is still invalid is repaired."""
        text, error, detail = self.text, self.error, self.detail
        if error == UNPARSABLE and repair:
            mended = repaired(self.first, ask.answer_schema)
            if mended is not None and fault_of(mended, ask.answer_schema)[0] is None:
                text, error, detail = mended, None, REPAIRED
        tokens = (self.tokens_in, self.tokens_out, self.tokens_cached)
        return Reply(ask.request_id, text, error, detail, *tokens, latency_s)


def fault_of(text: str, schema: Mapping[str, Any]) -> tuple[ErrorName | None, str]:
    """Why a text is no answer to a schema, and the text that shows it; None for an answer."""
    try:
        value = shaped(text, schema)
        texts = [*free_texts(value, schema)]
        looping, cut = looping_text(texts), cut_text(texts)
    except (ValueError, RecursionError):
        return UNPARSABLE, text
    if looping:
        return TEXT_LOOPS, looping
    return (TEXT_CUT, cut) if cut else (None, "")


Draw = Callable[[Sequence[Sample], float, int], Awaitable[None]]
"""Draws samples again, at a temperature, from a seed. Raises RequestError if that fails."""


async def resample_unparsable(
    samples: Sequence[Sample], temperatures: Sequence[float], sampling: Sampling, draw: Draw
) -> None:
    """Draws samples of ``DRAWN_AGAIN`` again, at each of the temperatures in turn.

    At temperature 0 a model gives the same text again, so this is no retry of the request.
    """
    for step, temperature in enumerate(temperatures, 1):
        odd = [sample for sample in samples if sample.error in DRAWN_AGAIN]
        if not odd:
            return
        try:
            await draw(odd, temperature, sampling.seed + step * sampling.samples)
        except RequestError:
            # The sample keeps its first answer, which tells more than this failure.
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
    """A text on one line, at most ``DETAIL_CHARACTERS`` long, without lone surrogates."""
    line = " ".join(text.split())[:DETAIL_CHARACTERS]
    return line.encode("utf-8", "replace").decode("utf-8")
