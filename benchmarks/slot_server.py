"""A server that answers so many asks at once, each after a fixed time, and notes when it did.

It stands in for a model that is always equally quick, so that the time in which one of its slots is
free is time in which it was not asked. What comes beyond its slots waits, first come, first served.
Its answers are fixed, one a kind of answer (the name of the ask's schema).
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from statistics import mean
from typing import Any, NamedTuple
from zlib import crc32

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
_NAME = re.compile(rb'"json_schema": ?\{"name": ?"(\w+)"')
_FRAME = b";base64,"
_LOOKED_AT_BYTES = 1 << 15
"""Of a body: what its kind and its first frame are told by."""


def response_of(content: str) -> bytes:
    """What the server sends where a model says this."""
    message = {"role": "assistant", "content": content}
    answer = json.dumps(
        {
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 300, "completion_tokens": 15},
        }
    ).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n"
    return head.encode() + b"\r\n" + answer


class Served(NamedTuple):
    """An ask: its kind, and in seconds of one clock when it came, was taken up, and answered."""

    kind: str
    first_frame: int
    """A checksum: asks with the same one begin alike."""
    came_s: float
    taken_s: float
    answered_s: float


class Slots:
    """What is asked and answered so far."""

    def __init__(self, count: int, latency_s: float, responses: Mapping[str, bytes]) -> None:
        """Nothing. ``responses`` are by kind."""
        self._free = count
        self._latency_s = latency_s
        self._responses = responses
        self._waiting: deque[tuple[str, int, float, Any]] = deque()
        self.served: list[Served] = []

    def ask(self, kind: str, first_frame: int, transport: Any) -> None:
        """An ask has come."""
        self._waiting.append((kind, first_frame, asyncio.get_running_loop().time(), transport))
        self._take_up()

    def _take_up(self) -> None:
        loop = asyncio.get_running_loop()
        while self._free and self._waiting:
            self._free -= 1
            loop.call_later(self._latency_s, self._answer, *self._waiting.popleft(), loop.time())

    def _answer(
        self, kind: str, first_frame: int, came_s: float, transport: Any, taken_s: float
    ) -> None:
        now_s = asyncio.get_running_loop().time()
        self.served.append(Served(kind, first_frame, came_s, taken_s, now_s))
        self._free += 1
        self._take_up()
        transport.write(self._responses[kind])


class Answering(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, slots: Slots) -> None:
        """Of a server with these."""
        self._slots = slots
        self._read = b""
        self._ask = ("", 0)
        self._left_bytes = 0

    def connection_made(self, transport: Any) -> None:
        """Keeps what to answer on."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Reads on; asks where this was the end."""
        if not self._left_bytes:
            self._read += data
            head, end, body = self._read.partition(b"\r\n\r\n")
            if not end:
                return
            if head.startswith(b"GET"):
                self._read = b""
                self._transport.write(NOT_FOUND)
                return
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(body) < min(length, _LOOKED_AT_BYTES):
                return
            self._read = b""
            self._ask, self._left_bytes, data = _described(body), length, body
        self._left_bytes -= len(data)
        if not self._left_bytes:
            self._slots.ask(*self._ask, self._transport)


def _described(body: bytes) -> tuple[str, int]:
    """The kind of an ask and the checksum of its first frame, of the first bytes of its body."""
    named = _NAME.search(body)
    assert named is not None, "an ask has a schema"
    frame = body[:_LOOKED_AT_BYTES].partition(_FRAME)[2].partition(b'"')[0]
    return named[1].decode(), crc32(frame)


def _serve(count: int, latency_s: float, responses: Mapping[str, bytes], pipe: Connection) -> None:
    async def until_ended() -> None:
        slots = Slots(count, latency_s, responses)
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(pipe.fileno(), ended.set)
        server = await loop.create_server(lambda: Answering(slots), "127.0.0.1", 0, backlog=512)
        pipe.send(server.sockets[0].getsockname()[1])
        await ended.wait()
        server.close()
        pipe.send(slots.served)

    asyncio.run(until_ended())


@contextmanager
def slot_server(
    count: int, latency_s: float, answers: Mapping[str, Any], served: list[Served]
) -> Iterator[str]:
    """The address of a server that runs meanwhile; then ``served`` has what it answered.

    ``answers`` are by kind of answer.
    """
    responses = {kind: response_of(json.dumps(answer)) for kind, answer in answers.items()}
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(count, latency_s, responses, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}/v1"
        here.send("end")
        served += here.recv()
    finally:
        process.terminate()
        process.join()


class Busy(NamedTuple):
    """Of the seconds between the first ask and the last one that was taken up."""

    seconds: float
    all_slots: float
    """Share of them in which no slot was free."""
    of_slots: float
    """Share of the slots that was taken, on average."""
    asks: int


def busy(served: Sequence[Served], count: int) -> Busy:
    """How busy a server of so many slots was.

    Raises:
        ValueError: it was asked nothing.
    """
    first_s, last_s = min(ask.came_s for ask in served), max(ask.taken_s for ask in served)
    changes = sorted(
        [(ask.taken_s, 1) for ask in served] + [(ask.answered_s, -1) for ask in served]
    )
    taken, before_s, full_s, taken_s = 0, first_s, 0.0, 0.0
    for at_s, change in changes:
        passed_s = max(0.0, min(at_s, last_s) - before_s)
        full_s += passed_s if taken == count else 0.0
        taken_s += passed_s * taken
        taken, before_s = taken + change, max(before_s, min(at_s, last_s))
    seconds = last_s - first_s
    return Busy(seconds, full_s / seconds, taken_s / (seconds * count), len(served))


def others_between(served: Sequence[Served]) -> float:
    """On average, how many other first frames are shown between two asks that show the same one:
    what a prefix cache has to keep meanwhile.

    Raises:
        StatisticsError: each is shown once.
    """
    shown = [ask.first_frame for ask in sorted(served, key=lambda ask: ask.taken_s)]
    last: dict[int, int] = {}
    found: list[int] = []
    for place, frame in enumerate(shown):
        if frame in last:
            found.append(len({*shown[last[frame] + 1 : place]}))
        last[frame] = place
    return mean(found)
