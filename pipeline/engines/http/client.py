"""Requests to one server: each with a limit in time, sent again for passing causes alone."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from ipaddress import ip_address
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from pipeline.engines.base import EngineError
from pipeline.engines.http.answer import Completion, MalformedError, completion_of
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.counts import Tally
from pipeline.engines.http.faults import (
    PassingError,
    RequestError,
    lasting_error,
    message_of,
    passing_error,
    wait_asked_for,
)
from pipeline.engines.http.key import Key

FAILURES_IN_A_ROW = 20
"""So many requests in a row that came to nothing mean that the server is gone."""
GONE = frozenset({"connection", "timeout", "server_error"})
"""Errors of a server that may be gone; any other is an answer of one that is there."""
FIRST_WAIT_S = 0.5
CONNECT_S = 10.0
"""To open a connection. A host that drops packets would otherwise cost a whole try each time."""
KEEP_ALIVE_S = 4.0
"""Shorter than what servers close idle connections after (uvicorn: 5 s), so that none is closed
under a request."""


class Client:
    """A server that speaks the OpenAI protocol. To be used on one event loop.

    It does not limit how many requests are under way: see ``Room``.
    """

    def __init__(self, config: HttpConfig, key: Key, tally: Tally) -> None:
        """Connects to nothing yet. Must be called on the event loop."""
        self._config = config
        self._key = key
        self._tally = tally
        self._url = f"{config.base_url}/chat/completions"
        self._proxy = proxy_of(config.base_url)
        self._failures_in_a_row = 0
        self._backoff = wait_exponential_jitter(
            initial=FIRST_WAIT_S, jitter=FIRST_WAIT_S, max=config.longest_wait_s
        )
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", **key.headers()},
            timeout=aiohttp.ClientTimeout(total=config.timeout_s, sock_connect=CONNECT_S),
        )

    async def __aenter__(self) -> Client:
        """The client itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes all connections."""
        await self._session.close()

    async def complete(self, body: bytes) -> Completion:
        """The server's answer to a chat completion request.

        Raises:
            RequestError: it was refused, or it failed ``attempts`` times.
            EngineError: the server refuses the key, or has not answered for long.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PassingError),
            stop=stop_after_attempt(self._config.attempts),
            wait=self._wait_s,
            before_sleep=lambda _: self._tally.retried(),
            reraise=True,
        )
        try:
            completion: Completion = await retrying(self._try, body)
        except RequestError as error:
            self._failed(error)
            raise
        self._failures_in_a_row = 0
        return completion

    async def look_up(self, url: str, limit_s: float) -> Any:
        """The JSON at an address of the server; None where there is none within ``limit_s``."""
        limit = aiohttp.ClientTimeout(total=limit_s)
        try:
            async with self._session.get(
                url, proxy=self._proxy, timeout=limit, allow_redirects=False
            ) as response:
                return json.loads(await response.read()) if response.status == 200 else None
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, RecursionError):
            return None

    async def _try(self, body: bytes) -> Completion:
        self._tally.tried()
        try:
            # A buffer is sent in pieces; a plain bytes object would be copied whole once more.
            # A redirect is not followed: it could take the key elsewhere.
            async with self._session.post(
                self._url, data=BytesIO(body), proxy=self._proxy, allow_redirects=False
            ) as response:
                content = await response.read()
        except aiohttp.ConnectionTimeoutError:
            raise PassingError("connection", f"no connection within {CONNECT_S:g} s") from None
        except asyncio.TimeoutError:
            limit = f"no whole answer within {self._config.timeout_s:g} s"
            raise PassingError("timeout", limit) from None
        except (aiohttp.ClientError, OSError) as error:
            detail = self._key.said(f"{type(error).__name__}: {error}")
            raise PassingError("connection", detail) from None
        if response.status != 200:
            wait_s = wait_asked_for(response.headers.get("Retry-After"))
            raise self._fault(response.status, content, wait_s)
        try:
            return completion_of(content)
        except MalformedError as error:
            raise PassingError("server_error", str(error)) from None

    def _fault(self, status: int, content: bytes, wait_s: float) -> RequestError | EngineError:
        if status in (401, 403):
            # Servers quote parts of a key in what they say to this, so it is not passed on.
            return EngineError(
                f"{self._config.base_url} lets no one in (status {status}) with the key of"
                f" {self._key.place}"
            )
        message = message_of(content)
        detail = self._key.said(f"status {status}: {message}")
        if (error := passing_error(status)) is not None:
            return PassingError(error, detail, wait_s)
        return RequestError(lasting_error(status, message), detail)

    def _wait_s(self, state: RetryCallState) -> float:
        cause = state.outcome.exception() if state.outcome is not None else None
        asked_s = cause.wait_s if isinstance(cause, PassingError) else 0.0
        return min(max(asked_s, self._backoff(state)), self._config.longest_wait_s)

    def _failed(self, error: RequestError) -> None:
        self._failures_in_a_row = self._failures_in_a_row + 1 if error.error in GONE else 0
        if self._failures_in_a_row >= FAILURES_IN_A_ROW:
            raise EngineError(
                f"{self._config.base_url} does not answer: {self._failures_in_a_row} requests in a"
                f" row failed, the last with {error}"
            ) from None


def proxy_of(url: str) -> str | None:
    """The proxy that the environment names for an address; never one for this very machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_here(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
