"""A node's engine on one shard: what it says is journalled, and nothing is asked twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from typing import Any

from pipeline.engines import open_engine
from pipeline.engines.base import Ask, Engine, EngineConfig, Heard, Reply, Sampling, unheard
from pipeline.engines.errors import PASSING_ERRORS
from pipeline.execution.journal import Entry, Journal
from pipeline.records import ModelReply
from pipeline.store.location import Location

ATTEMPTS = 2
"""So often a shard asks what fails for a cause that may pass. When nothing else is left to ask, an
engine may take so many failures in a row for its own end; without a bound the shard had none."""


class ContractError(RuntimeError):
    """A stage or an engine broke its contract."""


class JournaledEngine:
    """An ``NodeEngine`` whose engine is the seat itself: it passes on what the journal of the part
    does not have, and keeps all replies."""

    def __init__(self, config: EngineConfig, part: Location) -> None:
        """Opens the engine at the first ask."""
        self.kind: str = config.kind
        self.model: str = config.model
        self.revision: str = config.revision
        self.asks = 0
        self.replies: list[ModelReply] = []
        self._config = config
        self._part = part

    @property
    def engine(self) -> Engine:
        """Itself."""
        return self

    @property
    def version(self) -> str:
        """Of the engine that answers now."""
        return open_engine(self._config).version

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling, heard: Heard = unheard
    ) -> Sequence[Sequence[Reply]]:
        """See ``Engine.generate``; an ask that was answered before has the replies of then."""
        keys = [ask_digest(ask, sampling) for ask in asks]
        with Journal(self._part) as journal:
            entries = {key: journal.known[key] for key in keys if key in journal.known}
            stand = {key: entry.replies for key, entry in entries.items() if not entry.again}
            found = {i: stand[key] for i, key in enumerate(keys) if key in stand}
            left = [i for i in range(len(asks)) if i not in found]

            def hear(place: int, replies: Sequence[Reply]) -> None:
                i = left[place]
                found[i] = tuple(_kept(reply, version) for reply in replies)
                entries[keys[i]] = _tried(keys[i], found[i], entries.get(keys[i]))
                journal.append(entries[keys[i]])
                heard(i, found[i])

            for i, replies in found.items():
                heard(i, replies)
            if left:
                engine = open_engine(self._config)
                version = engine.version
                given = engine.generate([asks[i] for i in left], sampling, hear)
                if len(given) != len(left) or len(found) != len(asks):
                    raise ContractError(
                        f"engine gave {len(given)} replies to {len(left)} asks, and told of"
                        f" {len(found) - len(asks) + len(left)}"
                    )
        self.asks += len(asks)
        for i, key in enumerate(keys):
            self.replies += _given(entries[key], found[i])
        return [found[i] for i in range(len(asks))]


def ask_digest(ask: Ask, sampling: Sampling) -> str:
    """Digest of everything that an engine sees of an ask; what has the same one is the same ask."""
    seen = hashlib.sha256()
    told = [ask.request_id, ask.text, ask.answer_schema, ask.variables, asdict(sampling)]
    seen.update(json.dumps(told, sort_keys=True, default=str).encode())
    for frame in ask.frames:
        seen.update(f"\n{frame.time_s!r} {len(frame.jpeg)} ".encode())
        seen.update(frame.jpeg)
    return seen.hexdigest()[:32]


def _tried(key: str, replies: Sequence[Reply], before: Entry | None) -> Entry:
    """The entry of an ask after one more attempt; a failure that may pass is to be asked again."""
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    attempts = before.attempts + 1 if before else 1
    passing = any(reply.error in PASSING_ERRORS for reply in replies)
    return Entry(
        ask=key,
        attempts=attempts,
        first_at=before.first_at if before else now,
        last_at=now,
        replies=tuple(replies),
        again=passing and attempts < ATTEMPTS,
    )


def _given(entry: Entry, replies: Sequence[Reply]) -> list[ModelReply]:
    told = {"ask": entry.ask, "attempts": entry.attempts}
    times = {"first_at": entry.first_at, "last_at": entry.last_at}
    return [ModelReply(sample=i, **asdict(r), **told, **times) for i, r in enumerate(replies)]


def _kept(reply: Reply, version: str) -> Reply:
    """The reply as it can be written to a file of text, in which a stage then sees it, too."""
    return replace(
        reply,
        text=_storable(reply.text),
        detail=_storable(reply.detail),
        engine_version=version,
    )


def _storable(value: Any) -> Any:
    """Half a character, which JSON can hold and a file of text cannot, is written as its escape."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
