"""Requests to one server: each with a limit in time, sent again for passing causes alone."""

from __future__ import annotations

import asyncio
import json
import re
from io import BytesIO
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential,
    wait_random,
)

from pipeline.engines.base import EngineError
from pipeline.engines.errors import RequestError, lasting_error
from pipeline.engines.http.api_key import Key
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.errors import (
    PassingError,
    UnreachableError,
    message_of,
    passing_error,
    wait_asked_for,
)
from pipeline.engines.http.metrics import Tally
from pipeline.engines.http.response import Completion, MalformedError, completion_of

FAILURES_IN_A_ROW = 20
"""So many requests in a row that came to nothing mean that the next will not fare better."""
FRUITLESS = frozenset({"connection", "timeout", "server_error", "rate_limited"})
"""Errors of a server that does no work; any other is an answer."""
LETS_NO_ONE_IN = frozenset({401, 402, 403})
NOT_HERE = frozenset({301, 302, 303, 307, 308, 404, 405})
"""Statuses of an address or a model that the server does not have, whatever it is asked."""
FIRST_WAIT_S = 0.5
BACKOFF = wait_exponential(FIRST_WAIT_S) + wait_random(0, FIRST_WAIT_S)
"""How long to leave a server alone: twice as long each time, and a bit that is drawn at random, so
that requests that failed together do not come back together."""
CONNECT_S = 10.0
"""To open a connection. A host that drops packets would otherwise cost a whole try each time."""
KEEP_ALIVE_S = 4.0
"""Shorter than what servers close idle connections after (uvicorn: 5 s), so that none is closed
under a request."""

VERSION = "openai-http"
VERSION_LIMIT_S = 1.0
VERSION_CHARACTERS = 60


class Client:
    """A server that speaks the OpenAI protocol. To be used on one event loop.

    It does not limit how many requests are under way: see ``Limiter``.
    """

    def __init__(self, config: HttpConfig, key: Key, tally: Tally) -> None:
        """Connects to nothing yet. Must be called on the event loop."""
        self._config = config
        self._key = key
        self._tally = tally
        self._url = f"{config.base_url}/chat/completions"
        self._proxy = proxy_of(config.base_url)
        self._failures_in_a_row = 0
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json", **key.headers()},
            timeout=aiohttp.ClientTimeout(total=config.timeout_s, sock_connect=CONNECT_S),
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self._session.close()

    async def version(self) -> str:
        """The protocol, who serves the model, and the version of the server, so far as it says."""
        root = re.sub(r"/v\d+$", "", self._config.base_url)
        models, version = await asyncio.gather(
            self._look_up(f"{self._config.base_url}/models"), self._look_up(f"{root}/version")
        )
        parts = (_owner(models, self._config.model), _text(version, "version"))
        told = (self._key.said(part)[:VERSION_CHARACTERS] for part in parts)
        return " ".join(filter(None, (VERSION, *told)))

    async def complete(self, body: bytes) -> Completion:
        """The server's answer to a chat completion request.

        Raises:
            RequestError: it was refused, or it failed ``attempts`` times.
            EngineError: the server cannot be reached, lets no one in, does not have what is asked
                for, or has not answered for long.
        """
        try:
            completion = await self._try_again(body)
        except RequestError as error:
            self._failed(error)
            raise
        self._failures_in_a_row = 0
        return completion

    async def _try_again(self, body: bytes) -> Completion:
        try:
            return await self._try(body)
        except PassingError as error:
            # What goes well the first time, as nearly all does, is spared the work of a retrier.
            first = error
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PassingError),
            stop=stop_after_attempt(self._config.attempts),
            wait=self._wait_s,
            before_sleep=lambda _: self._tally.retried(),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise first
                return await self._try(body)
        raise AssertionError("the last attempt returns or raises")

    def _wait_s(self, state: RetryCallState) -> float:
        cause = state.outcome.exception() if state.outcome is not None else None
        asked_s = cause.wait_s if isinstance(cause, PassingError) else 0.0
        return min(max(asked_s, BACKOFF(state)), self._config.longest_wait_s)

    async def _look_up(self, url: str) -> Any:
        """The JSON at an address of the server; None where there is none soon."""
        limit = aiohttp.ClientTimeout(total=VERSION_LIMIT_S)
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
            raise UnreachableError(f"no connection within {CONNECT_S:g} s") from None
        except asyncio.TimeoutError:
            limit = f"no whole answer within {self._config.timeout_s:g} s"
            raise PassingError("timeout", limit) from None
        except (aiohttp.ClientConnectorError, aiohttp.InvalidURL) as error:
            raise UnreachableError(self._key.said(f"{type(error).__name__}: {error}")) from None
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
        if status in LETS_NO_ONE_IN:
            # Servers quote parts of a key in what they say to this, so it is not passed on.
            return EngineError(
                f"{self._config.base_url} lets no one in (status {status}) with the key of"
                f" {self._key.place}"
            )
        message = message_of(content)
        detail = self._key.said(f"status {status}: {message}")
        if status in NOT_HERE:
            return EngineError(
                f"{self._url} does not answer for the model {self._config.model} ({detail}):"
                " see base_url and model"
            )
        if (error := passing_error(status)) is not None:
            return PassingError(error, detail, wait_s)
        return RequestError(lasting_error(status, message), detail)

    def _failed(self, error: RequestError) -> None:
        if isinstance(error, UnreachableError):
            raise EngineError(
                f"{self._config.base_url} cannot be reached: {error.detail}"
            ) from None
        failures = self._failures_in_a_row + 1 if error.error in FRUITLESS else 0
        self._failures_in_a_row = failures
        if failures >= FAILURES_IN_A_ROW:
            raise EngineError(
                f"{self._config.base_url} does not answer: {failures} requests in a row failed,"
                f" the last with {error}"
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


def _owner(models: Any, name: str) -> str:
    """Who serves the model, as the list of models has it: vLLM and others give their own name."""
    listed = models.get("data") if isinstance(models, dict) else None
    found = [m for m in listed if _text(m, "id") == name] if isinstance(listed, list) else []
    return _text(found[0], "owned_by") if found else ""


def _text(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
