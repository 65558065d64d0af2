"""What every engine must keep, as tests of whatever the fixture ``subject`` is."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Timer, main_thread
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline.engines.base import Ask, EngineError, Frame, OpenEngine, Reply, Sampling

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
BUSY_S = 0.3
"""After which an engine that was given slow asks is in the middle of them."""
PROMPT_S = 2.0
"""Shorter than a slow ask takes."""


@dataclass(frozen=True)
class Subject:
    """An engine, what to put into its prompts, and an ask that it cannot answer."""

    engine: OpenEngine
    text: str
    bad: Ask
    fresh: Callable[[], OpenEngine]
    """Another such engine, for a test that closes it."""
    slow: str | None = None
    """In place of ``text``: asks that take longer than ``PROMPT_S``, if there can be any."""
    under_way: Callable[[], int] | None = None
    """How many requests are being worked on, if that can be seen from outside."""
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

    def test_samples_in_order_of_asks(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "order")
        for samples in (1, 3):
            replies = subject.engine.generate(asks, Sampling(samples=samples, temperature=0.5))
            assert [[r.request_id for r in row] for row in replies] == [
                [ask.request_id] * samples for ask in asks
            ]
            for reply in flat(replies):
                assert (reply.text is None) != (reply.error is None)
                assert reply.error is None, reply

    def test_no_asks_no_replies(self, subject: Subject) -> None:
        assert list(subject.engine.generate([], Sampling())) == []

    def test_rows_are_not_mixed(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "mix")
        together = subject.engine.generate(asks, Sampling())
        alone = [subject.engine.generate([ask], Sampling())[0] for ask in asks]
        assert rows(together) == rows(alone)
        assert rows(subject.engine.generate(asks[::-1], Sampling())) == rows(alone)[::-1]
        assert len({row[0].text for row in alone}) > 3, "the asks must differ for this to say much"

    def test_the_same_ask_has_the_same_answer(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "same", 8)
        first, second = (subject.engine.generate(asks, Sampling(seed=7)) for _ in range(2))
        assert rows(first) == rows(second)

    def test_a_bad_row_is_an_error_row(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "bad", 6)
        expected = rows(subject.engine.generate(asks, Sampling()))
        replies = subject.engine.generate([*asks[:3], subject.bad, *asks[3:]], Sampling(samples=2))
        for reply in replies[3]:
            assert reply.request_id == subject.bad.request_id
            assert reply.text is None
            assert reply.error
        assert [row[:1] for row in rows([*replies[:3], *replies[4:]])] == expected

    def test_several_threads_at_once(self, subject: Subject) -> None:
        shards = [asks_of(subject.text, f"thread{i}", 10) for i in range(8)]
        expected = [rows(subject.engine.generate(shard, Sampling())) for shard in shards]
        with ThreadPoolExecutor(4) as pool:
            found = pool.map(lambda shard: rows(subject.engine.generate(shard, Sampling())), shards)
            assert list(found) == expected

    def test_each_ask_is_heard_once_with_its_replies(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "heard", 12)
        asks.insert(5, subject.bad)
        told: list[tuple[int, Sequence[Reply]]] = []
        sampling = Sampling(samples=2, temperature=0.5)
        replies = subject.engine.generate(asks, sampling, lambda *heard: told.append(heard))
        assert sorted(place for place, _ in told) == list(range(len(asks)))
        assert all(list(samples) == list(replies[place]) for place, samples in told)

    def test_an_ask_is_heard_before_others_are_answered(self, subject: Subject) -> None:
        engine = subject.fresh()
        asks = asks_of(subject.text, "early")
        if subject.slow is not None:
            asks[-1] = replace(asks[-1], text=subject.slow)
        heard: list[int] = []
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(engine.generate, asks, Sampling(), lambda i, _: heard.append(i))
            until_s = time.monotonic() + 60
            while len(heard) < len(asks) // 2 and time.monotonic() < until_s:
                time.sleep(0.001)
            early = not asked.done()
            engine.close()
        assert len(heard) >= len(asks) // 2
        assert early or subject.slow is None
        assert not subject.ends or subject.slow is None or asked.exception() is not None

    def test_who_cannot_take_what_it_hears_ends_the_asking(self, subject: Subject) -> None:
        def full(place: int, replies: Sequence[Reply]) -> None:
            raise OSError("no space left")

        with pytest.raises(OSError, match="no space left"):
            subject.engine.generate(asks_of(subject.text, "full", 8), Sampling(), full)
        assert_idle(subject)

    def test_version_says_something(self, subject: Subject) -> None:
        assert subject.engine.version.strip()
        assert subject.engine.version == subject.engine.version

    def test_closing_ends_what_is_under_way(self, subject: Subject) -> None:
        engine = subject.fresh()
        asks = asks_of(subject.slow or subject.text, "closing")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(engine.generate, asks, Sampling())
            if subject.slow is not None:
                time.sleep(BUSY_S)
                assert not asked.done(), "the slow asks must be slow for this to say much"
            start_s = time.monotonic()
            engine.close()
            if subject.ends and subject.slow is not None:
                with pytest.raises(EngineError):
                    asked.result(PROMPT_S)
                assert time.monotonic() - start_s < PROMPT_S
            else:
                assert len(asked.result(PROMPT_S)) == len(asks)
        assert_idle(subject)

    def test_closing_twice_is_closing_once(self, subject: Subject) -> None:
        engine = subject.fresh()
        engine.close()
        engine.close()
        assert engine.version.strip()

    def test_a_closed_engine_says_so(self, subject: Subject) -> None:
        engine = subject.fresh()
        asks = asks_of(subject.text, "closed", 2)
        before = rows(engine.generate(asks, Sampling()))
        engine.close()
        if subject.ends:
            with pytest.raises(EngineError):
                engine.generate(asks, Sampling())
        else:
            assert rows(engine.generate(asks, Sampling())) == before

    def test_an_interrupted_caller_leaves_the_engine_usable(self, subject: Subject) -> None:
        asks = asks_of(subject.text, "interrupted", 8)
        expected = rows(subject.engine.generate(asks, Sampling()))
        long = asks_of(subject.slow or subject.text, "long")
        start_s = time.monotonic()
        with interrupt_soon(), pytest.raises(KeyboardInterrupt):
            while True:
                subject.engine.generate(long, Sampling())
        assert time.monotonic() - start_s < BUSY_S + PROMPT_S
        assert_idle(subject)
        assert rows(subject.engine.generate(asks, Sampling())) == expected


@contextmanager
def interrupt_soon() -> Iterator[None]:
    """Ctrl-C in the main thread, in the middle of slow asks."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    # To the thread itself: only that ends its waiting for a lock.
    caller = main_thread().ident
    assert caller is not None
    timer = Timer(BUSY_S, signal.pthread_kill, (caller, signal.SIGINT))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        signal.signal(signal.SIGINT, before)


def assert_idle(subject: Subject) -> None:
    """Soon nothing is under way, where that can be seen."""
    if subject.under_way is None:
        return
    until_s = time.monotonic() + PROMPT_S
    while subject.under_way():
        assert time.monotonic() < until_s, f"{subject.under_way()} requests are still under way"
        time.sleep(0.02)


def rows(replies: Sequence[Sequence[Reply]]) -> list[list[Reply]]:
    """The replies without what is measured."""
    return [[replace(reply, latency_s=0.0, tokens_cached=0) for reply in row] for row in replies]


def flat(replies: Sequence[Sequence[Reply]]) -> list[Reply]:
    return [reply for row in replies for reply in row]
