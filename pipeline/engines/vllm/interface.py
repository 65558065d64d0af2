"""The interface between the engine and vLLM: how samples are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.engines.answer import Choice
from pipeline.engines.vllm.prompt import Shown


class DiedError(Exception):
    """The process with the model has died, and with it the requests under way."""


@dataclass(frozen=True)
class Draw:
    """Parameters of a request for ``n`` samples; sample *i* has the seed plus *i*."""

    n: int
    temperature: float
    seed: int
    max_tokens: int


@dataclass(frozen=True)
class Drawn:
    """The ``n`` choices, the number of tokens of each, and that of the prompt.

    ``tokens_cached`` are those of ``tokens_in`` that vLLM had cached.
    """

    choices: tuple[Choice, ...]
    tokens_out: tuple[int, ...]
    tokens_in: int
    tokens_cached: int


class Drawer(Protocol):
    """A model to draw samples from."""

    @property
    def even_only(self) -> bool:
        """Whether it computes the time of a frame of a video from a constant step."""
        ...

    async def draw(self, shown: Shown, answer_schema: Mapping[str, Any], draw: Draw) -> Drawn:
        """Draws samples of an answer. Cancelling it aborts the request.

        Raises:
            RequestError: the ask cannot be answered.
            DiedError: the process with the model has died.
        """
        ...
