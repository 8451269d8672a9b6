"""A pool of asyncpg connections with migrations, deadlines and hooks after commit.

Made by `Chassis.database`, opened by the chassis when the process starts. It waits for a server
that is not there yet and drops dead connections, but never repeats a statement. A connection that
grew old is closed when it comes back: a balancer before the database decides per connection.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from tarmac_kit import deadline, migrations
from tarmac_kit.jsons import dumps
from tarmac_kit.logs import get_logger, without_credentials
from tarmac_kit.problems import Problem

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.connection import LoggedQuery

    from tarmac_kit.pooled import PooledConnection

    Connection = asyncpg.Connection[Any]
    Pool = asyncpg.Pool[Any]

T = TypeVar("T")

#: A connection that rested longer is asked before it is handed out: its server may be gone.
_CHECK_AFTER_S = 5.0
#: The longest that a request waits for a connection; its deadline may be sooner.
ACQUIRE_S = 2.0
#: The shortest time that opening a connection may take.
CONNECT_S = 2.0
#: A server that hangs is given up after this; a statement may have a longer timeout of its own.
_COMMAND_S = 30.0
#: A connection that lives longer sticks to the server that it found when it began.
MAX_AGE_S = 300.0


class DatabaseUnavailable(Problem):
    """The database cannot be reached or has no connection free; try again."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            503,
            "database_unavailable",
            "The database is not available",
            detail,
            headers={"Retry-After": "1"},
        )


class DatabaseFull(DatabaseUnavailable):
    """The database's disk is full: what only reads still works; a write may after a while."""

    def __init__(self, detail: str) -> None:
        Problem.__init__(
            self,
            503,
            "database_full",
            "The database has no room",
            detail,
            headers={"Retry-After": "10"},
        )


class DatabaseReadOnly(DatabaseUnavailable):
    """The database takes no writes: it was demoted, or is being looked after; try again."""

    def __init__(self, detail: str) -> None:
        Problem.__init__(
            self,
            503,
            "database_read_only",
            "The database takes no writes now",
            detail,
            headers={"Retry-After": "1"},
        )


def connection_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions that mean "the connection is gone", not "the statement is wrong"."""
    import asyncpg  # noqa: PLC0415 - only with a database

    return (
        OSError,  # TimeoutError and ConnectionError are OSErrors
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        # "cannot switch to state": the server said goodbye to a connection that rested, and its
        # end is not there yet.
        asyncpg.InternalClientError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.CannotConnectNowError,
        asyncpg.TooManyConnectionsError,
    )


def unkeepable() -> type[Exception]:
    """Return the exception that means "no column can hold this value": a NUL in a text."""
    import asyncpg  # noqa: PLC0415 - only with a database

    return asyncpg.DataError


def reason_of(text: str) -> str:
    """Return an error's text as a column can hold it, and not all of a long one."""
    return text.replace("\0", "")[:2000]


def is_lost(conn: Any) -> bool:
    """Say whether the connection is gone; of one that the pool took back, the question raises."""
    try:
        return bool(conn.is_closed())
    except connection_errors():
        return True


