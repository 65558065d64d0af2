"""Errors of requests, and which of them are retried."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.engines.errors import PassingError as PassingName
from pipeline.engines.errors import RequestError, known_error


class PassingError(RequestError):
    """The request may succeed if it is sent again, after at least ``wait_s`` seconds.

    ``away``: the server itself may not be there, so that a wait for it may be long.
    """

    def __init__(
        self, error: PassingName, detail: str, wait_s: float = 0.0, *, away: bool = False
    ) -> None:
        """See ``RequestError``."""
        super().__init__(error, detail)
        self.wait_s = wait_s
        self.away = away


class UnreachableError(PassingError):
    """No connection to the server could be opened."""

    def __init__(self, detail: str, *, away: bool = True) -> None:
        """See ``PassingError``."""
        super().__init__("connection", detail, away=away)


AWAY = 503
"""The status of a server that loads its model, and of a gateway with none behind it."""
NOT_IMPLEMENTED = 501


def passing_error(status: int, message: str = "") -> PassingName | None:
    """The passing error of an HTTP status; None if the same request would fail again.

    Some servers say under a status of their own failure what no further try mends: llama.cpp
    refuses a picture as 500.
    """
    if status == 429:
        return "rate_limited"
    if status == NOT_IMPLEMENTED or known_error(status, message) is not None:
        return None
    # Beyond the standard codes, gateways have their own for an overload (520 to 529).
    return "server_error" if status >= 500 or status == 408 else None


def message_of(body: bytes) -> str:
    """The error message of a server: from its JSON, else the whole body."""
    text = body.decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
        for name in ("error", "message", "detail"):
            if isinstance(found, dict) and name in found:
                found = found[name]
        return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def wait_asked_for(header: str | None) -> float:
    """Seconds of a ``Retry-After`` header, which is a number or a date; 0 without one."""
    if header is None:
        return 0.0
    if re.fullmatch(r"\d+(\.\d+)?", header.strip()):
        return float(header)
    try:
        until = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return 0.0
    if until.tzinfo is None:
        until = until.replace(tzinfo=timezone.utc)
    return max(0.0, (until - datetime.now(timezone.utc)).total_seconds())
