"""HTTP over aiohttp for every client of a process: one pool, connections recycled by age.

Used by `Client` and the token verifier. It makes one attempt and decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from tarmac_kit.client import Request, Response, Transport, TransportError

#: A pool that lives longer sticks to the replicas it found when it began.
MAX_AGE_S = 60.0


class _Pool:
    """One aiohttp session, closed when it is retired and its last request is done."""

    def __init__(self, born_at: float) -> None:
        import aiohttp  # noqa: PLC0415 - 80 ms of import, only where something is called

        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=256, keepalive_timeout=15, ttl_dns_cache=10),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=True,
        )
        self.born_at = born_at
        self.in_use = 0
        self.retired = False

    async def leave(self) -> None:
        self.in_use -= 1
        if self.retired and self.in_use == 0:
            await self.session.close()


def json_fetcher(
    transport: Transport, url: str, *, timeout_s: float = 2.0
) -> Callable[[], Awaitable[Any]]:
    """Return a function that GETs `url` and returns its JSON; it raises on anything but 200."""

    async def fetch() -> Any:
        answer = await transport(Request("GET", url, {}, None, timeout_s))
        if answer.status != 200:
            raise TransportError(f"{url} answered {answer.status}")
        return answer.json()

    return fetch


class HttpTransport:
    """Makes attempts; opened by the first of them."""

    def __init__(self, *, max_age_s: float = MAX_AGE_S) -> None:
        self._max_age_s = max_age_s
        self._pool: _Pool | None = None

    async def __call__(self, request: Request) -> Response:
        import aiohttp  # noqa: PLC0415 - as above

        pool = await self._take()
        try:
            async with pool.session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                timeout=aiohttp.ClientTimeout(total=request.timeout_s),
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status, headers, body)
        except TimeoutError:
            raise
        except (aiohttp.ClientError, OSError) as error:
            raise TransportError(type(error).__name__) from error
        finally:
            await pool.leave()

    async def close(self) -> None:
        """Close the connections."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.session.close()

    async def _take(self) -> _Pool:
        now = time.monotonic()
        if self._pool is None or now - self._pool.born_at >= self._max_age_s:
            old, self._pool = self._pool, _Pool(now)
            if old is not None:
                old.retired = True
                if old.in_use == 0:
                    await old.session.close()
            # The awaits above may have let another caller retire this pool already.
        pool = self._pool
        pool.in_use += 1
        return pool
