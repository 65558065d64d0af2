"""A server that speaks the OpenAI protocol and does what the prompt tells it to, well or badly.

    python misbehaving_server.py PORT_FILE

A prompt holds ``do:NAME`` or ``do:NAME#ID``. The answer to a good one is made from the prompt and
the frames alone. GET /seen?key=NAME%23ID lists the tries of one marker, GET /most what was under
way at once. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sys
from base64 import b64decode
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from pathlib import Path
from time import monotonic, time
from typing import Any
from urllib.parse import unquote

Body = dict[str, Any]
Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter

seen: dict[str, list[dict[str, Any]]] = {}
under_way = {"requests": 0, "bytes": 0}
most = {"requests": 0, "bytes": 0}


def parts_of(body: Body) -> list[tuple[str, str]]:
    """The contents in order: texts as they are, images as the digest of their bytes."""
    if "input" in body:
        return [("text", body["input"])]
    *before, user = body["messages"]
    found = [(message["role"], message["content"]) for message in before]
    if isinstance(user["content"], str):
        return [*found, ("text", user["content"])]
    for part in user["content"]:
        if part["type"] == "text":
            found.append(("text", part["text"]))
        else:
            jpeg = b64decode(part["image_url"]["url"].split(",")[1])
            found.append(("image", hashlib.sha256(jpeg).hexdigest()))
    return found


def good(body: Body) -> str:
    digest = hashlib.sha256(repr(parts_of(body)).encode()).hexdigest()[:16]
    return json.dumps({"text": digest, "changed": True})


def completion(
    *contents: str | None, finish: str = "stop", refusal: str | None = None, **fields: str
) -> tuple[int, bytes]:
    message = {"role": "assistant", "refusal": refusal}
    choices = [
        {"index": i, "finish_reason": finish, "message": {**message, "content": content}}
        for i, content in enumerate(contents)
    ]
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 10 * len(contents) + 1,
        "prompt_tokens_details": {"cached_tokens": 64},
    }
    return 200, json.dumps({"choices": choices, "usage": usage, **fields}).encode()


def error(status: int, message: str) -> tuple[int, bytes]:
    return status, json.dumps({"error": {"message": message, "code": status}}).encode()


def every(body: Body, content: str) -> tuple[int, bytes]:
    return completion(*[content] * body["n"])


def embedding(body: Body) -> tuple[int, bytes]:
    """Eight numbers, of the prompt and the frames."""
    digest = hashlib.sha256(repr(parts_of(body)).encode()).digest()[:8]
    numbers = [each - 127.5 for each in digest]
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    data = [{"object": "embedding", "index": 0, "embedding": numbers}]
    return 200, json.dumps({"object": "list", "data": data, "model": "m", "usage": usage}).encode()


def simple(name: str, tries: int, body: Body, key: str) -> tuple[int, bytes]:
    """Status and body of those that merely answer."""
    if body.get("encoding_format") == "float":
        return error(400, "no vector of that") if name == "400" else embedding(body)
    right = every(body, good(body))
    warm = body["temperature"] > 0.5
    fence = "```json\n" + good(body) + "\n```"
    answers: dict[str, tuple[int, bytes]] = {
        "ok": right,
        "500_always": error(500, f"broken, with {key} in its hand"),
        "500_twice": right if tries > 2 else error(500, "broken"),
        "503_gateway": (503, b"<html>no backend</html>"),
        "half_json": (200, right[1][: len(right[1]) // 2]),
        "no_choices": (200, b'{"error": {"message": "overloaded"}}'),
        "deep_json": (200, b"[" * 100_000),
        "wrong_always": every(body, f'{{"other": "{key}"}}'),
        "right_with_key": every(body, json.dumps({"text": f"It is {key}.", "changed": True})),
        "wrong_type": every(body, '{"text": 3, "changed": true}'),
        "wrong_then_right": right if warm else every(body, "I think so."),
        "wrong_then_500": every(body, "I think so.") if tries == 1 else error(500, "broken"),
        "one_then_500": completion(good(body)) if tries == 1 else error(500, "broken"),
        "half_right": completion(*[good(body), "?", "?"][: body["n"]]) if not warm else right,
        "mendable": every(body, '{"text": "mended", "changed": true'),
        "fenced": every(body, fence),
        "surrogate": (200, right[1].replace(b'"content": "', b'"content": "\\ud800')),
        "surrogate_inside": every(body, good(body).replace(': "', ': "\\ud800')),
        "truncated": completion(*['{"text": "a'] * body["n"], finish="length"),
        "truncated_then_right": right if warm else completion('{"te', finish="length"),
        "loop": every(body, json.dumps({"text": "The deed is set apart. " * 17, "changed": True})),
        "other_model": completion(good(body), model="tiny"),
        "no_pictures": error(500, "image input is not supported - hint: provide the mmproj"),
        "too_long_500": error(500, "the request exceeds the available context size"),
        "501": error(501, "no such feature"),
        "refused": completion(*[None] * body["n"], refusal=f"I will not, {key}"),
        "filtered": completion(*[""] * body["n"], finish="content_filter"),
        "empty": every(body, ""),
        "null": completion(*[None] * body["n"]),
        "one_choice": completion(good(body)),
        "one_choice_only": right if body["n"] == 1 else error(400, "n must be 1"),
        "more_choices": completion(*[good(body)] * (body["n"] + 2)),
        "400": error(400, f"no such thing as {key} " + "x" * 500),
        "404": error(404, "no such model"),
        "413": (413, b"too large"),
        "422": (422, b'{"detail": [{"msg": "bad"}]}'),
        "too_long": error(400, "This model's maximum context length is 4096 tokens."),
        "401": error(401, f"Incorrect API key provided: {key}"),
        "403": error(403, f"{key} may not"),
        "redirect": (307, b""),
        "429_long": right if tries > 1 else error(429, "slow down"),
        "429_always": error(429, "slow down"),
        "429_once": right if tries > 1 else error(429, "slow down"),
        "429_date": right if tries > 1 else error(429, "slow down"),
        "stall": right,
        "shuffled": right,
        "under_way": right,
        "until_3": right,
        "until_5": right,
    }
    return answers[name]


async def cut(reader: Reader, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    await writer.drain()


async def hang_up(reader: Reader, writer: Writer) -> None:
    writer.transport.abort()


async def hang(reader: Reader, writer: Writer) -> None:
    while not reader.at_eof():
        await asyncio.sleep(0.02)


async def trickle(reader: Reader, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


ODD: dict[str, Callable[[Reader, Writer], Awaitable[None]]] = {
    "cut": cut,
    "hang_up": hang_up,
    "hang": hang,
    "trickle": trickle,
}


def delay_s(name: str, body: Body) -> float:
    if name == "shuffled":
        return int(hashlib.sha256(repr(parts_of(body)).encode()).hexdigest()[:4], 16) % 50 / 1000
    return {"stall": 600.0, "under_way": 0.05}.get(name, 0.0)


async def wait(reader: Reader, name: str, body: Body) -> None:
    """Waits as long as the client does: for a time, or until so many requests came together."""
    until_s = monotonic() + delay_s(name, body)
    together = int(name.removeprefix("until_")) if name.startswith("until_") else 0
    while monotonic() < until_s or most["requests"] < together:
        if reader.at_eof():
            raise ConnectionResetError
        await asyncio.sleep(min(max(until_s - monotonic(), 0.001), 0.02))


def extra_headers(name: str) -> str:
    value = {
        "429_once": "1",
        "429_long": "600",
        "429_always": "0",
        "429_date": formatdate(time() + 2, usegmt=True),
    }
    location = "Location: /elsewhere\r\n" if name == "redirect" else ""
    return (f"Retry-After: {value[name]}\r\n" if name in value else "") + location


def send(writer: Writer, status: int, body: bytes, extra: str = "") -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    writer.write(head.encode() + body)


def look_up(path: str) -> tuple[int, Any]:
    if path.startswith("/seen?key="):
        return 200, seen.get(unquote(path.partition("=")[2]), [])
    found = {
        "/most": {**most, "now": under_way["requests"]},
        "/version": {"version": "1.2.3"},
        "/v1/models": {"data": [{"id": "other"}, {"id": "m", "owned_by": "tester"}]},
    }
    return (200, found[path]) if path in found else (404, {})


def note(raw: bytes, headers: dict[str, str]) -> tuple[str, int, Body]:
    """What the prompt tells to do, for which time, and the body of the request."""
    body = json.loads(raw)
    parts = parts_of(body)
    named = (k for kind, text in parts if kind == "text" for k in re.findall(r"do:(\S+)", text))
    key = next(named, "ok")
    tries = seen.setdefault(key, [])
    plain = {k: v for k, v in body.items() if k != "messages"}
    tries.append({"parts": parts, "headers": sorted(headers), "body": plain})
    return key.partition("#")[0], len(tries), body


async def complete(
    reader: Reader, writer: Writer, headers: dict[str, str]
) -> tuple[int, bytes, str] | None:
    """Status, body and further headers of an answer; None where there is none to come."""
    raw = await reader.readexactly(int(headers["content-length"]))
    name, tries, body = note(raw, headers)
    if name in ODD:
        await ODD[name](reader, writer)
        return None
    await wait(reader, name, body)
    secret = headers.get("authorization", "").removeprefix("Bearer ")
    return (*simple(name, tries, body, secret), extra_headers(name))


async def serve_one(reader: Reader, writer: Writer) -> bool:
    """Whether the connection stays open after it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    if head[0].startswith("GET"):
        status, found = look_up(head[0].split()[1])
        send(writer, status, json.dumps(found).encode())
        return True
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
    taken = {"requests": 1, "bytes": int(headers["content-length"])}
    for name, value in taken.items():
        under_way[name] += value
        most[name] = max(most[name], under_way[name])
    try:
        answer = await complete(reader, writer, headers)
    finally:
        for name, value in taken.items():
            under_way[name] -= value
    if answer is not None:
        send(writer, *answer)
    return answer is not None


async def serve(reader: Reader, writer: Writer) -> None:
    try:
        while await serve_one(reader, writer):
            pass
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
