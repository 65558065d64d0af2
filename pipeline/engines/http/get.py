"""A single GET, and the proxy for an address."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from pipeline.engines.errors import RequestError
from pipeline.engines.http.api_key import ApiKey
from pipeline.engines.http.body import read_body
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.sampling import MEGABYTE


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
        raise too_large(most_bytes)
    return response.status, content


def too_large(most_bytes: int) -> RequestError:
    """The error of an answer of more than so many bytes."""
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
