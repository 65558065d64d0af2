"""The engine of a config, as a node of a run sees it, held to the contract of engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pipeline.engines.base import Ask, Engine, EngineConfig, Reply, Sampling


class ContractError(RuntimeError):
    """A stage or an engine broke its contract."""


class ConfiguredEngine:
    """A ``NodeEngine`` that passes asks on, and checks what comes back.

    A subclass overrides ``generate`` to keep what comes back.
    """

    def __init__(self, config: EngineConfig, opening: Callable[[], Engine]) -> None:
        """Calls ``opening`` whenever the engine is needed, not before the first ask."""
        self.kind: str = config.kind
        self.model: str = config.model
        self.revision: str = config.revision
        self.timed_frames = config.timed_frames
        self._opening = opening

    @property
    def version(self) -> str:
        """Of the engine that answers now."""
        return self._opening().version

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``.

        Raises:
            ContractError: the engine does not yield each ask once with all of its samples.
        """
        left = set(range(len(asks)))
        for i, replies in self._opening().generate(asks, sampling):
            if i not in left or len(replies) != sampling.samples:
                raise ContractError(
                    f"engine yields ask {i} of {len(asks)} with {len(replies)} replies,"
                    f" {sampling.samples} wanted; {len(left)} asks are left"
                )
            left.remove(i)
            yield i, replies
        if left:
            raise ContractError(f"engine ends with {len(left)} of {len(asks)} asks left")
