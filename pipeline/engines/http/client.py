"""Requests to one server, each with a time limit, retried if they fail for a passing cause."""

from __future__ import annotations

import asyncio
import json
from io import BytesIO
from typing import Any

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
    AWAY,
    PassingError,
    UnreachableError,
    message_of,
    passing_error,
    wait_asked_for,
)
from pipeline.engines.http.get import proxy_of, too_large
from pipeline.engines.http.metrics import MetricsCounter
from pipeline.engines.http.outage import Outage
from pipeline.engines.http.response import (
    Completion,
    MalformedError,
    completion_of,
    embedding_of,
)
from pipeline.engines.http.server_facts import ServerFacts, root_of, server_facts
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

PIECE_BYTES = 1 << 16
"""aiohttp sends a buffer in pieces of this size, each when the one before has left. Plain bytes it
sends at once, with less work, and copies what the socket does not take."""

ERROR_BYTES = 1 << 16
"""So much is read of an answer that says what went wrong."""

PROTOCOL = "openai-http"
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
        embeds = config.answers == "vectors"
        self._url = f"{config.base_url}/{'embeddings' if embeds else 'chat/completions'}"
        self._read = embedding_of if embeds else completion_of
        self._proxy = proxy_of(config.base_url)
        self._most_bytes = config.answer_megabytes * MEGABYTE
        self._failures_in_a_row = 0
        self._outage = Outage(config.base_url, config.patience_s, self._why_away)
        self._facts: ServerFacts | None = None
        self._asking = asyncio.Lock()
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
        """The protocol, the owner of the model, and the version of the server, as far as known.

        Raises:
            EngineError: the server is away for too long.
        """
        facts = await self.facts()
        known = (
            self._key.redact(part)[:VERSION_CHARACTERS] for part in (facts.owner, facts.version)
        )
        return " ".join(filter(None, (PROTOCOL, *known)))

    async def facts(self) -> ServerFacts:
        """What the server says of itself, asked for once, when it is there.

        Raises:
            EngineError: it is away for too long.
        """
        if self._facts is not None:
            return self._facts
        async with self._asking:
            if self._facts is None:
                await self._outage.over()
                base, root = self._config.base_url, root_of(self._config.base_url)
                urls = (f"{base}/models", f"{root}/props", f"{root}/version")
                self._facts = server_facts(
                    self._config.model, *await asyncio.gather(*map(self._look_up, urls))
                )
        return self._facts

    async def complete(self, body: bytes) -> Completion:
        """The server's answer to a request for a chat completion, or for an embedding.

        Raises:
            RequestError: the request was refused, or failed ``attempts`` times.
            EngineError: the server is away for longer than ``patience_s``, refuses the key, does
                not have the address or the model, answers with another one, or
                ``FAILURES_IN_A_ROW`` requests failed.
        """
        try:
            completion = await self._with_retries(body)
        except RequestError as error:
            self._failed(error)
            raise
        self._failures_in_a_row = 0
        known = self._facts or ServerFacts()
        if not known.is_model(self._config.model, completion.model):
            raise EngineError(
                f"{self._url} answers as the model {self._key.redact(completion.model)}, not as"
                f" {self._config.model}: correct `model`, which goes into every row"
            )
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

    async def _why_away(self) -> str | None:
        """Why the server is not there; None if it is, whatever it answers or fails to."""
        limit = aiohttp.ClientTimeout(total=CONNECT_S, sock_connect=CONNECT_S)
        try:
            async with self._session.get(
                f"{self._config.base_url}/models",
                proxy=self._proxy,
                timeout=limit,
                allow_redirects=False,
            ) as response:
                if response.status != AWAY:
                    return None
                content, _ = await read_body(response, ERROR_BYTES)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            failure = self._broken(error)
            return failure.detail if failure.away else None
        return self._key.redact(f"status {AWAY}: {message_of(content)}")

    async def _try(self, body: bytes) -> Completion:
        outcome = await self._outcome(body)
        away = isinstance(outcome, PassingError) and outcome.away
        if away and await self._outage.over():
            outcome = await self._outcome(body)
        elif not away:
            self._outage.seen()
        if isinstance(outcome, Exception):
            # Raised here, where no frame holds what the server sent: it may wait for the next try.
            raise outcome
        return outcome

    async def _outcome(self, body: bytes) -> Completion | RequestError | EngineError:
        self._metrics.tried()
        try:
            # A redirect is not followed: it could take the key elsewhere.
            data = body if len(body) <= PIECE_BYTES else BytesIO(body)
            async with self._session.post(
                self._url, data=data, proxy=self._proxy, allow_redirects=False
            ) as response:
                is_answer = response.status == 200
                most_bytes = self._most_bytes if is_answer else ERROR_BYTES
                content, whole = await read_body(response, most_bytes)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            return self._broken(error)
        if not is_answer:
            wait_s = wait_asked_for(response.headers.get("Retry-After"))
            return self._fault(response.status, content, wait_s)
        if not whole:
            return too_large(self._most_bytes)
        try:
            return self._read(content)
        except MalformedError as error:
            return PassingError("server_error", str(error))

    def _broken(self, error: Exception) -> PassingError:
        """The error of a request without a whole answer."""
        detail = self._key.redact(f"{type(error).__name__}: {error}")
        match error:
            case aiohttp.ConnectionTimeoutError():
                return UnreachableError(f"no connection within {CONNECT_S:g} s")
            case asyncio.TimeoutError():
                limit = f"no whole answer within {self._config.timeout_s:g} s"
                return PassingError("timeout", limit)
            case aiohttp.ClientConnectorDNSError() | aiohttp.InvalidURL():
                return UnreachableError(detail, away=False)
            case aiohttp.ClientConnectorError():
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
        if (error := passing_error(status, message)) is not None:
            return PassingError(error, detail, wait_s, away=status == AWAY)
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
