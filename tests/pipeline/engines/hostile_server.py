"""A server of hostile modes, one a path: ``http://127.0.0.1:PORT/MODE/v1``. It has no manners.

    python hostile_server.py PORT_FILE

It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

MEGABYTE = b"x" * (1 << 20)
ENDLESS = 1 << 30
"""Pieces of what has no end."""
BOMB_BYTES = 1 << 26
"""That a bomb unpacks to; its packed form is a thousandth of that."""
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Pieces = AsyncIterator[bytes]


def completion(content: str, **fields: object) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": content}}
    return json.dumps({"choices": [choice], **fields}).encode()


RIGHT = completion(json.dumps({"text": "a", "changed": True}))


def whole(body: bytes, head: str = "", status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{head}\r\n".encode() + body


def opened(head: str = "", status: int = 200) -> bytes:
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode()


PACKED = zlib.compress(bytes(BOMB_BYTES), 1)
GZIPPED = gzip.compress(bytes(BOMB_BYTES), 1)
SEVERAL = GZIPPED * 64
"""Members of one gzip file, which unpack to four gigabytes."""


async def once(body: bytes) -> Pieces:
    yield body


async def endless(head: bytes, piece: bytes, wait_s: float = 0.0) -> Pieces:
    yield head
    for _ in range(ENDLESS):
        yield piece
        if wait_s:
            await asyncio.sleep(wait_s)


def in_chunks(piece: bytes) -> bytes:
    return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


CHUNKED = opened("Transfer-Encoding: chunked\r\n")

MODES: dict[str, Callable[[], Pieces]] = {
    "endless": lambda: endless(opened(), MEGABYTE),
    "endless_chunks": lambda: endless(CHUNKED, in_chunks(MEGABYTE)),
    "one_byte_chunks": lambda: endless(CHUNKED, in_chunks(b"x") * 10_000),
    "long_length": lambda: endless(opened("Content-Length: 7516192768\r\n"), MEGABYTE),
    "endless_error": lambda: endless(opened(status=500), MEGABYTE),
    "endless_refusal": lambda: endless(opened(status=400), MEGABYTE),
    "gzip_bomb": lambda: once(whole(GZIPPED, "Content-Encoding: gzip\r\n")),
    "deflate_bomb": lambda: once(whole(PACKED, "Content-Encoding: deflate\r\n")),
    "gzip_members": lambda: once(whole(SEVERAL, "Content-Encoding: gzip\r\n")),
    "not_gzip": lambda: once(whole(RIGHT, "Content-Encoding: gzip\r\n")),
    "unknown_packing": lambda: once(whole(RIGHT, "Content-Encoding: br\r\n")),
    "trickle": lambda: endless(CHUNKED, in_chunks(b" "), 0.02),
    "long_header": lambda: endless(b"HTTP/1.1 200 OK\r\nX-Long: ", MEGABYTE),
    "many_headers": lambda: endless(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n" * 10_000),
    "long_status": lambda: endless(b"HTTP/1.1 200 ", MEGABYTE),
    "endless_continue": lambda: endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.001),
    "redirect": lambda: once(whole(b"", "Location: /right/v1\r\n", 307)),
    "deep": lambda: once(whole(b"[" * 2_000_000 + b"]" * 2_000_000)),
    "deep_message": lambda: once(whole(b'{"error":' + b"[" * 900 + b"]" * 900 + b"}", "", 500)),
    "deep_refusal": lambda: once(
        whole(
            RIGHT.replace(
                b'"message": {', b'"message": {"refusal": ' + b"[" * 900 + b"]" * 900 + b","
            )
        )
    ),
    "deep_answer": lambda: once(whole(completion("[" * 500_000))),
    "huge_number": lambda: once(
        whole(completion('{"text": "a", "changed": ' + "9" * 100_000 + "}"))
    ),
    "huge_count": lambda: once(
        whole(
            RIGHT[:-1]
            + b', "usage": {"prompt_tokens": '
            + b"9" * 4000
            + b', "completion_tokens": NaN}}'
        )
    ),
    "nan": lambda: once(whole(completion('{"text": "a", "changed": true, "more": NaN}'))),
    "beyond_float": lambda: once(
        whole(completion('{"text": "a", "changed": true, "more": 1e999}'))
    ),
    "twice_the_key": lambda: once(whole(completion('{"text": "a", "text": "b", "changed": true}'))),
    "many_choices": lambda: once(whole(b'{"choices":[' + b"{}," * 1_000_000 + b"{}]}")),
    "many_objects": lambda: once(whole(b"[" + b"{}," * 1_300_000 + b"{}]")),
    "slow_to_repair": lambda: once(whole(completion('{"' * 500_000))),
    "other_content_type": lambda: once(whole(RIGHT, "Content-Type: text/html\r\n")),
    "not_utf8": lambda: once(whole(RIGHT.replace(b"a", b"\xff"))),
    "control_characters": lambda: once(whole(b"\x1b]0;owned\x07\x9b31m \xe2\x80\xae", "", 422)),
    "long_wait": lambda: once(whole(b"", f"Retry-After: {'9' * 400}\r\n", 429)),
    "strange_wait": lambda: once(
        whole(b"", "Retry-After: Mon, 99 Foo 99999 99:99:99 +9999\r\n", 503)
    ),
    "right": lambda: once(whole(RIGHT)),
}


async def serve(reader: Reader, writer: Writer) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.decode().split("\r\n")
            fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            await reader.readexactly(int(fields.get("content-length", 0)))
            mode = lines[0].split()[1].split("/")[1]
            async for piece in MODES[mode]():
                writer.write(piece)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port_file = Path(sys.argv[1])
    beside = port_file.with_suffix(".new")
    beside.write_text(str(server.sockets[0].getsockname()[1]))
    beside.rename(port_file)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
