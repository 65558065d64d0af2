"""The engine of a node on one shard: replies are journaled, and no ask is answered twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from pipeline.engines import open_engine
from pipeline.engines.base import Ask, Engine, EngineConfig, Reply, Sampling
from pipeline.engines.configured import ConfiguredEngine
from pipeline.engines.errors import PASSING_ERRORS
from pipeline.execution.journal import Entry, Journal
from pipeline.execution.stored_replies import replied_before
from pipeline.records import ModelReply
from pipeline.store.location import Location

ATTEMPTS = 2
"""How often a shard asks what fails for a passing cause, over all of its runs. An ask that makes
the engine fail would otherwise keep the shard from ever ending."""


class CountedEngine(ConfiguredEngine):
    """``asks`` counts the asks of calls that ended, and ``replies`` has their replies in order."""

    def __init__(self, config: EngineConfig, opening: Callable[[], Engine]) -> None:
        """None so far."""
        super().__init__(config, opening)
        self.asks = 0
        self.replies: list[ModelReply] = []


class JournaledEngine(CountedEngine):
    """Asks the engine only what was not answered before, and journals the replies."""

    def __init__(
        self, config: EngineConfig, slot: Location, replied: Sequence[Location] = ()
    ) -> None:
        """Opens the engine at the first ask that neither the journal of the slot nor a place of
        ``replied`` has (``ShardTask.replied``)."""
        super().__init__(config, lambda: open_engine(config))
        self._slot = slot
        self._replied = replied

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``. Replies of the journal come first, then each as it is journaled.

        Raises:
            OSError: the journal cannot be written.
        """
        keys = [ask_digest(ask, sampling) for ask in asks]
        with Journal(self._slot) as journal:
            known = {**self._before, **journal.known}
            entries = {
                i: _answering(asks[i], known[key]) for i, key in enumerate(keys) if key in known
            }
            left = [i for i in range(len(asks)) if i not in entries or entries[i].again]
            yield from ((i, entry.replies) for i, entry in entries.items() if not entry.again)
            if left:
                version = self.version
                for place, replies in super().generate([asks[i] for i in left], sampling):
                    i = left[place]
                    stored = [_storable_reply(reply, version) for reply in replies]
                    entries[i] = _attempted(keys[i], stored, entries.get(i))
                    journal.append(entries[i])
                    yield i, entries[i].replies
        self.asks += len(asks)
        for i in range(len(asks)):
            self.replies += _model_replies(entries[i])

    @cached_property
    def _before(self) -> dict[str, Entry]:
        return replied_before(self._replied)


def ask_digest(ask: Ask, sampling: Sampling) -> str:
    """Digest of everything that an engine is given with an ask.

    Its id is no part of it, for that counts the cases of a video: a case that is new or gone must
    not make the engine answer all that come after it again.
    """
    seen = hashlib.sha256()
    values = [ask.system, ask.text, ask.answer_schema, ask.variables]
    seen.update(json.dumps([*values, asdict(sampling)], sort_keys=True, default=str).encode())
    for frame in ask.frames:
        seen.update(f"\n{frame.time_s!r} {len(frame.jpeg)} ".encode())
        seen.update(frame.jpeg)
    return seen.hexdigest()[:32]


def _answering(ask: Ask, entry: Entry) -> Entry:
    """The entry with the id of an ask that is the same but for its id."""
    own = (replace(reply, request_id=ask.request_id) for reply in entry.replies)
    return replace(entry, replies=tuple(own))


def _attempted(key: str, replies: Sequence[Reply], before: Entry | None) -> Entry:
    """The entry of an ask after one more attempt. A passing failure is to be asked again."""
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


def _model_replies(entry: Entry) -> list[ModelReply]:
    attempt = {"ask": entry.ask, "attempts": entry.attempts}
    times = {"first_at": entry.first_at, "last_at": entry.last_at}
    return [
        ModelReply(sample=i, **asdict(reply), **attempt, **times)
        for i, reply in enumerate(entry.replies)
    ]


def _storable_reply(reply: Reply, version: str) -> Reply:
    """The reply as files of text can hold it; a stage gets the same."""
    return replace(
        reply,
        text=_storable(reply.text),
        detail=_storable(reply.detail),
        engine_version=version,
    )


def _storable(value: Any) -> Any:
    """Lone surrogates, which JSON can hold and UTF-8 cannot, become their escapes."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value
