"""The stream of a logical replication slot, for asyncio, on psycopg2's replication connection.

Used by the capture service. It reads without blocking and leaves the waiting to the event loop.

Nothing is sent to the server while something was read and not confirmed. psycopg2 moves the
position that it reports on to the server's own, when the last change that it read was written
before the last confirmed position. With transactions that overlap that says nothing of the
ones between: what they hold would be confirmed unpublished (a test shows it).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg2
import psycopg2.errors
from psycopg2.extras import LogicalReplicationConnection

from tarmac_capture.values import SESSION

#: A reader whose machine is silent for this long is given up, so that another can take over.
SILENCE_S = 10.0
#: How often a quiet stream's position is moved on, so that no log is kept for it.
IDLE_S = 0.5
#: The server asks no sign of life of a reader that waits for its broker: TCP's own is enough.
_CONNECTION: Mapping[str, str] = {
    "wal_sender_timeout": "0",
    "tcp_keepalives_idle": "4",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": f"{SILENCE_S * 1000:.0f}",
}


class SlotInUse(Exception):
    """Another connection reads the slot."""


class StreamLost(ConnectionError):
    """The stream ended: the server, the connection or the slot is gone."""


class Stream:
    """An open stream; made by `open_stream`, closed by its user."""

    def __init__(self, connection: Any, cursor: Any) -> None:
        self._connection = connection
        self._cursor = cursor
        #: Whether something was read that is not confirmed.
        self._held = False
        self._moving = asyncio.create_task(self._move_on(), name="replication feedback")

    async def read(self, limit: int) -> Sequence[bytes]:
        """Return what has come, up to `limit` messages; waits for the first.

        Raises StreamLost.
        """
        while True:
            found: list[bytes] = []
            with _errors():
                while len(found) < limit:
                    message = self._cursor.read_message()
                    if message is None:
                        break
                    found.append(message.payload)
            if found:
                self._held = True
                return found
            if self._moving.done():
                raise StreamLost("the confirmed position cannot be sent to the server")
            await self._readable()

    def confirm(self, lsn: int = 0) -> None:
        """Say that all that was read is published; raises StreamLost.

        Args:
            lsn: the end of the last transaction that was read to its end; 0 for none.
        """
        self._held = False
        if lsn:
            with _errors():
                self._cursor.send_feedback(write_lsn=lsn, flush_lsn=lsn, force=True)

    async def close(self) -> None:
        """End the connection; what was not confirmed is sent again to the next reader."""
        self._moving.cancel()
        await asyncio.gather(self._moving, return_exceptions=True)
        with contextlib.suppress(Exception):
            self._connection.close()

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        with _errors():
            descriptor = self._connection.fileno()
        loop.add_reader(descriptor, _set, ready)
        try:
            async with asyncio.timeout(SILENCE_S):
                await ready
        except TimeoutError:
            # Nothing at all: `read_message` notices if the connection is dead.
            pass
        finally:
            loop.remove_reader(descriptor)

    async def _move_on(self) -> None:
        """Have the server tell where it is, which psycopg2 takes for confirmed: all was read."""
        while True:
            await asyncio.sleep(IDLE_S)
            if not self._held:
                with _errors():
                    self._cursor.send_feedback(reply=True)


async def open_stream(url: str, slot: str, publications: Sequence[str]) -> Stream:
    """Connect and begin to read `slot` where it was confirmed last.

    Raises SlotInUse, StreamLost.
    """
    connection = await connect(url)
    try:
        cursor = await asyncio.to_thread(_start, connection, slot, publications)
    except BaseException:
        with contextlib.suppress(Exception):
            connection.close()
        raise
    return Stream(connection, cursor)


async def connect(url: str) -> Any:
    """Return a replication connection; raises StreamLost."""
    return await asyncio.to_thread(_connect, url)


async def make_temporary_slot(connection: Any, name: str) -> tuple[int, str]:
    """Make a slot that ends with its connection; return its position and its snapshot's name.

    The snapshot sees what was committed before that position, and the stream has all that comes
    after it. It is there until the connection is used for something else. Raises StreamLost.
    """

    def make() -> tuple[int, str]:
        with _errors():
            cursor = connection.cursor()
            cursor.execute(
                f'CREATE_REPLICATION_SLOT "{name}" TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT'
            )
            _, position, snapshot, _ = cursor.fetchone()
        return lsn_of(position), snapshot

    return await asyncio.to_thread(make)


def lsn_of(text: str) -> int:
    """Return the number of a position that is written as `0/16B3748`."""
    high, low = text.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def _connect(url: str) -> Any:
    settings = {**SESSION, **_CONNECTION}
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    query.setdefault("connect_timeout", "5")
    query["options"] = " ".join(
        [query.get("options", ""), *(f"-c {name}={value}" for name, value in settings.items())]
    ).strip()
    with _errors():
        return psycopg2.connect(
            # libpq decodes %XX and not +.
            urlunsplit(parts._replace(query=urlencode(query).replace("+", "%20"))),
            connection_factory=LogicalReplicationConnection,
        )


def _start(connection: Any, slot: str, publications: Sequence[str]) -> Any:
    cursor = connection.cursor()
    options = {"proto_version": "1", "publication_names": ",".join(publications)}
    try:
        with _errors():
            cursor.start_replication(slot_name=slot, decode=False, options=options)
    except StreamLost as error:
        if isinstance(error.__cause__, psycopg2.errors.ObjectInUse):
            raise SlotInUse(slot) from error
        raise
    return cursor


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Have psycopg2's errors, which are many, come as one."""
    try:
        yield
    except psycopg2.Error as error:
        raise StreamLost(str(error).strip() or type(error).__name__) from error


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
