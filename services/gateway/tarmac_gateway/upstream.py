"""Connections to the backends: one pool per backend, its connections renewed by age.

Opened and closed by app.py with the process, used by proxy.py and openapi.py. A connection that
lives for ever sticks to one replica behind a balancer that works per connection; here it takes no
new request after its age, finishes the one it has and closes.
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from tarmac_gateway.connection import Connection, NoAnswerError
from tarmac_gateway.settings import BackendAddress

#: Below the backends' keep-alive (5 s in uvicorn by default): a request on a connection that the
#: other side is closing is lost, and one with a body cannot be repeated.
KEEPALIVE_S = 4.0
POOL_CONNECTIONS = 512
#: How long a name's addresses are used.
NAMES_S = 10.0
#: Their effect is the same once and twice.
REPEATABLE = frozenset({"GET", "HEAD"})
#: Without a body these say nothing of its length.
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_PORTS = {"http": 80, "https": 443}

RawHeaders = Sequence[tuple[bytes, bytes]]


class Pool:
    """The connections to one address."""

    def __init__(self, url: str, max_age_s: float, clock: Callable[[], float]) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._max_age_s = max_age_s
        self._clock = clock
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._sweep: asyncio.TimerHandle | None = None
        self._names: tuple[float, list[tuple[int, str]]] = (0.0, [])

    async def take(self) -> Connection:
        """Lend a connection, the one that was used last or a new one. Raises NoAnswerError."""
        while True:
            while self._idle:
                connection = self._idle.pop()
                now = self._clock()
                is_fresh = now - connection.idle_since < KEEPALIVE_S and now < connection.until
                if is_fresh and not connection.closed:
                    return connection
                self._drop(connection)
            if len(self._open) + self._opening < POOL_CONNECTIONS:
                return await self._connect()
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._next()  # its turn is another's
                raise

    def give_back(self, connection: Connection) -> None:
        """Take a connection back, with or without its answer's end."""
        now = self._clock()
        if connection.end() and now < connection.until and connection in self._open:
            connection.idle_since = now
            self._idle.append(connection)
            if self._sweep is None:
                loop = asyncio.get_running_loop()
                self._sweep = loop.call_later(KEEPALIVE_S, self._close_idle)
        else:
            self._drop(connection)
        self._next()

    def close(self) -> None:
        """Close all connections."""
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        self._idle.clear()
        for connection in self._open:
            connection.close()
        self._open.clear()

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._open.discard(connection)

    def _close_idle(self) -> None:
        self._sweep = None
        now = self._clock()
        idle, self._idle = self._idle, []
        for connection in idle:
            if now - connection.idle_since < KEEPALIVE_S and not connection.closed:
                self._idle.append(connection)
            else:
                self._drop(connection)
        if self._idle:
            loop = asyncio.get_running_loop()
            self._sweep = loop.call_later(KEEPALIVE_S, self._close_idle)

    async def _connect(self) -> Connection:
        self._opening += 1
        try:
            connection = await self._opened()
            self._open.add(connection)
            return connection
        except OSError as error:
            self._names = (0.0, [])
            self._next()
            raise NoAnswerError(f"no connection ({type(error).__name__}: {error})") from error
        except BaseException:
            self._next()
            raise
        finally:
            self._opening -= 1

    async def _opened(self) -> Connection:
        loop = asyncio.get_running_loop()
        # A tenth of jitter: several gateways must not all reconnect in the same moment.
        age_s = self._max_age_s * random.uniform(0.9, 1.1)  # noqa: S311
        until = self._clock() + age_s
        failed: OSError | None = None
        for family, address in await self._addresses():
            try:
                _, connection = await loop.create_connection(
                    lambda: Connection(loop, until),
                    address,
                    self._port,
                    family=family,
                    ssl=self._tls,
                    server_hostname=self._host if self._tls else None,
                )
            except OSError as error:
                failed = failed or error
            else:
                return connection
        raise failed or OSError(f"{self._host} has no address")

    async def _addresses(self) -> list[tuple[int, str]]:
        loop = asyncio.get_running_loop()
        known_until, known = self._names
        if loop.time() < known_until:
            return known
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        known = [(int(family), str(address[0])) for family, _, _, _, address in found]
        self._names = (loop.time() + NAMES_S, known)
        return known


@dataclass
class Backend:
    """A service behind the gateway: its address and its connections."""

    address: BackendAddress
    max_age_s: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        parts = urlsplit(self.address.url)
        self._pool = Pool(self.address.url, self.max_age_s, self.clock)
        self._host = parts.netloc.encode()
        self._path = parts.path.encode()

    async def ask(
        self,
        method: str,
        target: bytes,
        headers: RawHeaders,
        body: AsyncIterator[bytes] | None = None,
    ) -> Connection:
        """Send a request; return the connection as soon as it has the answer's head.

        `give_back` it when the answer is read, or is not wanted. A kept connection may be closing
        just now: what can be repeated is asked once more on a new one.

        Raises:
            NoAnswerError: the service cannot be reached, or gave no answer. UpstreamError: it
            cannot be read. Whatever the body raises.
        """
        is_measured = any(name.lower() == b"content-length" for name, _ in headers)
        chunked = body is not None and not is_measured
        lines = [b"%b %b HTTP/1.1" % (method.encode(), self._path + target), b"host: " + self._host]
        lines += [b"%b: %b" % header for header in headers]
        if chunked:
            lines.append(b"transfer-encoding: chunked")
        elif body is None and method not in _BODILESS and not is_measured:
            lines.append(b"content-length: 0")
        head = b"\r\n".join([*lines, b"", b""])
        if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1:
            raise ValueError("a header or the address has an end of line in it")
        while True:
            connection = await self._pool.take()
            was_used = connection.is_used
            try:
                connection.ask(head, body, chunked=chunked, head_only=method == "HEAD")
                await connection.head()
            except NoAnswerError:
                self._pool.give_back(connection)
                if not was_used or body is not None or method not in REPEATABLE:
                    raise
            except BaseException:
                self._pool.give_back(connection)
                raise
            else:
                return connection

    def give_back(self, connection: Connection) -> None:
        """Take back what `ask` lent."""
        self._pool.give_back(connection)

    async def close(self) -> None:
        """Close all connections."""
        self._pool.close()


def make_backends(
    addresses: Mapping[str, BackendAddress], *, max_age_s: float
) -> dict[str, Backend]:
    return {name: Backend(address, max_age_s) for name, address in addresses.items()}
