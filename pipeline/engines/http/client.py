"""Requests to one server, each with a time limit, retried if they fail for a passing cause."""

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
from pipeline.engines.http.api_key import ApiKey
from pipeline.engines.http.body import read_body
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.errors import (
    PassingError,
    UnreachableError,
    message_of,
    passing_error,
    wait_asked_for,
)
from pipeline.engines.http.metrics import MetricsCounter
from pipeline.engines.http.response import Completion, MalformedError, completion_of
from pipeline.engines.sampling import MEGABYTE

FAILURES_IN_A_ROW = 20
"""After so many failed requests in a row the server is taken to be down."""
FRUITLESS = frozenset({"connection", "timeout", "server_error", "rate_limited"})
"""Errors of a server that does no work; any other error shows that it works."""
UNAUTHORISED = frozenset({401, 402, 403})
NOT_SERVED = frozenset({301, 302, 303, 307, 308, 404, 405})
"""Statuses of an address or a model that the server does not have: every request fails so."""
FIRST_WAIT_S = 0.5
BACKOFF = wait_exponential(FIRST_WAIT_S) + wait_random(0, FIRST_WAIT_S)
"""Seconds between two tries: doubled each time, with jitter, so that requests that failed together
are not sent again together."""
CONNECT_S = 10.0
"""Limit for opening a connection, for hosts that drop packets."""
KEEP_ALIVE_S = 4.0
"""Idle connections are closed before the server does so (uvicorn: after 5 s), so that none is
closed during a request."""

ERROR_BYTES = 1 << 16
"""So much is read of an answer that says what went wrong."""

VERSION = "openai-http"
VERSION_LIMIT_S = 1.0
VERSION_CHARACTERS = 60


class Client:
    """A server that speaks the OpenAI protocol. To be used on one event loop.

    It does not limit how many requests are under way: see ``Limiter``.
    """

    def __init__(self, config: HttpConfig, key: ApiKey, metrics: MetricsCounter) -> None:
        """Connects to nothing yet. Must be called on the event loop."""
        self._config = config
        self._key = key
        self._metrics = metrics
        self._url = f"{config.base_url}/chat/completions"
        self._proxy = proxy_of(config.base_url)
        self._most_bytes = config.answer_megabytes * MEGABYTE
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
        """The protocol, the owner of the model, and the version of the server, as far as known."""
        root = re.sub(r"/v\d+$", "", self._config.base_url)
        models, version = await asyncio.gather(
            self._look_up(f"{self._config.base_url}/models"), self._look_up(f"{root}/version")
        )
        parts = (_owner(models, self._config.model), _text(version, "version"))
        known = (self._key.redact(part)[:VERSION_CHARACTERS] for part in parts)
        return " ".join(filter(None, (VERSION, *known)))

    async def complete(self, body: bytes) -> Completion:
        """The server's answer to a chat completion request.

        Raises:
            RequestError: the request was refused, or failed ``attempts`` times.
            EngineError: the server cannot be reached, refuses the key, does not have the address
                or the model, or ``FAILURES_IN_A_ROW`` requests failed.
        """
        try:
            completion = await self._with_retries(body)
        except RequestError as error:
            self._failed(error)
            raise
        self._failures_in_a_row = 0
        return completion

    async def _with_retries(self, body: bytes) -> Completion:
        try:
            return await self._try(body)
        except PassingError as error:
            # Nearly all succeed at once; they need no retrier, which costs CPU time.
            first = error
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(PassingError),
            stop=stop_after_attempt(self._config.attempts),
            wait=self._wait_s,
            before_sleep=lambda _: self._metrics.retried(),
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
        """The JSON at an address of the server; None if it is not there within a second."""
        limit = aiohttp.ClientTimeout(total=VERSION_LIMIT_S)
        try:
            async with self._session.get(
                url, proxy=self._proxy, timeout=limit, allow_redirects=False
            ) as response:
                if response.status != 200:
                    return None
                content, _ = await read_body(response, self._most_bytes)
                return json.loads(content)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, RecursionError):
            return None

    async def _try(self, body: bytes) -> Completion:
        outcome = await self._outcome(body)
        if isinstance(outcome, Exception):
            # Raised here, where no frame holds what the server sent: it may wait for the next try.
            raise outcome
        return outcome

    async def _outcome(self, body: bytes) -> Completion | RequestError | EngineError:
        self._metrics.tried()
        try:
            # A buffer is sent in pieces; a plain bytes object would be copied whole once more.
            # A redirect is not followed: it could take the key elsewhere.
            async with self._session.post(
                self._url, data=BytesIO(body), proxy=self._proxy, allow_redirects=False
            ) as response:
                is_answer = response.status == 200
                most_bytes = self._most_bytes if is_answer else ERROR_BYTES
                content, whole = await read_body(response, most_bytes)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            return self._broken(error)
        if not is_answer:
            wait_s = wait_asked_for(response.headers.get("Retry-After"))
            return self._fault(response.status, content, wait_s)
        return _completion(content) if whole else _too_large(self._most_bytes)

    def _broken(self, error: Exception) -> PassingError:
        """The error of a request without a whole answer."""
        detail = self._key.redact(f"{type(error).__name__}: {error}")
        match error:
            case aiohttp.ConnectionTimeoutError():
                return UnreachableError(f"no connection within {CONNECT_S:g} s")
            case asyncio.TimeoutError():
                limit = f"no whole answer within {self._config.timeout_s:g} s"
                return PassingError("timeout", limit)
            case aiohttp.ClientConnectorError() | aiohttp.InvalidURL():
                return UnreachableError(detail)
        return PassingError("connection", detail)

    def _fault(self, status: int, content: bytes, wait_s: float) -> RequestError | EngineError:
        if status in UNAUTHORISED:
            # The message is left out: servers quote parts of the key in it.
            return EngineError(
                f"{self._config.base_url} lets no one in (status {status}) with the key of"
                f" {self._key.place}"
            )
        message = message_of(content)
        detail = self._key.redact(f"status {status}: {message}")
        if status in NOT_SERVED:
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


async def get_once(url: str, config: HttpConfig, key: ApiKey, limit_s: float) -> tuple[int, bytes]:
    """Status and body of one GET, without retries.

    Raises:
        RequestError: there is no whole answer within ``limit_s``, or it is too large.
    """
    most_bytes = config.answer_megabytes * MEGABYTE
    limit = aiohttp.ClientTimeout(total=limit_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, headers=key.headers()) as session,
            session.get(url, proxy=proxy_of(url), allow_redirects=False) as response,
        ):
            content, whole = await read_body(response, most_bytes)
    except asyncio.TimeoutError:
        raise RequestError("timeout", f"no whole answer within {limit_s:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        detail = key.redact(f"{type(error).__name__}: {error}")
        raise RequestError("connection", detail) from None
    if not whole:
        raise _too_large(most_bytes)
    return response.status, content


def _completion(content: bytes) -> Completion | PassingError:
    try:
        return completion_of(content)
    except MalformedError as error:
        return PassingError("server_error", str(error))


def _too_large(most_bytes: int) -> RequestError:
    return RequestError("answer_too_large", f"more than {most_bytes / MEGABYTE:g} MB")


def proxy_of(url: str) -> str | None:
    """The proxy that the environment sets for an address; None for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_local(host) or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _owner(models: Any, name: str) -> str:
    """``owned_by`` in the list of models, where vLLM and other servers put their own name."""
    listed = models.get("data") if isinstance(models, dict) else None
    found = [m for m in listed if _text(m, "id") == name] if isinstance(listed, list) else []
    return _text(found[0], "owned_by") if found else ""


def _text(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