async def until_reachable(
    name: str,
    act: Callable[[], Awaitable[T]],
    gone: tuple[type[Exception], ...] = (DatabaseUnavailable,),
) -> T:
    """Do what a process needs at its start, again with backoff while a database is away.

    Other errors are raised at once; waiting ends only by cancellation.

    Args:
        name: what is waited for, in the log.
        gone: the exceptions that say that it is away.
    """
    delay_s = 0.05
    while True:
        try:
            return await act()
        except gone as error:
            why = error.__cause__ or error.detail if isinstance(error, Problem) else error
            get_logger().warning(
                "database is not reachable yet",
                database=name,
                error=without_credentials(str(why)) or type(error).__name__,
            )
            await asyncio.sleep(delay_s * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
            delay_s = min(delay_s * 2, 2.0)


async def _prepare(conn: Connection) -> None:
    for kind in ("json", "jsonb"):
        await conn.set_type_codec(
            kind, encoder=dumps, decoder=json.loads, schema="pg_catalog", format="text"
        )


class Database:
    """One database of a service. json and jsonb columns are Python values."""

    #: The class of the connections, if it is another. A process that counts its steps sets it.
    connection_class: ClassVar[type[PooledConnection] | None] = None

    def __init__(
        self,
        url: str | Path,
        *,
        name: str = "database",
        pool_max: int = 10,
        max_age_s: float = MAX_AGE_S,
        acquire_s: float = ACQUIRE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take where it is, the most connections, and how long each and a request for one last.

        Args:
            url: of the server; or the file that has it, which is read for each new connection, so
                that it may change while this process runs.
            max_age_s: the seconds after which a connection is not used again.
            acquire_s: how long a request waits for a connection.
        """
        self._url = url
        self.name = name
        self._pool_max = pool_max
        self._pool: Pool | None = None
        self._sources: dict[str, Traversable] = {}
        self._after: dict[int, list[Callable[[], None]]] = {}
        self._rested: dict[int, float] = {}
        self._max_age_s = max_age_s
        self._acquire_s = acquire_s
        self._clock = clock
        self._ends_at: dict[int, float] = {}
        #: Called with each statement of the pool's connections; unset unless spans are sent.
        self.on_statement: Callable[[LoggedQuery], None] | None = None

    def add_migrations(self, part: str, folder: Traversable) -> None:
        """Let `open` apply the files of `folder` under the name `part`; before `open` only."""
        self._sources[part] = folder

    @property
    def url(self) -> str:
        """Its URL as of now. Raises OSError if the file that has it cannot be read."""
        return self._url if isinstance(self._url, str) else self._url.read_text().strip()

    async def _dial(self, *_: Any, **how: Any) -> Connection:
        """Open a connection to where the server is now, for asyncpg, which knows another URL."""
        import asyncpg  # noqa: PLC0415 - only with a database

        try:
            conn: Connection = await asyncpg.connect(self.url, **how)
        except asyncpg.InvalidAuthorizationSpecificationError as error:
            if isinstance(self._url, str):
                raise
            # Its user is gone already, and the file has not got the next one.
            raise ConnectionRefusedError(f"{self._url}: its user is refused ({error})") from error
        return conn

    async def connect(
        self, *, timeout_s: float = 2.0, command_timeout_s: float | None = None
    ) -> Connection:
        """Return a new connection outside the pool; the caller closes it.

        Args:
            command_timeout_s: the longest a statement may take; None for those that may wait.
        """
        import asyncpg  # noqa: PLC0415 - only with a database

        conn = await self._dial(
            timeout=timeout_s,
            command_timeout=command_timeout_s,
            connection_class=self.connection_class or asyncpg.Connection,
        )
        await _prepare(conn)
        return conn

    async def open(self) -> None:
        """Wait for the server with backoff, apply the migrations, open the pool.

        Raises MigrationError at once; waiting ends only by cancellation.
        """
        if self._pool is None:
            await until_reachable(self.name, self._open, connection_errors())

    async def migrate(self) -> int:
        """Wait as `open` does, apply the migrations and return how many; no pool is opened."""
        return await until_reachable(self.name, self._migrate, connection_errors())

    async def _migrate(self) -> int:
        pending = tuple(
            migration
            for part, folder in self._sources.items()
            for migration in migrations.read(part, folder)
        )
        conn = await self.connect()
        try:
            return await migrations.apply(conn, pending)
        finally:
            conn.terminate()

    async def _open(self) -> None:
        import asyncpg  # noqa: PLC0415 - only with a database

        from tarmac_kit.pooled import PooledConnection, clear  # noqa: PLC0415 - as above

        await self._migrate()
        self._pool = await asyncpg.create_pool(
            connect=self._dial,
            # asyncpg restores a floor by itself, loudly, while the server is away.
            min_size=0,
            max_size=self._pool_max,
            # As long as a request may wait: it must not be refused earlier because a busy server
            # took long to open the connection that it waits for.
            timeout=max(CONNECT_S, self._acquire_s),
            command_timeout=_COMMAND_S,
            init=self._begin,
            reset=clear,
            connection_class=self.connection_class or PooledConnection,
        )

    async def close(self) -> None:
        """Close the pool; connections in use have two seconds to come back."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(2.0):
                await pool.close()
        except connection_errors():
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Give a connection of the pool; each statement is a transaction of its own.

        Raises DatabaseUnavailable when there is none within 2 s (or the deadline), or when it is
        lost on the way; DatabaseFull when a statement found no room on the server's disk,
        DatabaseReadOnly when the server takes no writes.
        """
        import asyncpg  # noqa: PLC0415 - only with a database

        if self._pool is None:
            raise DatabaseUnavailable(f"{self.name} is not open yet")
        gone = connection_errors()
        conn = await self._acquire(self._pool)
        try:
            yield conn
        except asyncpg.DiskFullError as error:
            get_logger().error("database has no room", database=self.name, error=str(error))
            raise DatabaseFull(f"{self.name}: no room for more; try again later") from error
        except asyncpg.ReadOnlySQLTransactionError as error:
            get_logger().error("database takes no writes", database=self.name)
            # After a failover the server that it leads to stays as it is: the next one asks again.
            self._ends_at[conn.get_server_pid()] = self._clock()
            raise DatabaseReadOnly(f"{self.name}: takes no writes now; try again") from error
        except gone as error:
            if not is_lost(conn):
                # Not the connection's: a file, a call, or a wrong use of asyncpg.
                raise
            raise DatabaseUnavailable(f"{self.name}: the connection was lost") from error
        finally:
            await self._release(self._pool, conn)

    @asynccontextmanager
    async def transaction(self, *, isolation: Any = None) -> AsyncIterator[Connection]:
        """Give a connection inside BEGIN .. COMMIT; an exception rolls back."""
        hooks: list[Callable[[], None]] = []
        async with self.connection() as conn:
            self._after[id(conn)] = hooks
            try:
                async with conn.transaction(isolation=isolation):
                    yield conn
            finally:
                del self._after[id(conn)]
        for hook in hooks:
            hook()

    def after_commit(self, conn: Connection, hook: Callable[[], None]) -> None:
        """Call `hook` when the transaction of `conn` is committed; on another connection never."""
        hooks = self._after.get(id(conn))
        if hooks is not None:
            hooks.append(hook)

    async def ping(self) -> None:
        """Ask the server one thing; raise if it does not answer.

        A pool that is all in use says nothing against the server: then on a connection beside it.
        """
        pool = self._pool
        if pool is not None and not pool.get_idle_size() and pool.get_size() == self._pool_max:
            beside = await self.connect(timeout_s=1.0)
            beside.terminate()
            return
        async with self.connection() as conn:
            await conn.fetchval("select 1", timeout=1.0)

    async def _begin(self, conn: Connection) -> None:
        await _prepare(conn)
        if self.on_statement is not None:
            conn.add_query_logger(self.on_statement)
        if len(self._ends_at) > 4 * self._pool_max:
            self._ends_at.clear()  # the pool dropped connections; what lost its time here ends
        # Not all at the same time: those of a burst would be renewed in one.
        age_s = self._max_age_s * random.uniform(0.8, 1.0)  # noqa: S311 - jitter
        self._ends_at[conn.get_server_pid()] = self._clock() + age_s

    async def _acquire(self, pool: Pool) -> Connection:
        """Take a connection; one that rested and turns out dead is replaced once."""
        gone = connection_errors()
        for last in (False, True):
            timeout_s = deadline.limit_s(self._acquire_s)
            try:
                conn: Any = await pool.acquire(timeout=timeout_s)
            except TimeoutError:
                raise DatabaseUnavailable(
                    f"{self.name}: no connection within {timeout_s:.1f} s"
                ) from None
            except gone as error:
                raise DatabaseUnavailable(f"{self.name} cannot be reached") from error
            rested_at = self._rested.pop(conn.get_server_pid(), None)
            if rested_at is None or time.monotonic() - rested_at < _CHECK_AFTER_S:
                return conn  # type: ignore[no-any-return]
            try:
                await conn.fetchval("select 1", timeout=1.0)
            except gone as error:
                if not is_lost(conn):
                    conn.terminate()
                await pool.release(conn)
                if last:
                    raise DatabaseUnavailable(f"{self.name} cannot be reached") from error
            else:
                return conn  # type: ignore[no-any-return]
        raise AssertionError("unreachable")

    async def _release(self, pool: Pool, conn: Any) -> None:
        gone = connection_errors()
        try:
            if not is_lost(conn):
                pid = conn.get_server_pid()
                if self._clock() >= self._ends_at.get(pid, 0.0):
                    self._ends_at.pop(pid, None)
                    await conn.close(timeout=1.0)
                else:
                    if len(self._rested) > 4 * self._pool_max:
                        self._rested.clear()  # connections that were dropped never come for theirs
                    self._rested[pid] = time.monotonic()
            await pool.release(conn)
        except gone:
            # The server went away while the connection was reset; the pool has dropped it.
            get_logger().info("a dead connection was dropped", database=self.name)
