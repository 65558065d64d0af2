"""How near the HTTP engine comes to what its concurrency allows, beside a bare client loop.

    python benchmarks/engine_http.py [--asks N] [--concurrency N] [--latency-ms MS]
                                     [--repeats N]

A server in a process of its own answers so many requests at once, each a fixed time after it has
read it. By Little's law no client can do more than concurrency / latency asks a second; what is
below that is the client's and the server's own work. Each ask has a JPEG and an answer
schema of its own.

``bare``: a loop of aiohttp that builds the body, posts it and parses the answer, with nothing else.
``engine``: ``HttpEngine.generate`` with all asks at once.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.slot_server import slot_server
from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.engine import HttpEngine

PICTURES = 100
SCHEMA: dict[str, Any] = {
    "title": "Seen",
    "type": "object",
    "properties": {"text": {"type": "string"}},
    "required": ["text"],
    "additionalProperties": False,
}
ANSWERS = {"Seen": {"text": "a person opens the door of a small car"}}


def asks_of(count: int) -> list[Ask]:
    noise = np.random.default_rng(0)
    pictures = []
    for _ in range(PICTURES):
        small = noise.integers(0, 256, (9, 16, 3), np.uint8)
        picture = cv2.resize(small, (224, 126), interpolation=cv2.INTER_CUBIC)
        pictures.append(cv2.imencode(".jpg", picture)[1].tobytes())
    return [
        Ask(f"{i}", f"What is seen in frame {i}?", SCHEMA, (Frame(i / 2, pictures[i % PICTURES]),))
        for i in range(count)
    ]


def engine(asks: Sequence[Ask], url: str, concurrency: int) -> int:
    """How many asks were answered."""
    config = HttpConfig(model="m", revision="1", base_url=url, concurrency=concurrency)
    asked = HttpEngine(config)
    answered = sum(reply.text is not None for _, (reply,) in asked.generate(asks, Sampling()))
    asked.close()
    return answered


def bare(asks: Sequence[Ask], url: str, concurrency: int) -> int:
    """How many asks were answered."""
    schema = {"type": "json_schema", "json_schema": {"name": "Seen", "schema": SCHEMA}}
    todo = iter(asks)

    async def work(session: aiohttp.ClientSession) -> int:
        answered = 0
        for ask in todo:
            picture = f"data:image/jpeg;base64,{b64encode(ask.frames[0].jpeg).decode()}"
            content = [
                {"type": "image_url", "image_url": {"url": picture}},
                {"type": "text", "text": ask.text},
            ]
            message = {"role": "user", "content": content}
            body = {"model": "m", "messages": [message], "response_format": schema}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                answer = json.loads(await response.read())
            answered += "text" in json.loads(answer["choices"][0]["message"]["content"])
        return answered

    async def all_of_them() -> int:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            return sum(await asyncio.gather(*(work(session) for _ in range(concurrency))))

    return asyncio.run(all_of_them())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--asks", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=float, default=200.0)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    asks = asks_of(given.asks)
    law = given.concurrency / (given.latency_ms / 1000)
    ways: dict[str, Callable[[Sequence[Ask], str, int], int]] = {"bare": bare, "engine": engine}
    size_bytes = sum(len(ask.frames[0].jpeg) for ask in asks) / len(asks)
    print(
        f"{given.asks:,} asks, {given.concurrency} under way, each answered after"
        f" {given.latency_ms:g} ms, with a JPEG of {size_bytes:,.0f} bytes; one server process\n"
    )
    print("| way | asks/s | law asks/s | of the law | client CPU ms an ask |")
    print("|---|---|---|---|---|")
    with slot_server(given.concurrency, given.latency_ms / 1000, ANSWERS, []) as url:
        for name, way in list(ways.items()) * given.repeats:
            start_s, start_cpu_s = time.perf_counter(), time.process_time()
            answered = way(asks, url, given.concurrency)
            took_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
            if answered != len(asks):
                raise SystemExit(f"{name}: {answered} of {len(asks)} asks were answered")
            rate = answered / took_s
            each_ms = cpu_s / answered * 1000
            print(f"| {name} | {rate:,.0f} | {law:,.0f} | {rate / law:.3f} | {each_ms:.2f} |")


if __name__ == "__main__":
    main()
