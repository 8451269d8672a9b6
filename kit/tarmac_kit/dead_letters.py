"""Messages that a handler could not process, kept for retry in the consumer's database.

Put around handlers by the chassis of a process that has an inbox, over any broker. A message that
fails is kept and acknowledged: it is tried again from here, with growing delay, and dead-lettered
after so many failures; `tarmac dead-letters` lists and replays. Until it is done with, later
messages of its consumer, topic and key wait behind it, in their order. It never applies a message
twice: that is the inbox's. What no database can hold (no JSON object, no id) stays on the broker's
dead-letter queue, as does everything of a service without an inbox.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from importlib import resources
from typing import Any

from tarmac_kit.bus.in_flight import retry_after_s
from tarmac_kit.database import Database, DatabaseUnavailable, reason_of, unkeepable
from tarmac_kit.jobs import RetryLater
from tarmac_kit.logs import get_logger
from tarmac_kit.messages import Handler, Message, PoisonMessage
from tarmac_kit.problems import Problem

WAITING, DEAD_LETTER = "waiting", "parked"
#: A process that died while it tried a message is followed by another after this.
LEASE_S = 20.0
#: Tried at once.
BATCH = 16
POLL_S = 1.0
#: How often it is counted what lies here, in seconds.
COUNT_S = 15.0

_BEHIND = """
with own as (
    select from parked where consumer = $1 and topic = $2 and message_id = $3
), put as (
    insert into parked (consumer, topic, message_id, key, payload, headers, state)
    select $1, $2, $3, $4, $5, $6, 'waiting'
    where not exists (select from own) and $4 <> '' and exists (
        select from parked where consumer = $1 and topic = $2 and key = $4 and holds)
    on conflict do nothing returning seq
)
select exists (select from own) or exists (select from put)
"""
_PUT = """
insert into parked
    (consumer, topic, message_id, key, payload, headers, state, holds, failures, error, due_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + make_interval(secs => $11))
on conflict do nothing
"""
#: In how many seconds the next one is tried; below zero if it is time.
_NEXT = """
select extract(epoch from min(due_at) - now())::float8 from parked where state = 'waiting'
"""
_CLAIM = """
update parked set due_at = now() + make_interval(secs => $3), fence = fence + 1
where seq in (
    select p.seq from parked p join unnest($1::text[], $2::text[]) as mine(consumer, topic)
        using (consumer, topic)
    where p.state = 'waiting' and p.due_at <= now() and (p.key = '' or not exists (
        select from parked e where e.consumer = p.consumer and e.topic = p.topic
            and e.key = p.key and e.holds and e.seq < p.seq))
    order by p.seq limit $4 for update of p skip locked
)
returning seq, consumer, topic, message_id, key, payload, headers, failures, fence
"""
_DONE = "delete from parked where seq = $1 and fence = $2"
_FAILED = """
update parked set state = $3, holds = $4, failures = $5, error = $6, changed_at = now(),
    due_at = now() + make_interval(secs => $7)
where seq = $1 and fence = $2
"""
_COUNT = """
select count(*) filter (where state = 'waiting') as waiting,
    count(*) filter (where state = 'parked') as parked from parked
