"""What services of the kit have parked in their databases: messages no handler takes, and jobs.

Used by `tarmac parked`. It reads and marks rows of the kit's tables `parked` and `jobs`, over any
broker, whether the service runs or not; the service itself tries again what is marked, within a
second of running. What a service without a database parks is on its broker, where this looks not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tarmac.errors import BadInput, Problem
from tarmac.local import client
from tarmac.local.data.sql import CONNECT_S, asking
from tarmac.local.home.paths import Home
from tarmac.model.system import System

SQL = ("postgres://", "postgresql://")
T = TypeVar("T")

_MESSAGES = """
select seq::text as number, 'message' as kind, consumer || ' of ' || topic as what, key, failures,
    error, changed_at as since, payload::text as payload, (
        select count(*) from parked later where p.holds and later.state = 'waiting' and p.key <> ''
            and (later.consumer, later.topic, later.key) = (p.consumer, p.topic, p.key)
            and later.seq > p.seq
    ) as behind
from parked p where state = 'parked' order by seq
"""
_JOBS = """
select id::text as number, 'job' as kind, kind as what, key, attempts as failures, error,
    changed_at as since, payload::text as payload, 0::bigint as behind
from jobs where state = 'parked' order by changed_at
"""
_REPLAY = {
    "parked": "update parked set state = 'waiting', failures = 0, due_at = now(), "
    "changed_at = now() where state = 'parked' and seq::text = any($1)",
    "jobs": "update jobs set state = 'queued', attempts = 0, due_at = now(), changed_at = now() "
    "where state = 'parked' and id::text = any($1)",
}
_DROP = {
    "parked": "delete from parked where state = 'parked' and seq::text = any($1)",
    "jobs": "delete from jobs where state = 'parked' and id::text = any($1)",
}


@dataclass(frozen=True)
class Parked:
    """One message or job that is tried no more."""

    #: STORE/NUMBER, by which it is replayed.
    id: str
    #: message or job.
    kind: str
    #: Whose it is: `payments of order.placed`, or the job's kind.
    what: str
    key: str
    failures: int
    error: str
    #: When it was parked, in ISO form.
    since: str
    #: How many later messages wait for it.
    behind: int
    payload: str


def stores_of(home: Home, system: System) -> tuple[dict[str, str], tuple[str, ...]]:
    """Find the databases where services of the kit park, by store, with their URLs.

    Returns:
        Them, and the services that consume and have none.

    Raises:
        TarmacError: the system's supervisor does not answer.
    """
    urls: dict[str, str] = {}
    without = []
    for name, service in system.file.services.items():
        if not system.is_kit(name):
            continue
        own = {
            store: client.ask(home, {"verb": "connect", "name": store, "user": ""})["url"]
            for store in service.stores.values()
        }
        found = {store: url for store, url in own.items() if url.startswith(SQL)}
        urls |= found
        if service.consumes and not found:
            without.append(name)
    return urls, tuple(without)


def look(urls: Mapping[str, str]) -> tuple[Parked, ...]:
    """Read what is parked in all of them. Raises TarmacError where one cannot be reached."""
    return asyncio.run(_look(urls))


def change(urls: Mapping[str, str], ids: Sequence[str], *, drop: bool = False) -> int:
    """Have the parked of these ids tried again, or with `drop` forget them; return how many.

    Raises:
        BadInput: an id is none of them.
        TarmacError: a store cannot be reached.
    """
    return asyncio.run(_change(urls, ids, _DROP if drop else _REPLAY))


async def _look(urls: Mapping[str, str]) -> tuple[Parked, ...]:
    found = await asyncio.gather(*(_on(store, url, _read(store)) for store, url in urls.items()))
    return tuple(each for one in found for each in one)


async def _change(urls: Mapping[str, str], ids: Sequence[str], how: Mapping[str, str]) -> int:
    known = {each.id for each in await _look(urls)}
    if wrong := [each for each in ids if each not in known]:
        hint = "`tarmac parked` shows what there is"
        raise BadInput([Problem(each, f"nothing is parked by this id; {hint}") for each in wrong])
    by_store: dict[str, list[str]] = {}
    for each in dict.fromkeys(ids):
        store, _, number = each.partition("/")
        by_store.setdefault(store, []).append(number)
    counts = await asyncio.gather(
        *(_on(store, urls[store], _write(how, numbers)) for store, numbers in by_store.items())
    )
    return sum(counts)


def _read(store: str) -> Callable[[Any], Awaitable[list[Parked]]]:
    async def read(connection: Any) -> list[Parked]:
        rows = []
        for table, query in (("parked", _MESSAGES), ("jobs", _JOBS)):
            if await _has(connection, table):
                rows += await connection.fetch(query)
        return [
            Parked(
                id=f"{store}/{row['number']}",
                error=row["error"] or "",
                since=row["since"].isoformat(timespec="seconds"),
                **{name: row[name] for name in ("kind", "what", "key", "failures", "behind")},
                payload=row["payload"],
            )
            for row in rows
        ]

    return read


def _write(how: Mapping[str, str], numbers: list[str]) -> Callable[[Any], Awaitable[int]]:
    async def write(connection: Any) -> int:
        count = 0
        for table, statement in how.items():
            if await _has(connection, table):
                status = await connection.execute(statement, numbers)
                count += int(status.rpartition(" ")[2])
        return count

    return write


async def _has(connection: Any, table: str) -> bool:
    return await connection.fetchval("select to_regclass($1)", table) is not None


async def _on(store: str, url: str, do: Callable[[Any], Awaitable[T]]) -> T:
    async with (
        asking(store, url, within_s=CONNECT_S) as connection,
        connection.transaction(),
    ):
        return await do(connection)
