"""Idempotency keys: one effect and one answer, however often and from wherever a request comes.

Used by endpoints that change something and are not idempotent by themselves. The answer is kept
in the service's own database. It never runs the work of one key twice at the same time.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from starlette.responses import JSONResponse

from tarmac_kit import conventions, deadline
from tarmac_kit.database import Database
from tarmac_kit.jsons import dumps
from tarmac_kit.problems import Problem

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: Problems that say "not now": the same key may be tried again.
_NOT_FINAL = frozenset({401, 403, 408, 425, 429})

_CLAIM = """
insert into idempotency_keys as k (scope, key, id, fingerprint, claim, locked_until)
values ($1, $2, $3, $4, $5, now() + make_interval(secs => $6))
on conflict (scope, key) do update
    set claim = excluded.claim, locked_until = excluded.locked_until
    where k.status is null and k.fingerprint = excluded.fingerprint
        and (k.locked_until is null or k.locked_until < now())
returning id
"""
_READ = """
select fingerprint, status, headers, body from idempotency_keys where scope = $1 and key = $2
"""
_STORE = """
update idempotency_keys set status = $4, headers = $5, body = $6, locked_until = null
where scope = $1 and key = $2 and claim = $3
"""
_FREE = """
update idempotency_keys set locked_until = null
where scope = $1 and key = $2 and claim = $3 and status is null
"""
_PRUNE = """
delete from idempotency_keys where ctid = any(array(
    select ctid from idempotency_keys
    where created_at < now() - make_interval(secs => $1) limit $2
))
"""


@dataclass(frozen=True)
class Answer:
    """What a request was answered: `body` is JSON."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False

    def response(self) -> JSONResponse:
        """Return it as an HTTP response; a replayed one says so in Idempotency-Replayed."""
        headers = dict(self.headers)
        if self.replayed:
            headers[conventions.REPLAYED_HEADER] = "true"
        # Through the same writer as the stored one, so that both answers are equal byte by byte.
        return JSONResponse(json.loads(dumps(self.body)), self.status, headers)


def fingerprint(*parts: Any) -> str:
    """Return a hash of what makes two requests the same: route, caller, body."""
    text = json.dumps(json.loads(dumps(parts)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def key_parameter(effect: str = "", *, most: int = 255) -> dict[str, Any]:
    """Describe the header for a route's OpenAPI, as required.

    The route itself reads it as optional, so that without it the answer says what to send.

    Args:
        effect: what is there once per key, e.g. `one order per key`.
        most: characters that the route takes.
    """
    again = "A value of your own, the same one when you try again"
    return {
        "name": conventions.IDEMPOTENCY_HEADER,
        "in": "header",
        "required": True,
        "description": f"{again}: {effect}." if effect else f"{again}.",
        "schema": {"type": "string", "minLength": 1, "maxLength": most},
    }


def require_key(value: str | None) -> str:
    """Return the key as sent, or raise 400: it is required, 1 to 255 visible characters."""
    if value is None or not 1 <= len(value) <= 255 or not value.isprintable():
        raise Problem(
            400,
            "idempotency_key_required",
            "This request needs an Idempotency-Key",
            "send Idempotency-Key with 1 to 255 printable characters, new for each intent",
        )
    return value


class Idempotency:
    """Runs work once per scope and key and replays its answer."""

    def __init__(self, database: Database, *, lease_s: float = 30.0, wait_s: float = 5.0) -> None:
        """`lease_s` is the time after which the work of a process that died may be taken over.

        A request whose key is in use elsewhere waits up to `wait_s` for its answer, then is 409.
        """
        folder = resources.files("tarmac_kit") / "migrations/idempotency"
        database.add_migrations("kit_idempotency", folder)
        self._database = database
        self._lease_s = lease_s
        self._wait_s = wait_s

    async def run(
        self,
        *,
        scope: str,
        key: str,
        fingerprint: str,
        fn: Callable[[UUID], Awaitable[Answer]],
    ) -> Answer:
        """Return the answer of `fn`, run once; later calls get the stored answer, replayed.

        `fn` gets a UUID that stays the same for this key, also when the process died half way and
        another one takes over after the lease: use it as the id of what is made, and make each
        step repeatable by it. A Problem below 500 that `fn` raises is an answer as well; anything
        else frees the key. Raises 422 for the same key with another fingerprint and 409 while it
        is in use elsewhere.
        """
        claim = uuid4()
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline.limit_s(self._wait_s) * 0.8
        pause_s = 0.01
        while True:
            async with self._database.connection() as conn:
                work_id = await conn.fetchval(
                    _CLAIM, scope, key, uuid4(), fingerprint, claim, self._lease_s
                )
                row = None if work_id else await conn.fetchrow(_READ, scope, key)
            if work_id is not None:
                return await self._work(scope, key, claim, work_id, fn)
            if row is not None:
                if row["fingerprint"] != fingerprint:
                    raise Problem(
                        422,
                        "idempotency_key_reused",
                        "This Idempotency-Key belongs to another request",
                        "send a new key with a new request",
                    )
                if row["status"] is not None:
                    answer = Answer(row["status"], row["body"], row["headers"] or {})
                    return replace(answer, replayed=True)
            if loop.time() + pause_s > ends_at:
                raise Problem(
                    409,
                    "request_in_progress",
                    "The same request is in progress",
                    "ask again with the same key",
                    headers={"Retry-After": "1"},
                )
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.2)

    async def _work(
        self,
        scope: str,
        key: str,
        claim: UUID,
        work_id: UUID,
        fn: Callable[[UUID], Awaitable[Answer]],
    ) -> Answer:
        try:
            answer = await fn(work_id)
        except Problem as problem:
            if problem.status >= 500 or problem.status in _NOT_FINAL:
                await self._free(scope, key, claim)
                raise
            answer = Answer(
                problem.status,
                problem.body(),
                {**problem.headers, "Content-Type": "application/problem+json"},
            )
        except BaseException:
            await self._free(scope, key, claim)
            raise
        async with self._database.connection() as conn:
            await self._store(conn, scope, key, claim, answer)
        return answer

    async def _store(
        self, conn: Connection, scope: str, key: str, claim: UUID, answer: Answer
    ) -> None:
        await conn.execute(
            _STORE, scope, key, claim, answer.status, dict(answer.headers), answer.body
        )

    async def _free(self, scope: str, key: str, claim: UUID) -> None:
        """Let the key be claimed again; if that fails the lease does it."""

        async def free() -> None:
            async with self._database.connection() as conn:
                await conn.execute(_FREE, scope, key, claim)

        try:
            # Shielded: a request that is cancelled must still give its key back.
            await asyncio.shield(asyncio.ensure_future(free()))
        except Problem:
            return

    async def prune(self, *, keep_s: float, batch: int = 1000) -> int:
        """Delete up to `batch` rows older than `keep_s`; return how many."""
        async with self._database.connection() as conn:
            status = await conn.execute(_PRUNE, keep_s, batch)
        return int(status.rsplit(" ", 1)[1])
