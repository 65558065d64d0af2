"""An ask as the body of a request for a chat completion, or for an embedding."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pipeline.engines.base import Ask, Sampling
from pipeline.engines.frame_cache import FrameCache
from pipeline.engines.frame_label import FrameLabel, label_text
from pipeline.engines.http.config import HttpConfig

_BASE64: FrameCache[bytes] = FrameCache(b64encode)
ENCODER = json.JSONEncoder(separators=(",", ":"))
IMAGE = b'{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,'
IMAGE_END = b'"}}'
NUMBERS_BYTES = 128
"""Space for the fields that differ between the requests of one ask."""


class Body:
    """The request bodies of one ask. Its frames are not copied before ``encode``.

    An embedding of a text alone is asked for as all servers know it (``input``), one of a picture
    with the messages that vLLM takes in its place: the picture without a label, and the text if
    there is any.

    The system message comes first and frames come before the text, so that asks about the same
    frames have the same beginning, which a server can cache. JPEG bytes are sent as stored.
    """

    def __init__(self, config: HttpConfig, ask: Ask, sampling: Sampling) -> None:
        """For the model of ``config``."""
        self._embeds = config.answers == "vectors"
        self._plain = self._embeds and not ask.frames and not ask.system
        self._head = _head(config, ask.answer_schema, sampling)
        self._messages = b'"messages":[' + _system_message(ask.system)
        self._frames = ask.frames
        label: FrameLabel = "none" if self._embeds else config.frame_label
        self._labels = [_label(frame.time_s, label) for frame in ask.frames]
        self._text = _json(_text_part(ask.text) if ask.frames else ask.text)
        self._only_shows = self._embeds and bool(ask.frames) and not ask.text

    @property
    def size_bytes(self) -> int:
        """Upper bound of the size of an encoded body, at most 1 KB above it; cheap to compute."""
        images = sum((len(frame.jpeg) + 2) // 3 * 4 for frame in self._frames)
        labels = sum(map(len, self._labels))
        each = len(IMAGE) + len(IMAGE_END) + 2
        plain = len(self._head) + len(self._messages) + len(self._text) + NUMBERS_BYTES
        return images + labels + each * len(self._frames) + plain

    def encode(self, *, n: int, temperature: float, seed: int) -> bytes:
        """The body that asks for ``n`` samples."""
        return b"".join(self._pieces(n, temperature, seed))

    def _pieces(self, n: int, temperature: float, seed: int) -> Iterator[bytes]:
        yield self._head
        if self._plain:
            yield b',"input":' + self._text + b"}"
            return
        if not self._embeds:
            numbers = _json({"n": n, "temperature": temperature, "seed": seed})
            yield b"," + numbers[1:-1]
        yield b"," + self._messages + b'{"role":"user","content":'
        if self._frames:
            yield b"["
            last = len(self._frames) - 1
            for i, (label, frame) in enumerate(zip(self._labels, self._frames, strict=True)):
                yield label
                yield IMAGE
                yield _BASE64(frame.jpeg)
                yield IMAGE_END
                yield b"" if self._only_shows and i == last else b","
            yield b"" if self._only_shows else self._text
            yield b"]"
        else:
            yield self._text
        yield b"}]}"


class _LastHead(threading.local):
    """The last head that was written in a thread: asks of a node nearly all have the same one."""

    of: tuple[HttpConfig, Mapping[str, Any], Sampling] | None = None
    head = b""


_LAST = _LastHead()


def _head(config: HttpConfig, schema: Mapping[str, Any], sampling: Sampling) -> bytes:
    """The fields that asks of one node share, open at its end."""
    if _LAST.of is not None:
        last_config, last_schema, last_sampling = _LAST.of
        if last_config is config and last_schema is schema and last_sampling == sampling:
            return _LAST.head
    head = _json({"model": config.model, **_fields(config, schema, sampling)})[:-1]
    _LAST.of, _LAST.head = (config, schema, sampling), head
    return head


def _fields(config: HttpConfig, schema: Mapping[str, Any], sampling: Sampling) -> dict[str, Any]:
    if config.answers == "vectors":
        return {"encoding_format": "float", **config.extra_body}
    form = {"name": str(schema.get("title", "Answer")), "schema": schema, "strict": True}
    return {
        "max_tokens": sampling.max_tokens,
        "response_format": {"type": "json_schema", "json_schema": form},
        **config.extra_body,
    }


@lru_cache(maxsize=16)
def _system_message(text: str) -> bytes:
    """With the comma behind it; empty where there is none."""
    return _json({"role": "system", "content": text}) + b"," if text else b""


@lru_cache(maxsize=4096, typed=True)
def _label(time_s: float, label: FrameLabel) -> bytes:
    text = label_text(time_s, label)
    return _json(_text_part(text)) + b"," if text else b""


def _text_part(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _json(value: Any) -> bytes:
    return ENCODER.encode(value).encode("ascii")
