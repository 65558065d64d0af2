"""The engine as a whole: bounds, what is sent, a server that goes away, start and end."""

from __future__ import annotations

import hashlib
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.engines.base import Ask, EngineError, Frame, Sampling
from pipeline.engines.http.client import FAILURES_IN_A_ROW
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine
from tests.pipeline.engines.contract import CEILING_S, SCHEMA, picture, replies_to, wait_until
from tests.pipeline.engines.http.conftest import Opener, ask_to, config_of
from tests.pipeline.engines.server_process import ServerProcess

LABELS = {
    "seconds": ["[0.0 s]", "[0.5 s]", "[33.37 s]"],
    "qwen3_vl": ["<0.0 seconds>", "<0.5 seconds>", "<33.4 seconds>"],
}


@pytest.mark.parametrize("label", ["seconds", "qwen3_vl", "none"])
def test_frames_arrive_as_they_are_before_the_text(
    opened: Opener, server: ServerProcess, label: str
) -> None:
    frames = (picture(0), picture(1), Frame(33.3667, b"\xff\xd8 any bytes \x00"))
    marker = f"ok#{label}"
    replies_to(opened(frame_label=label), [ask_to(marker, frames=frames)])
    (seen,) = server.seen(marker)
    digests = [["image", hashlib.sha256(frame.jpeg).hexdigest()] for frame in frames]
    shown = digests
    if label in LABELS:
        texts = [["text", text] for text in LABELS[label]]
        shown = [part for pair in zip(texts, digests, strict=True) for part in pair]
    assert seen["parts"] == [*shown, ["text", f"do:{marker}"]]


def test_what_is_asked_for_is_in_the_body(opened: Opener, server: ServerProcess) -> None:
    engine = opened(extra_body={"top_p": 0.9, "chat_template_kwargs": {"thinking": False}})
    replies_to(engine, [ask_to("ok#body")], Sampling(2, 0.25, 77, 5))
    (seen,) = server.seen("ok#body")
    assert seen["body"] == {
        "model": "m",
        "n": 2,
        "temperature": 0.25,
        "max_tokens": 77,
        "seed": 5,
        "top_p": 0.9,
        "chat_template_kwargs": {"thinking": False},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "Described", "schema": SCHEMA, "strict": True},
        },
    }


def test_no_more_requests_than_places(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "port") as server:
        engine = HttpEngine(config_of(server, concurrency=5))
        asks = [ask_to(f"until_5#{i}") for i in range(30)]
        with ThreadPoolExecutor(3) as callers:
            shares = [asks[:10], asks[10:20], asks[20:]]
            list(callers.map(lambda share: replies_to(engine, share), shares))
        engine.close()
        assert server.most()["requests"] == 5


def test_no_more_bytes_than_the_bound(tmp_path: Path) -> None:
    heavy = Frame(0.0, bytes(200_000))
    with ServerProcess(tmp_path / "port") as server:
        engine = HttpEngine(config_of(server, megabytes=1, concurrency=64))
        asks = [ask_to(f"until_3#{i}", frames=(heavy,)) for i in range(12)]
        oversized = ask_to("until_3#oversized", frames=(heavy,) * 5)
        for samples in replies_to(engine, [*asks[:6], oversized, *asks[6:]]):
            assert samples[0].text is not None
        most = server.most()
        assert most["requests"] == 3, "each is 267 kB long, so three of them fit into 1 MB"
        assert most["bytes"] < 1_400_000, "what is larger than the limit went alone"
        engine.close()


def test_a_server_that_is_stopped_in_the_middle_is_noticed(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "port") as server:
        engine = HttpEngine(config_of(server, concurrency=4))
        asks = [ask_to(f"under_way#{i}") for i in range(400)]
        replies = engine.generate(asks, Sampling())
        next(replies)
        server.stop()
        with pytest.raises(EngineError, match="cannot be reached"):
            list(replies)
        assert engine.metrics.asks < len(asks)
        engine.close()


