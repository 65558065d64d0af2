"""Servers that are not there yet, or are gone for a while; and how many they answer at once."""

from __future__ import annotations

import asyncio
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from pipeline.engines.base import Ask, EngineError
from pipeline.engines.http.engine import HttpEngine
from pipeline.engines.http.outage import Outage
from tests.pipeline.engines.contract import CEILING_S, SCHEMA, replies_to, wait_until
from tests.pipeline.engines.http.conftest import config_of
from tests.pipeline.reports.doctor.model_server import ModelServer

ASKS = [Ask(str(i), "Look.", SCHEMA) for i in range(12)]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def test_a_model_that_is_loading_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    server = ModelServer(entry={"owned_by": "llamacpp"}, loading=True)
    engine = HttpEngine(config_of(server.base_url, patience_s=CEILING_S, attempts=1))
    with closing(engine), ThreadPoolExecutor(1) as caller:
        with caplog.at_level(logging.WARNING):
            answered = caller.submit(replies_to, engine, ASKS)
            wait_until(lambda: server.looked_at > 1)
            assert not answered.done()
            server.loading = False
            replies = answered.result(CEILING_S)
        assert all(reply.text for (reply,) in replies)
        assert len(server.asked) == len(ASKS), "nothing is asked before, and no try is lost"
        assert engine.version == "openai-http llamacpp", "known though it was away at first"
    first, last = caplog.messages
    assert f"waiting for {server.base_url}, 0 of 200 s: status 503: Loading model" in first
    assert f"{server.base_url} is there, after" in last
    server.stop()


def test_a_server_that_is_killed_and_started_again_costs_no_ask() -> None:
    port = free_port()
    server = ModelServer(port=port, answer_s=0.01)
    engine = HttpEngine(config_of(server.base_url, patience_s=CEILING_S, concurrency=2))
    with closing(engine), ThreadPoolExecutor(1) as caller:
        assert all(reply.text for (reply,) in replies_to(engine, ASKS))
        server.stop()
        answered = caller.submit(replies_to, engine, ASKS)
        wait_until(lambda: engine.metrics.tries > len(ASKS))
        again = ModelServer(port=port)
        assert all(reply.text for (reply,) in answered.result(CEILING_S))
        again.stop()


def test_who_comes_after_a_wait_in_vain_fails_at_once() -> None:
    looks: list[str | None] = ["refused", "refused", "refused", None, "gone"]

    async def look() -> str | None:
        return looks.pop(0)

    async def waits() -> None:
        outage = Outage("http://m", 0.05, look)
        with pytest.raises(EngineError, match="http://m cannot be reached: refused"):
            await outage.over()
        assert len(looks) == 3, "two looks, with what was left of the patience between them"
        with pytest.raises(EngineError, match="refused"):
            await outage.over()
        assert len(looks) == 2, "one look"
        assert await outage.over(), "it was away"
        looks[:] = ["refused", None]
        assert await outage.over(), "and is waited for another time"

    asyncio.run(waits())


def test_a_server_that_answered_meanwhile_is_waited_for_anew() -> None:
    looks: list[str | None] = ["refused", "refused", "refused", None]

    async def look() -> str | None:
        return looks.pop(0)

    async def waits() -> None:
        outage = Outage("http://m", 0.05, look)
        with pytest.raises(EngineError):
            await outage.over()
        outage.seen()
        assert await outage.over()
        assert not looks

    asyncio.run(waits())


def test_one_look_serves_all_that_wait() -> None:
    looks = iter(["refused", None])

    async def look() -> str | None:
        await asyncio.sleep(0)
        return next(looks)

    async def waits() -> None:
        outage = Outage("http://m", 60, look)
        assert all(await asyncio.gather(*(outage.over() for _ in range(10))))

    asyncio.run(waits())


@pytest.mark.parametrize(("concurrency", "most"), [(None, 2), (3, 3)])
def test_as_many_asks_as_the_server_has_slots(concurrency: int | None, most: int) -> None:
    server = ModelServer(entry={}, props={"total_slots": 2}, answer_s=0.02)
    engine = HttpEngine(config_of(server.base_url, concurrency=concurrency))
    with closing(engine):
        assert all(reply.text for (reply,) in replies_to(engine, ASKS))
    assert server.most_at_once == most
    server.stop()


def test_an_answer_that_filled_the_context_is_too_long() -> None:
    entry = {"meta": {"n_ctx": 100, "n_ctx_train": 8192}}
    server = ModelServer(entry=entry, usage={"prompt_tokens": 60, "completion_tokens": 40})
    engine = HttpEngine(config_of(server.base_url))
    with closing(engine):
        ((reply,),) = replies_to(engine, ASKS[:1])
    assert (reply.text, reply.error) == (None, "too_long")
    assert reply.detail.startswith('the context of 100 tokens is full after 40 of the answer: {"')
    assert len(server.asked) == 1, "no further try has more of it"
    server.stop()
