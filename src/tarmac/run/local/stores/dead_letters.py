"""Dead letters of kit services in their databases: messages that failed for good, and jobs.

Used by `tarmac dead-letters`. It reads and updates rows of the kit's tables `parked` and `jobs`,
whatever the broker and whether the service runs or not; a running service retries what is marked
within a second. Services without a database leave theirs on the broker, which is not read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tarmac.base.errors import BadInput, Problem
from tarmac.model.system import System
from tarmac.run.local.stores import contents

ANSWER_S = 10.0
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
class DeadLetter:
    """One message or job that is not retried any more."""

    #: STORE/NUMBER, by which it is replayed.
    id: str
    #: message or job.
    kind: str
    #: Its consumer: `payments of order.placed`, or the job's kind.
    what: str
    key: str
    failures: int
    error: str
    #: When it was dead-lettered, in ISO form.
    since: str
    #: How many later messages of its key wait behind it.
    behind: int
    payload: str


def stores_of(
    system: System, url_of: Callable[[str], str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Find the databases where services of the kit keep dead letters, by store, with URLs.

    Args:
        url_of: gives the URL of a store's administrator.

    Returns:
        Them, and the consuming services without a database.

    Raises:
        TarmacError: the system's supervisor does not answer.
    """
    urls: dict[str, str] = {}
    without = []
    for name, service in system.file.services.items():
        if not system.is_kit(name):
            continue
        own = {store: url_of(store) for store in service.stores.values()}
        found = {store: url for store, url in own.items() if contents.of(url).ask is not None}
        urls |= found
        if service.consumes and not found:
            without.append(name)
    return urls, tuple(without)


def read(urls: Mapping[str, str]) -> tuple[DeadLetter, ...]:
    """Read the dead letters of every store. Raises TarmacError where one cannot be reached."""
    return asyncio.run(_read_all(urls))


def change(urls: Mapping[str, str], ids: Sequence[str], *, drop: bool = False) -> int:
    """Retry the dead letters of these ids, or delete them with `drop`; return their number.

    Raises:
        BadInput: no dead letter has an id.
        TarmacError: a store cannot be reached.
    """
    return asyncio.run(_change(urls, ids, _DROP if drop else _REPLAY))


async def _read_all(urls: Mapping[str, str]) -> tuple[DeadLetter, ...]:
    found = await asyncio.gather(*(_on(store, url, _reader(store)) for store, url in urls.items()))
    return tuple(entry for entries in found for entry in entries)


async def _change(urls: Mapping[str, str], ids: Sequence[str], how: Mapping[str, str]) -> int:
    known = {entry.id for entry in await _read_all(urls)}
    if wrong := [id_ for id_ in ids if id_ not in known]:
        hint = "list them with `tarmac dead-letters`"
        raise BadInput([Problem(id_, f"no dead letter with this id; {hint}") for id_ in wrong])
    by_store: dict[str, list[str]] = {}
    for id_ in dict.fromkeys(ids):
        store, _, number = id_.partition("/")
        by_store.setdefault(store, []).append(number)
    counts = await asyncio.gather(
        *(_on(store, urls[store], _write(how, numbers)) for store, numbers in by_store.items())
    )
    return sum(counts)


def _reader(store: str) -> Callable[[Any], Awaitable[list[DeadLetter]]]:
    async def read(connection: Any) -> list[DeadLetter]:
        rows = []
        for table, query in (("parked", _MESSAGES), ("jobs", _JOBS)):
            if await _has(connection, table):
                rows += await connection.fetch(query)
        return [
            DeadLetter(
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
        contents.asking(store, url, within_s=ANSWER_S) as connection,
        connection.transaction(),
    ):
        return await do(connection)
