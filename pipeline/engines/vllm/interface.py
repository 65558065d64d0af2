"""Samples of an answer: how they are asked for, and how they come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.engines.answer import Choice
from pipeline.engines.vllm.prompt import Shown


class DiedError(Exception):
    """The process that holds the model is gone, and with it what was under way."""


@dataclass(frozen=True)
class Draw:
    """How many samples to draw of one ask, and how."""

    n: int
    temperature: float
    seed: int
    max_tokens: int


@dataclass(frozen=True)
class Drawn:
    """As many choices as were asked for, the tokens of each, and those of the prompt.

    ``tokens_cached`` are those of ``tokens_in`` that an earlier ask had left.
    """

    choices: tuple[Choice, ...]
    tokens_out: tuple[int, ...]
    tokens_in: int
    tokens_cached: int


class Drawer(Protocol):
    """A model that samples are drawn from."""

    @property
    def even_only(self) -> bool:
        """Whether it computes the time of a frame of a video from a constant step."""
        ...

    async def draw(self, shown: Shown, answer_schema: Mapping[str, Any], draw: Draw) -> Drawn:
        """Samples of an answer. Cancelled, it ends the request.

        Raises:
            RequestError: the ask cannot be answered.
            DiedError: the model is gone.
        """
        ...
