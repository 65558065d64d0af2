"""What every engine must keep, as tests of whatever the fixture ``subject`` is.

No test measures time: they wait for what must happen, up to a ceiling that only a hang reaches.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread, main_thread
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.engines.base import (
    Ask,
    Engine,
    EngineError,
    Frame,
    OpenEngine,
    Reply,
    Sampling,
)

SCHEMA: dict[str, Any] = {
    "title": "Described",
    "type": "object",
    "properties": {"text": {"type": "string"}, "changed": {"type": "boolean"}},
    "required": ["text", "changed"],
}
COLOURS = {
    "black": (0, 0, 0),
    "red": (0, 0, 255),
    "green": (0, 160, 0),
    "blue": (255, 0, 0),
    "white": (255, 255, 255),
}
ASKS = 40
MANY_ASKS = 10 * ASKS
"""So many slow asks are not all answered before a test that sees the first of them goes on."""
CEILING_S = 200.0
"""Below the time limit of a test, and beyond all that any of these waits takes."""


@dataclass(frozen=True)
class Subject:
    """An engine, what to put into its prompts, and an ask that it cannot answer."""

    engine: OpenEngine
    text: str
    bad: Ask
    fresh: Callable[[], OpenEngine]
    """Another such engine, for a test that closes it. It takes up fewer than ``ASKS / 2`` asks at
    once."""
    slow: str | None = None
    """In place of ``text``: asks that take long, if there can be any."""
    under_way: Callable[[OpenEngine], int] | None = None
    """How many requests are being worked on, if that can be seen from outside."""
    takes_system: bool = True
    """Whether the system text of an ask counts; an engine without a model may ignore it."""
    ends: bool = True
    """Whether closing ends the engine; one that holds nothing may go on answering."""


def picture(number: int) -> Frame:
    """A small JPEG: a square, of a colour and at a place by number."""
    image = np.full((72, 128, 3), 128, np.uint8)
    x, y = 10 + 9 * (number % 9), 10 + 6 * (number // 9 % 6)
    image[y : y + 24, x : x + 24] = list(COLOURS.values())[number % len(COLOURS)]
    return Frame(number / 2, cv2.imencode(".jpg", image)[1].tobytes())


def asks_of(text: str, name: str, count: int = ASKS) -> list[Ask]:
    return [Ask(f"{name}-{i}", f"{text} {i}", SCHEMA, (picture(i),), {}) for i in range(count)]


class EngineContract:
    """Tests that an engine must pass."""

    def test_each_ask_is_yielded_once_with_its_samples(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "once")
        for samples in (1, 3):
            sampling = Sampling(samples=samples, temperature=0.5)
            replies = replies_to(subject.engine, asks, sampling)
            assert [[r.request_id for r in row] for row in replies] == [
                [ask.request_id] * samples for ask in asks
            ]
            for reply in flat(replies):
                assert (reply.text is None) != (reply.error is None)
                assert reply.error is None, reply

    def test_a_bad_ask_is_yielded_once_like_the_others(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "among", 12)
        asks.insert(5, subject.bad)
        yielded = list(subject.engine.generate(asks, Sampling(samples=2, temperature=0.5)))
        assert sorted(i for i, _ in yielded) == list(range(len(asks)))
        for i, replies in yielded:
            assert [reply.request_id for reply in replies] == [asks[i].request_id] * 2

    def test_no_asks_no_replies(self, subject: Subject) -> None:
        assert list(subject.engine.generate([], Sampling())) == []

    def test_rows_are_not_mixed(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "mix")
        together = replies_to(subject.engine, asks)
        alone = [replies_to(subject.engine, [ask])[0] for ask in asks]
        assert rows(together) == rows(alone)
        assert rows(replies_to(subject.engine, asks[::-1])) == rows(alone)[::-1]
        assert len({row[0].text for row in alone}) > 3, "the asks must differ for this to say much"

    def test_the_same_ask_has_the_same_answer(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "same", 8)
        first, second = (replies_to(subject.engine, asks, Sampling(seed=7)) for _ in range(2))
        assert rows(first) == rows(second)

    def test_a_bad_row_is_an_error_row(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "bad", 6)
        expected = rows(replies_to(subject.engine, asks))
        mixed = [*asks[:3], subject.bad, *asks[3:]]
        replies = replies_to(subject.engine, mixed, Sampling(samples=2))
        for reply in replies[3]:
            assert reply.request_id == subject.bad.request_id
            assert reply.text is None
            assert reply.error
        assert [row[:1] for row in rows([*replies[:3], *replies[4:]])] == expected

    def test_a_system_text_reaches_a_model(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "system", 8)
        with_system = [replace(ask, system="You see colours.") for ask in asks]
        found, without = (rows(replies_to(subject.engine, each)) for each in (with_system, asks))
        assert all(reply.text for reply in flat(found))
        assert (found != without) == subject.takes_system

    def test_several_threads_at_once(self, subject: Subject) -> None:
        shards = [asks_of(subject.text, f"thread{i}", 10) for i in range(8)]
        expected = [rows(replies_to(subject.engine, shard)) for shard in shards]
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda shard: rows(replies_to(subject.engine, shard)), shards)
            assert list(found) == expected

    def test_an_ask_is_yielded_before_others_are_answered(self, subject: Subject) -> None:
        engine = subject.fresh()
        asks = asks_of(subject.text, "early")
        if subject.slow is not None:
            asks[-1] = replace(asks[-1], text=subject.slow)
        replies = engine.generate(asks, Sampling())
        early = {next(replies)[0] for _ in range(ASKS // 2)}
        assert len(early) == ASKS // 2
        engine.close()
        if subject.ends:
            # Not all of the others were taken up, so that they cannot all have been answered.
            with pytest.raises(EngineError):
                early.update(i for i, _ in replies)
            assert len(early) < ASKS
        else:
            assert len(early) + len(list(replies)) == ASKS

    def test_closing_the_iterator_ends_the_work(self, subject: Subject) -> None:
        replies = subject.engine.generate(mostly_slow(subject, "closed early"), Sampling())
        next(replies)
        wait_until_busy(subject, subject.engine)
        replies.close()  # type: ignore[attr-defined]  # a generator, as of every engine here
        assert list(replies) == []
        wait_until_idle(subject)

    def test_a_caller_that_fails_ends_the_work(self, subject: Subject) -> None:
        with pytest.raises(OSError, match="no space left"):
            for _ in subject.engine.generate(mostly_slow(subject, "full"), Sampling()):
                wait_until_busy(subject, subject.engine)
                raise OSError("no space left")
        wait_until_idle(subject)

    def test_version_says_something(self, subject: Subject) -> None:
        assert subject.engine.version.strip()
        assert subject.engine.version == subject.engine.version

    def test_closing_the_engine_ends_what_is_under_way(self, subject: Subject) -> None:
        engine = subject.fresh()
        slow = subject.slow is not None
        asks = asks_of(subject.slow or subject.text, "closing", MANY_ASKS if slow else ASKS)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(replies_to, engine, asks)
            wait_until_busy(subject, engine)
            engine.close()
            if subject.ends:
                with pytest.raises(EngineError):
                    asked.result(CEILING_S)
            else:
                assert len(asked.result(CEILING_S)) == len(asks)
        wait_until_idle(subject)

    def test_closing_twice_is_closing_once(self, subject: Subject) -> None:
        engine = subject.fresh()
        engine.close()
        engine.close()
        assert engine.version.strip()

    def test_a_closed_engine_says_so(self, subject: Subject) -> None:
        engine = subject.fresh()
        asks = asks_of(subject.text, "closed", 2)
        before = rows(replies_to(engine, asks))
        engine.close()
        if subject.ends:
            with pytest.raises(EngineError):
                replies_to(engine, asks)
        else:
            assert rows(replies_to(engine, asks)) == before

    def test_an_interrupted_caller_leaves_the_engine_usable(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "interrupted", 8)
        expected = rows(replies_to(subject.engine, asks))
        long = asks_of(subject.slow or subject.text, "long", MANY_ASKS)
        asked = Event()

        def busy() -> None:
            assert asked.wait(CEILING_S)
            wait_until_busy(subject, subject.engine)

        with interrupt_after(busy), pytest.raises(KeyboardInterrupt):
            while True:
                asked.set()
                replies_to(subject.engine, long)
        wait_until_idle(subject)
        assert rows(replies_to(subject.engine, asks)) == expected


def replies_to(
    engine: Engine, asks: Sequence[Ask], sampling: Sampling | None = None
) -> list[Sequence[Reply]]:
    """The replies to each ask, in order of the asks; each must be yielded once."""
    found: dict[int, Sequence[Reply]] = {}
    for i, replies in engine.generate(asks, sampling or Sampling()):
        assert i not in found
        found[i] = replies
    return [found[i] for i in range(len(asks))]


def mostly_slow(subject: Subject, name: str) -> list[Ask]:
    """Asks of which only the first is soon answered, if there can be slow ones."""
    slow = subject.slow is not None
    asks = asks_of(subject.slow or subject.text, name, MANY_ASKS if slow else ASKS)
    return [replace(asks[0], text=f"{subject.text} 0"), *asks[1:]]


@contextmanager
def interrupt_after(busy: Callable[[], None]) -> Iterator[None]:
    """Ctrl-C in the main thread when ``busy``, in another thread, returns."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # To the thread itself: only that ends its waiting for a lock.
    caller = main_thread().ident
    assert caller is not None

    def interrupt() -> None:
        busy()
        signal.pthread_kill(caller, signal.SIGINT)

    thread = Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


def wait_until(met: Callable[[], bool]) -> None:
    """Returns when a condition is met that must come to be."""
    until_s = time.monotonic() + CEILING_S
    while not met():
        assert time.monotonic() < until_s, "it does not come to be"
        time.sleep(0.01)


def wait_until_busy(subject: Subject, engine: OpenEngine) -> None:
    """Returns when something is under way, where that can be seen."""
    under_way = subject.under_way
    if under_way is not None:
        wait_until(lambda: under_way(engine) > 0)


def wait_until_idle(subject: Subject) -> None:
    """Returns when nothing is under way, where that can be seen."""
    under_way = subject.under_way
    if under_way is not None:
        wait_until(lambda: under_way(subject.engine) == 0)


def rows(replies: Sequence[Sequence[Reply]]) -> list[list[Reply]]:
    """The replies without what is measured."""
    return [[replace(reply, latency_s=0.0, tokens_cached=0) for reply in row] for row in replies]


def flat(replies: Sequence[Sequence[Reply]]) -> list[Reply]:
    return [reply for row in replies for reply in row]
