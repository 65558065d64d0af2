"""The engine of a node on one shard: replies are journaled, and no ask is answered twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from pipeline.engines import open_engine
from pipeline.engines.base import Ask, Engine, EngineConfig, Reply, Sampling
from pipeline.engines.configured import ConfiguredEngine
from pipeline.engines.errors import PASSING_ERRORS
from pipeline.execution.ask_digest import ask_digest, entry_under, kept_of
from pipeline.execution.busy_clock import BusyClock
from pipeline.execution.journal import Entry, Journal
from pipeline.execution.replies_index import index_of
from pipeline.execution.stored_replies import Found, replied_before, stored_digests
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.part_names import shard_of
from pipeline.workflow.task import Replied

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

    @property
    def reused(self) -> int:
        """How many of the asks were saved: their replies were there, to the same one before."""
        return 0


class JournaledEngine(CountedEngine):
    """Asks the engine only what was not answered before, and journals the replies."""

    def __init__(
        self,
        config: EngineConfig,
        slot: Location,
        replied: Replied | None = None,
        busy: BusyClock | None = None,
    ) -> None:
        """Opens the engine at the first ask that neither the journal of the slot nor ``replied``
        has. ``busy`` runs while the engine has asks."""
        super().__init__(config, lambda: open_engine(config))
        self._slot = slot
        self._replied = replied
        self._own: set[str] = set()
        self._asking = busy.asking if busy else nullcontext

    @property
    def reused(self) -> int:
        """See ``CountedEngine.reused``. What another run of the same recipe was told is its own,
        so that a part that was lost and is made again says the same."""
        return self.asks - len(self._own)

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``. Replies of before come first, then each as it is journaled. What
        is the same but for its id is asked once.

        Raises:
            OSError: the journal cannot be written.
        """
        keys = [ask_digest(ask, sampling) for ask in asks]
        with Journal(self._slot, {ask.video_id for ask in asks}) as journal:
            by_key = dict(zip(keys, asks, strict=True))
            known = _journaled(by_key, sampling, journal.known)
            unknown = {k: ask for k, ask in by_key.items() if k not in known}
            before = answered_before(unknown, sampling, self._replied, self._slot)
            known |= {key: found.entry for key, found in before.items()}
            entries = {
                i: answering(asks[i], known[key]) for i, key in enumerate(keys) if key in known
            }
            left: dict[str, list[int]] = {}
            for i, key in enumerate(keys):
                if i not in entries or entries[i].again:
                    left.setdefault(key, []).append(i)
            yield from ((i, entry.replies) for i, entry in entries.items() if not entry.again)
            if left:
                version, alike = self.version, list(left.values())
                todo = [asks[same[0]] for same in alike]
                with self._asking():
                    for place, replies in super().generate(todo, sampling):
                        stored = [_storable_reply(reply, version) for reply in replies]
                        first, *_ = alike[place]
                        entry = _attempted(keys[first], asks[first], stored, entries.get(first))
                        journal.append(entry)
                        for i in alike[place]:
                            entries[i] = answering(asks[i], entry)
                            yield i, entries[i].replies
        folder = self._slot.parent
        of_others = {
            key
            for key, (entry, place) in before.items()
            if place.parent != folder and not entry.again
        }
        self._own |= {*keys} - of_others
        self.asks += len(asks)
        for i in range(len(asks)):
            self.replies += model_replies(entries[i])


def _journaled(
    asks: Mapping[str, Ask], sampling: Sampling, known: Mapping[str, Entry]
) -> dict[str, Entry]:
    """The entries of a journal about asks; both are by digest."""
    if not known:
        return {}
    return kept_of(
        *(asks, sampling),
        lambda wanted: {k: known[k] for k in wanted if k in known},
        known.keys,
        entry_under,
    )


def answered_before(
    asks: Mapping[str, Ask], sampling: Sampling, replied: Replied | None, slot: Location
) -> dict[str, Found]:
    """What was replied before, under any recipe, to asks of a slot; both are by digest."""
    if replied is None or not asks:
        return {}
    places = index_of(replied).about({ask.video_id for ask in asks.values()}, shard_of(slot))
    if not places:
        return {}
    return kept_of(
        *(asks, sampling),
        lambda wanted: replied_before(places, wanted.keys()),
        lambda: (digest for place in places for digest in stored_digests(place)),
        lambda key, found: found._replace(entry=entry_under(key, found.entry)),
    )


def answering(ask: Ask, entry: Entry) -> Entry:
    """The entry with the id of an ask that is the same but for its id."""
    if entry.video_id == ask.video_id and all(
        reply.request_id == ask.request_id for reply in entry.replies
    ):
        return entry
    own = (replace(reply, request_id=ask.request_id) for reply in entry.replies)
    return replace(entry, replies=tuple(own), video_id=ask.video_id)


def _attempted(key: str, ask: Ask, replies: Sequence[Reply], before: Entry | None) -> Entry:
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
        video_id=ask.video_id,
    )


def model_replies(entry: Entry) -> list[ModelReply]:
    """The replies of an entry, as a part keeps them."""
    attempt = {"ask": entry.ask, "attempts": entry.attempts}
    times = {"first_at": entry.first_at, "last_at": entry.last_at}
    return [
        ModelReply(sample=i, **vars(reply), **attempt, **times, video_id=entry.video_id)
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
