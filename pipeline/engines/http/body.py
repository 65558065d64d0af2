"""The body of an answer, read in pieces up to a limit, however much a server would send."""

from __future__ import annotations

import aiohttp


async def read_body(response: aiohttp.ClientResponse, most_bytes: int) -> tuple[bytes, bool]:
    """At most ``most_bytes`` of a body, unpacked, and whether that is all of it.

    aiohttp unpacks no more at a time than is read. What lies beyond the limit is never read: the
    connection is closed.

    Raises:
        aiohttp.ClientError: the body breaks off, or is packed in a way that is not known.
        asyncio.TimeoutError: the time limit of the request has passed.
    """
    # A buffer: a list of pieces would take forty bytes more for each, and they may have one.
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > most_bytes:
            response.close()
            return bytes(content[:most_bytes]), False
    return bytes(content), True
