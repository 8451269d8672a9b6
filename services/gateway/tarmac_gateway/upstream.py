"""Connections to the backends: one pool per backend, renewed by age.

Opened and closed by app.py with the process, used by proxy.py and openapi.py. A pool that lives
for ever sticks to one replica behind a balancer that works per connection; here a pool takes no
new request after its age, finishes those it has and closes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tarmac_gateway.settings import BackendAddress

#: Below the backends' keep-alive (5 s in uvicorn by default): a request on a connection that the
#: other side is closing is lost, and one with a body cannot be repeated.
KEEPALIVE_S = 4.0
POOL_CONNECTIONS = 512
READ_BUFFER_BYTES = 64 * 1024


@dataclass
class _Pool:
    session: aiohttp.ClientSession
    until: float
    in_flight: int = 0


@dataclass
class Backend:
    """A service behind the gateway: its address and its present pool."""

    address: BackendAddress
    max_age_s: float
    clock: Callable[[], float] = field(default=lambda: asyncio.get_running_loop().time())
    _pool: _Pool | None = None
    _closing: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Lend the present pool for one request."""
        pool = self._current()
        pool.in_flight += 1
        try:
            yield pool.session
        finally:
            pool.in_flight -= 1
            if pool is not self._pool and pool.in_flight == 0:
                await pool.session.close()

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.session.close()
            self._pool = None
        if self._closing:
            await asyncio.gather(*self._closing)

    def _current(self) -> _Pool:
        now = self.clock()
        if self._pool is None or now >= self._pool.until:
            self._retire(self._pool)
            # A tenth of jitter: several gateways must not all reconnect in the same moment.
            age_s = self.max_age_s * random.uniform(0.9, 1.1)  # noqa: S311
            self._pool = _Pool(_open_session(), now + age_s)
        return self._pool

    def _retire(self, pool: _Pool | None) -> None:
        if pool is not None and pool.in_flight == 0:
            closing = asyncio.create_task(pool.session.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


def _open_session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=POOL_CONNECTIONS, keepalive_timeout=KEEPALIVE_S, ttl_dns_cache=10
        ),
        # Time is kept by the proxy's deadline, which knows the caller's own and the body's pace.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        read_bufsize=READ_BUFFER_BYTES,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        trust_env=False,
    )


def make_backends(
    addresses: Mapping[str, BackendAddress], *, max_age_s: float
) -> dict[str, Backend]:
    return {name: Backend(address, max_age_s) for name, address in addresses.items()}
