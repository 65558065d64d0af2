"""Keys: where they are read, and that they show up nowhere."""

from __future__ import annotations

import logging
import re
from base64 import b32encode, b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.base import EngineError
from pipeline.engines.http.api_key import read_key
from pipeline.engines.http.engine import HttpEngine
from pipeline.engines.http.redaction import PIECE_CHARACTERS
from pipeline.engines.sampling import DETAIL_CHARACTERS
from tests.pipeline.engines.contract import replies_to
from tests.pipeline.engines.http.conftest import (
    KEY_VARIABLE,
    SECRET,
    Opener,
    ask_to,
    config_of,
)
from tests.pipeline.engines.server_process import ServerProcess

SERVER = "http://127.0.0.1:1/v1"
ECHOES = ("500_always", "wrong_always", "refused", "400")
"""Behaviours of the server that quote the key it was given."""


@pytest.fixture(params=["environment", "file"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Settings of an engine that lead to the key."""
    if request.param == "environment":
        monkeypatch.setenv(KEY_VARIABLE, SECRET)
        return {"api_key_env": KEY_VARIABLE}
    file = tmp_path / "key"
    file.write_text(f"{SECRET}\n")
    return {"api_key_file": str(file)}


def test_a_key_shows_up_nowhere(
    opened: Opener,
    server: ServerProcess,
    settings: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = opened(**settings)
    asks = [ask_to(f"{do}#{settings}".replace(" ", ""), do) for do in ECHOES]
    replies = replies_to(engine, asks)
    assert all("(key)" in reply.detail for (reply,) in replies), "the server did quote it"
    assert "authorization" in server.seen(asks[0].text.removeprefix("do:"))[0]["headers"]
    with pytest.raises(EngineError) as refused:
        replies_to(engine, [ask_to("401")])
    said = [
        repr(replies),
        repr(refused.value.args),
        repr(vars(engine)),
        repr(engine.metrics),
        engine.version,
        config_of(server, **settings).model_dump_json(),
        repr(config_of(server, **settings)),
        caplog.text,
        *capfd.readouterr(),
    ]
    assert not any(SECRET in text for text in said)
    assert not any(SECRET[:12] in text for text in said)


def encoded(secret: str) -> dict[str, str]:
    data = secret.encode()
    return {
        "upper": secret.upper(),
        "reversed": secret[::-1],
        "blanks": " ".join(secret),
        "lines": "\n".join(secret),
        "dots": ".".join(secret),
        "cut_end": secret[:-9],
        "cut_start": secret[9:],
        "zero_width": "\u200b".join(secret),
        "wide": "".join(chr(ord(char) + 0xFEE0) for char in secret),
        "base64": b64encode(data).decode(),
        "base64_shifted": b64encode(b"12" + data).decode(),
        "base64_url": urlsafe_b64encode(b"1" + data).decode(),
        "base32": b32encode(data).decode(),
        "hex": data.hex(),
        "hex_spaced": data.hex(":"),
        "percent": "".join(f"%{byte:02x}" for byte in data),
        "percent_twice": "".join(f"%25{byte:02x}" for byte in data),
        "html": "".join(f"&#{byte};" for byte in data),
        "escapes": "".join(f"\\u{byte:04x}" for byte in data),
        "hex_escapes": "".join(f"\\x{byte:02x}" for byte in data),
    }


def pieces(text: str, length: int) -> set[str]:
    bare = re.sub("[^a-z0-9]", "", text.lower())
    return {bare[i : i + length] for i in range(len(bare) - length + 1)}


@pytest.mark.parametrize("form", encoded(SECRET))
def test_a_key_that_is_dressed_up_is_taken_out_too(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    key = read_key(config_of(SERVER, api_key_env=KEY_VARIABLE))
    dressed = encoded(SECRET)[form]
    shown = key.redact(f"got {dressed} and no more")
    assert shown.startswith("got ") and shown.endswith(" and no more") and "(key)" in shown
    assert not pieces(shown, PIECE_CHARACTERS) & pieces(dressed, PIECE_CHARACTERS)
    assert key.redact("the key sk is very long: 0123") == "the key sk is very long: 0123"


@pytest.mark.parametrize("form", ["plain", "upper", "reversed", "base64", "hex", "escapes"])
def test_an_answer_that_quotes_the_key_is_none(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    key = read_key(config_of(SERVER, api_key_env=KEY_VARIABLE))
    quoted = {"plain": SECRET, **encoded(SECRET)}[form]
    assert key.is_in(f'{{"text": "{quoted}", "changed": true}}')
    assert not key.is_in('{"text": "a very secret thing, \\u00e9", "changed": true}')


def test_no_row_has_the_key_that_a_server_put_into_its_answer(
    opened: Opener, settings: dict[str, Any]
) -> None:
    ((reply,),) = replies_to(opened(**settings), [ask_to("right_with_key")])
    assert (reply.text, reply.error) == (None, "quotes_key")
    assert SECRET not in reply.detail and "(key)" in reply.detail


@pytest.mark.parametrize("word", ["EMPTY", "password"])
def test_a_key_that_is_a_word_costs_no_answer(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, word)
    key = read_key(config_of(SERVER, api_key_env=KEY_VARIABLE))
    assert not key.is_in(f'{{"text": "the {word} is shown"}}')
    assert key.redact(f"got {word}") == "got (key)"


def test_whoever_is_refused_learns_where_the_key_came_from(
    opened: Opener, settings: dict[str, Any]
) -> None:
    place = settings.get("api_key_env") or settings["api_key_file"]
    with pytest.raises(EngineError, match=rf"status 401\) with the key of the \w+.* {place}"):
        replies_to(opened(**settings), [ask_to("401")])


def test_whoever_gave_no_key_learns_how_to_give_one(opened: Opener) -> None:
    with pytest.raises(EngineError, match="neither api_key_env nor api_key_file"):
        replies_to(opened(), [ask_to("401")])


@pytest.mark.parametrize("found", ["", "  \n", "two words", "k\u00e9y", "a\x00b"])
def test_what_can_be_no_key_is_refused_at_the_start(found: str, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(found, encoding="utf-8")
    with pytest.raises(EngineError, match="holds no key") as refused:
        HttpEngine(config_of(SERVER, api_key_file=file))
    assert str(file) in str(refused.value)
    assert "two words" not in str(refused.value)


def test_a_key_that_is_not_there_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    with pytest.raises(EngineError, match=f"variable {KEY_VARIABLE} holds no key"):
        HttpEngine(config_of(SERVER, api_key_env=KEY_VARIABLE))
    with pytest.raises(EngineError, match="No such file"):
        HttpEngine(config_of(SERVER, api_key_file=tmp_path / "none"))


def test_what_was_said_is_one_short_line_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, SECRET)
    key = read_key(config_of(SERVER, api_key_env=KEY_VARIABLE))
    assert key.redact(f"a\n  {SECRET}\tb") == "a (key) b"
    assert key.redact("\ud800") == "?"
    # The key goes before the text is cut, so that no piece of it stays at the end.
    padding = "x" * (DETAIL_CHARACTERS - 6)
    assert SECRET[:3] not in key.redact(f"{padding}{SECRET}")
    assert len(key.redact("x" * 1000)) == DETAIL_CHARACTERS
