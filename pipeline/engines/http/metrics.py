"""Counts of requests, tries and errors of an engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from pipeline.engines.answer import REPAIRED
from pipeline.engines.base import Reply


@dataclass(frozen=True)
class Metrics:
    """Since the engine was opened. ``errors`` counts replies by their error, ``drawn_again`` the
    samples that went astray, once for each further temperature."""

    asks: int
    tries: int
    retries: int
    drawn_again: int
    repaired: int
    errors: Mapping[str, int]


class MetricsCounter:
    """Counts events. Safe to use from several threads at once."""

    def __init__(self) -> None:
        """All at zero."""
        self._asks = self._tries = self._retries = self._drawn_again = self._repaired = 0
        self._errors: Counter[str] = Counter()
        self._lock = Lock()

    def tried(self) -> None:
        """A request was sent."""
        with self._lock:
            self._tries += 1

    def retried(self) -> None:
        """A request failed and will be sent again."""
        with self._lock:
            self._retries += 1

    def drew_again(self, samples: int) -> None:
        """So many samples are asked for at another temperature."""
        with self._lock:
            self._drawn_again += samples

    def answered(self, replies: Sequence[Reply]) -> None:
        """An ask has its replies."""
        with self._lock:
            self._asks += 1
            self._repaired += sum(reply.detail == REPAIRED for reply in replies)
            self._errors.update(reply.error for reply in replies if reply.error is not None)

    def snapshot(self) -> Metrics:
        """The counts as of now."""
        with self._lock:
            errors = dict(sorted(self._errors.items()))
            counts = (self._asks, self._tries, self._retries, self._drawn_again, self._repaired)
            return Metrics(*counts, errors)
