"""The API key of a server, and its removal from every text that is written."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import SecretStr

from pipeline.engines.base import EngineError
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.redaction import Redaction
from pipeline.engines.sampling import one_line


class ApiKey:
    """A secret and where it was read. It is in no repr, and ``redact`` removes it from texts."""

    def __init__(self, secret: SecretStr | None, place: str) -> None:
        """``place`` names the variable or the file, never its content."""
        self._secret = secret
        self._redaction = None if secret is None else Redaction(secret.get_secret_value())
        self.place = place

    def headers(self) -> dict[str, str]:
        """HTTP headers of each request; empty if there is no key."""
        if self._secret is None:
            return {}
        return {"Authorization": f"Bearer {self._secret.get_secret_value()}"}

    def redact(self, text: str) -> str:
        """The text without the key and pieces of it (``Redaction``), as ``one_line`` makes it."""
        return one_line(text if self._redaction is None else self._redaction.redact(text))

    def is_in(self, answer: str) -> bool:
        """Whether an answer, a text or JSON, quotes the whole key in one of its forms."""
        if self._redaction is None:
            return False
        return self._redaction.is_in(answer) or (
            "\\u" in answer and self._redaction.is_in(_unescaped(answer))
        )


def _unescaped(answer: str) -> str:
    try:
        return json.dumps(json.loads(answer), ensure_ascii=False)
    except (ValueError, RecursionError):
        return answer


def read_key(config: HttpConfig) -> ApiKey:
    """The key that a config names.

    Raises:
        EngineError: the variable or file that it names holds no key.
    """
    if config.api_key_env is not None:
        place = f"the environment variable {config.api_key_env}"
        return _key(os.environ.get(config.api_key_env, ""), place)
    if config.api_key_file is not None:
        return _key(_content(config.api_key_file), f"the file {config.api_key_file}")
    return ApiKey(None, "neither api_key_env nor api_key_file")


def _content(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii", "replace")
    except OSError as error:
        raise EngineError(f"the file {path} holds no key: {error.strerror}") from None


def _key(found: str, place: str) -> ApiKey:
    secret = SecretStr(found.strip())
    if not secret:
        raise EngineError(f"{place} holds no key")
    if not all("!" <= character <= "~" for character in secret.get_secret_value()):
        raise EngineError(f"{place} holds no key: it has blanks or characters beyond ASCII")
    return ApiKey(secret, place)