"""
_PRUNE = """
delete from parked where seq = any(array(
    select seq from parked where state = 'parked'
        and changed_at < now() - make_interval(secs => $1) limit $2
))
"""


class DeadLetters:
    """The retry queue and dead letters of one database."""

    def __init__(
        self,
        database: Database,
        *,
        attempts: int = 20,
        poll_s: float = POLL_S,
        count: Callable[[str, int], None] = lambda _state, _number: None,
    ) -> None:
        """Take the failures before a message is dead-lettered, and the callback for counts."""
        database.add_migrations("kit_parked", resources.files("tarmac_kit") / "migrations/parked")
        self._database = database
        self._attempts = attempts
        self._poll_s = poll_s
        self._count = count
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._woken = asyncio.Event()

    def around(self, topic: str, group: str, handler: Handler) -> Handler:
        """Return `handler` with retries; only an unreachable database raises."""
        self._handlers[group, topic] = handler

        async def handle(message: Message) -> None:
            values = _values(group, message)
            try:
                async with self._database.connection() as conn:
                    behind = await conn.fetchval(_BEHIND, *values)
            except unkeepable() as error:
                # A NUL in a text: the broker's dead-letter queue accepts it.
                raise PoisonMessage(f"the database cannot store it: {error}") from None
            if behind:
                self._woken.set()
                return
            try:
                await handler(message)
            except DatabaseUnavailable:
                raise  # it could not be written here either
            except Exception as error:  # noqa: BLE001 - whatever it is, it was not handled
                ended = self._after(error, 0, message, group)
                async with self._database.connection() as conn:
                    await conn.execute(_PUT, *values, *ended)
                self._wake_in(ended[-1])

        return handle

    async def run(self) -> None:
        """Try again what is due, for as long as the process lives."""
        loop = asyncio.get_running_loop()
        count_at = 0.0
        while True:
            self._woken.clear()
            try:
                found = await self.once()
                if loop.time() >= count_at:
                    await self._tell()
                    count_at = loop.time() + COUNT_S
            except DatabaseUnavailable as error:
                get_logger("dead_letters").warning("waiting for the database", error=str(error))
                found = 0
            if not found:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._woken.wait()

    async def prune(self, *, keep_s: float, batch: int = 1000) -> int:
        """Delete up to `batch` messages dead-lettered longer than `keep_s` ago; return how many."""
        async with self._database.connection() as conn:
            status = await conn.execute(_PRUNE, keep_s, batch)
        return int(status.rsplit(" ", 1)[1])

    async def once(self) -> int:
        """Try a batch of what is due, side by side; return how many there were."""
        if not self._handlers:
            return 0
        async with self._database.connection() as conn:
            # Asked first: most often there is nothing, and that takes no transaction.
            next_s = await conn.fetchval(_NEXT)
        if next_s is None or next_s > 0:
            self._wake_in(self._poll_s if next_s is None else next_s)
            return 0
        groups, topics = zip(*self._handlers, strict=True)
        async with self._database.transaction() as conn:
            rows = await conn.fetch(_CLAIM, groups, topics, LEASE_S, BATCH)
        ended = await asyncio.gather(*map(self._again, rows), return_exceptions=True)
        for row, error in zip(rows, ended, strict=True):
            if isinstance(error, Exception):
                # It is tried again when the lease is over.
                get_logger("dead_letters").warning(
                    "could not settle a message", message_id=row["message_id"], error=str(error)
                )
        return len(rows)

    async def _again(self, row: Any) -> None:
        """Retry one message."""
        message = Message(
            id=row["message_id"],
            topic=row["topic"],
            key=row["key"],
            payload=row["payload"],
            headers=row["headers"],
            attempt=row["failures"] + 1,
        )
        try:
            await self._handlers[row["consumer"], row["topic"]](message)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it was not handled
            ended = self._after(error, row["failures"], message, row["consumer"])
            await self._write(_FAILED, row["seq"], row["fence"], *ended)
            self._wake_in(ended[-1])
        else:
            await self._write(_DONE, row["seq"], row["fence"])
            self._woken.set()  # what waits behind it

    async def _write(self, sql: str, *values: Any) -> None:
        async with self._database.connection() as conn:
            await conn.execute(sql, *values)

    def _after(
        self, error: Exception, failures: int, message: Message, group: str
    ) -> tuple[str, bool, int, str, float]:
        """Return state, holds, failures, error and delay of a message that failed so."""
        if isinstance(error, PoisonMessage):
            # It will never be handled: nothing of its key waits for that.
            return DEAD_LETTER, False, failures + 1, reason_of(str(error)), 0.0
        reason = reason_of(f"{type(error).__name__}: {error}")
        if isinstance(error, RetryLater):
            return WAITING, True, failures, reason, error.seconds
        if is_away(error):
            return WAITING, True, failures, reason, retry_after_s(max(3, failures + 1))
        failures += 1
        is_final = failures >= self._attempts
        if is_final:
            get_logger("dead_letters").error(
                "message dead-lettered",
                topic=message.topic,
                group=group,
                message_id=message.id,
                failures=failures,
                reason=reason,
            )
        delay_s = 0.0 if is_final else retry_after_s(failures)
        return DEAD_LETTER if is_final else WAITING, True, failures, reason, delay_s

    async def _tell(self) -> None:
        async with self._database.connection() as conn:
            row = await conn.fetchrow(_COUNT)
        for state in (WAITING, DEAD_LETTER):
            self._count(state, row[state] if row else 0)

    def _wake_in(self, seconds: float) -> None:
        if seconds < self._poll_s:
            asyncio.get_running_loop().call_later(seconds, self._woken.set)


def is_away(error: Exception) -> bool:
    """Tell whether a missing dependency made a handler fail: not the message's fault."""
    if isinstance(error, RetryLater):
        return True
    if isinstance(error, Problem):
        return error.status >= 500 or error.status == 429
    return isinstance(error, OSError)  # TimeoutError and ConnectionError are OSErrors


def limited(handler: Handler, attempts: int) -> Handler:
    """Return `handler` for a service without an inbox: the broker dead-letters after `attempts`."""

    async def handle(message: Message) -> None:
        try:
            await handler(message)
        except PoisonMessage:
            raise
        except Exception as error:
            if message.attempt < attempts or is_away(error):
                raise
            raise PoisonMessage(reason_of(f"{type(error).__name__}: {error}")) from error

    return handle


def _values(group: str, message: Message) -> tuple[Any, ...]:
    return (group, message.topic, message.id, message.key, message.payload, dict(message.headers))
