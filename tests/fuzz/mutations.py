"""What fuzzing does to a file, and to a row of JSON. Pure: the same generator, the same result."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

HEAD_BYTES = 4096
"""Where most containers have their headers."""


def mutated_video(content: bytes, other: bytes, chance: Random) -> bytes:
    """One to four changes to the bytes of a file; ``other`` lends it some of its own."""
    for _ in range(chance.randint(1, 4)):
        content = chance.choice(_CHANGES)(content, other, chance)
    return content


def _flip(content: bytes, other: bytes, chance: Random) -> bytes:
    """Bits anywhere, from one to a hundred."""
    changed = bytearray(content)
    for _ in range(min(len(changed), int(10 ** chance.uniform(0, 2)))):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _head(content: bytes, other: bytes, chance: Random) -> bytes:
    """Bytes in the first or the last few kilobytes, where headers and indices are."""
    changed = bytearray(content)
    span = min(len(changed), HEAD_BYTES)
    start = 0 if chance.random() < 0.5 else len(changed) - span
    for _ in range(chance.randint(1, 8) if span else 0):
        changed[start + chance.randrange(span)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    return bytes(changed)


def _number(content: bytes, other: bytes, chance: Random) -> bytes:
    """A number of two to eight bytes becomes an extreme one: sizes, counts, times, rates."""
    width = chance.choice((2, 4, 8))
    if len(content) < width:
        return content
    extreme = chance.choice((0, 1, (1 << 8 * width) - 1, 1 << 8 * width - 1, (1 << 31) - 1, 0x4000))
    number = (extreme & ((1 << 8 * width) - 1)).to_bytes(width, chance.choice(("big", "little")))
    within = min(len(content), HEAD_BYTES) if chance.random() < 0.7 else len(content)
    at = chance.randrange(max(1, within - width + 1))
    return content[:at] + number + content[at + width :]


def _truncate(content: bytes, other: bytes, chance: Random) -> bytes:
    end = chance.randint(0, len(content))
    return content[:end] if chance.random() < 0.8 else content[end:]


def _duplicate(content: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _block(content, chance)
    at = chance.randint(0, len(content))
    return content[:at] + content[start:end] * chance.randint(1, 3) + content[at:]


def _swap(content: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _block(content, chance)
    at = chance.randint(0, start)
    middle = content[start:end]
    return content[:at] + middle + content[at:start] + content[end:]


def _remove(content: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _block(content, chance)
    return content[:start] + content[end:]


def _noise(content: bytes, other: bytes, chance: Random) -> bytes:
    start, end = _block(content, chance)
    filling = chance.choice((chance.randbytes(end - start), bytes(end - start)))
    return content[:start] + filling + content[end:]


def _splice(content: bytes, other: bytes, chance: Random) -> bytes:
    """The beginning of this file and the end of another."""
    return content[: chance.randint(0, len(content))] + other[chance.randint(0, len(other)) :]


def _block(content: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randint(0, len(content))
    return start, min(len(content), start + int(10 ** chance.uniform(0, 4)))


_CHANGES: tuple[Callable[[bytes, bytes, Random], bytes], ...] = (
    *(_flip, _flip, _head, _head, _number, _number, _number),
    *(_truncate, _duplicate, _swap, _remove, _noise, _splice),
)

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -0.0, 1e-320, 2**63, -(2**63), 10**30, float("nan")),
    *(float("inf"), "", " ", "0", "nan", "\0", "\x1b[31m", "\u202eexe.4pm", "\ud800", "\ufeff"),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "/dev/zero",
        "/proc/self/environ",
        "-rf",
        "--help",
        "%2e%2e",
    ),
    *(
        "file:///etc/passwd",
        "http://127.0.0.1:9/x.mp4",
        "concat:a|b",
        "C:\\x",
        "a" * 300,
        "x" * 70_000,
    ),
    *("{{ 7 * 7 }}", "$(id)", "<|im_end|>", "</Response>", "<script>", "'; DROP TABLE videos; --"),
    *([], {}, [[]], [None], {"": None}, {"__class__": "x"}, [1] * 2000, ["a", {"b": [1, {}]}]),
)


def mutated_line(row: dict[str, Any], chance: Random) -> bytes:
    """A line for the row, with one to three changes to its values or to the line itself."""
    changed: Any = json.loads(json.dumps(row))
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        changed = _changed(changed, chance)
    line = json.dumps(changed, ensure_ascii=chance.random() < 0.7).encode(errors="surrogatepass")
    if chance.random() < 0.15:
        line = chance.choice((_flip, _truncate, _duplicate, _remove, _noise))(line, b"", chance)
    return line.replace(b"\n", b" ").replace(b"\r", b" ")


def _changed(value: Any, chance: Random) -> Any:
    """The value with one change at a random depth."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        others = {k: v for k, v in value.items() if k != key}
        strange = chance.choice(("x", "", "uri ", "unreadable", "duplicate_of"))
        rest: Any = {
            0: others,
            1: {**value, strange: 1},
            2: {**value, key: chance.choice(ODD)},
        }.get(chance.randrange(10))
        return {**value, key: _changed(value[key], chance)} if rest is None else rest
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        middle = chance.choice(([], [value[at]] * chance.randint(2, 50), None, None, None))
        middle = [_changed(value[at], chance)] if middle is None else middle
        return [*value[:at], *middle, *value[at + 1 :]]
    if isinstance(value, (int, float)) and chance.random() < 0.6:
        return value * chance.choice((-1, 1e-9, 1e9, 0.5, 1.5, 2))
    if isinstance(value, str) and chance.random() < 0.3:
        return chance.choice((value * 3, value[:1], value.upper(), f" {value}", "event", "qa"))
    return chance.choice(ODD)