def test_a_port_where_no_one_listens_is_an_engine_error(opened: Opener) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        engine = opened(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with pytest.raises(EngineError, match=r"http://127.0.0.1:\d+/v1 cannot be reached"):
            replies_to(engine, [ask_to("ok")])
        with pytest.raises(EngineError, match="cannot be reached"):
            _ = engine.version


@pytest.mark.parametrize("do", ["500_always", "429_always", "hang_up"])
def test_many_failures_in_a_row_are_an_engine_error(opened: Opener, do: str) -> None:
    engine = opened(concurrency=1, attempts=1)
    asks = [ask_to(f"{do}#{i}row") for i in range(2 * FAILURES_IN_A_ROW)]
    with pytest.raises(EngineError, match=f"{FAILURES_IN_A_ROW} requests in a row failed"):
        replies_to(engine, asks)
    assert engine.metrics.tries == FAILURES_IN_A_ROW


def test_failures_with_answers_between_them_are_errors_of_rows(opened: Opener) -> None:
    engine = opened(concurrency=1, attempts=1)
    asks = [ask_to("ok" if i % 10 == 0 else f"500_always#{i}") for i in range(60)]
    found = [reply.error for (reply,) in replies_to(engine, asks)]
    assert found == [None if i % 10 == 0 else "server_error" for i in range(60)]


def test_a_caller_that_fails_leaves_the_others_alone(opened: Opener) -> None:
    engine = opened()
    with ThreadPoolExecutor(2) as callers:
        good = [ask_to(f"under_way#other{i}") for i in range(200)]
        answered = callers.submit(replies_to, engine, good)
        refused = callers.submit(replies_to, engine, [ask_to("401")])
        with pytest.raises(EngineError):
            refused.result(CEILING_S)
        assert all(reply.text for (reply,) in answered.result(CEILING_S))


def test_a_caller_that_does_not_come_back_stops_its_own_work_alone(
    opened: Opener, server: ServerProcess
) -> None:
    engine = opened(concurrency=4)
    replies = engine.generate([ask_to(f"ok#held{i}") for i in range(20)], Sampling())
    next(replies)
    wait_until(lambda: engine.metrics.asks == 4)
    assert len(replies_to(engine, [ask_to(f"ok#other{i}") for i in range(20)])) == 20
    assert engine.metrics.asks == 24
    assert len(list(replies)) == 19


def test_the_version_is_what_the_server_says(opened: Opener) -> None:
    assert opened().version == "openai-http tester 1.2.3"
    assert opened(model="unlisted").version == "openai-http 1.2.3"


def test_an_engine_that_cannot_start_says_why_and_leaves_no_thread() -> None:
    config = HttpConfig.model_construct(
        **{**dict(config_of("http://127.0.0.1:1/v1")), "base_url": "http://[::1/v1"}
    )
    before = threading.active_count()
    with pytest.raises(ValueError, match="Invalid IPv6 URL"):
        HttpEngine(config)
    assert threading.active_count() == before


def test_an_engine_asks_one_server() -> None:
    config = config_of("http://127.0.0.1:1/v1", further_urls=("http://127.0.0.1:2/v1",))
    with pytest.raises(EngineError, match=r"config.replica_configs\(\)"):
        HttpEngine(config)


def test_close_leaves_no_thread(opened: Opener) -> None:
    before = threading.active_count()
    engine = opened()
    replies_to(engine, [ask_to("ok")])
    engine.close()
    assert threading.active_count() == before


def test_an_ask_without_frames_is_plain_text(opened: Opener, server: ServerProcess) -> None:
    text = 'do:ok#plain "quotes", \ud800 half a character, \u4e2d'
    replies_to(opened(), [Ask("id", text, SCHEMA)])
    (seen,) = server.seen("ok#plain")
    assert seen["parts"] == [["text", text]]
