"""Sagas: steps over several services that end all done or, the begun ones, all undone.

Made by `Chassis.saga`; a service begins one in its own transaction. Where a saga stands is in the
service's own database, written before and after each step, and a job drives it: what died goes on
elsewhere when the job's lease is over. A step may be asked more than once, so `do` and `undo` must
be idempotent by the saga's id, and `undo` must bear that nothing was done. It knows no service.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from tarmac_kit import deadline
from tarmac_kit.database import Database
from tarmac_kit.jobs import QUEUED, Job, Jobs, LeaseLost, RetryLater
from tarmac_kit.jobs import RUNNING as JOB_RUNNING
from tarmac_kit.logs import get_logger
from tarmac_kit.worker import Worker, retry_after_s

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

RUNNING, COMPENSATING, DONE, COMPENSATED = "running", "compensating", "done", "compensated"
#: How long a saga waits for `advance` after it began; then the worker takes it.
TAKE_AFTER_S = 1.0
#: How long `advance` waits for a run that has the saga already.
WAIT_S = 5.0
#: Before a step that failed is tried again: doubled from the first to the second.
BACKOFF_S = (0.5, 30.0)
LEASE_S = 10.0
#: The longest that one attempt to undo a step may take.
UNDO_S = 60.0

_BEGIN = """
with begun as (
    insert into sagas (name, id, state, steps, data) values ($1, $2, 'running', $3, $4)
    on conflict do nothing returning name, id
)
insert into saga_history (name, id, step, what) select name, id, $5, 'begun' from begun
"""
_READ = """
select name, id, state, steps, step, data, reason, failures, version,
    extract(epoch from clock_timestamp() - began_at)::float8 as age_s,
    extract(epoch from clock_timestamp() - step_at)::float8 as step_age_s
from sagas where name = $1 and id = $2
"""
_SAVE = """
with saved as (
    update sagas set state = $4, step = $5, data = $6, reason = $7, failures = $8,
        version = version + 1, changed_at = now(),
        step_at = case when step = $5 and state = $4 then step_at else now() end
    where name = $1 and id = $2 and version = $3 returning name, id
), told as (
    insert into saga_history (name, id, step, what, reason)
    select saved.name, saved.id, entry.step, entry.what, entry.reason
    from saved, unnest($9::text[], $10::text[], $11::text[]) with ordinality
        as entry(step, what, reason, position)
    order by entry.position
)
select count(*) from saved
"""
_HISTORY = """
select step, what, reason, at from saga_history where name = $1 and id = $2 order by seq
"""
_PRUNE = """
delete from sagas where (name, id) in (
    select name, id from sagas where state in ('done', 'compensated')
        and changed_at < now() - make_interval(secs => $1) limit $2
)
"""

Do = Callable[[UUID, dict[str, Any]], Awaitable[Mapping[str, Any] | None]]
Undo = Callable[[UUID, dict[str, Any]], Awaitable[object]]


class StepRejected(Exception):
    """A step's answer is no, for good: what was begun is undone, this step too."""


@dataclass(frozen=True)
class Step:
    """One step: what it is called in the history, and what does and undoes it."""

    name: str
    #: What it returns is merged into the saga's data. StepRejected undoes the whole saga,
    #: RetryLater repeats the step later; other errors are retried, with backoff, until a deadline.
    do: Do
    #: Called for a step that was begun, whatever came of it; tried again for ever.
    undo: Undo | None = None
    #: From when the step began; past it all is undone. None: only the saga's own.
    deadline_s: float | None = None


@dataclass(frozen=True)
class Saga:
    """Where one saga stands."""

    name: str
    id: UUID
    state: str
    steps: tuple[str, ...]
    step: int
    data: dict[str, Any]
    reason: str | None = None
    failures: int = 0
    version: int = 0
    #: Since it began, and since the current step began.
    age_s: float = field(default=0.0, compare=False)
    step_age_s: float = field(default=0.0, compare=False)

    @property
    def ended(self) -> bool:
        """Return whether nothing will happen to it any more."""
        return self.state in (DONE, COMPENSATED)


@dataclass(frozen=True)
class SagaEvent:
    """One line of a saga's history: begun, done, failed, refused or undone."""

    step: str
    what: str
    reason: str | None = None
    at: datetime | None = None


#: Keeps a saga as it stands now, with lines of history; returns it as it was written.
Save = Callable[[Saga, Sequence[SagaEvent]], Awaitable[Saga]]


async def drive(saga: Saga, steps: Mapping[str, Step], save: Save, *, deadline_s: float) -> Saga:
    """Take a saga as far as it goes now, saving before and after each step; return it ended.

    Raises RetryLater when it does not end now.
    """
    while not saga.ended:
        saga = await _forward(saga, steps, save, deadline_s)
        while saga.state == COMPENSATING:
            saga = await _back(saga, steps, save)
    return saga


async def _forward(saga: Saga, steps: Mapping[str, Step], save: Save, deadline_s: float) -> Saga:
    while saga.state == RUNNING:
        step = _step(saga, steps)
        left_s = _left_s(saga, step, deadline_s)
        if left_s <= 0:
            return await save(*_turned(saga, "failed", "its deadline has passed"))
        try:
            async with asyncio.timeout(left_s):
                more = await step.do(saga.id, dict(saga.data))
        except StepRejected as error:
            return await save(*_turned(saga, "refused", str(error)))
        except RetryLater as error:
            raise RetryLater(min(error.seconds, left_s)) from None
        except LeaseLost:
            raise
        except Exception as error:
            failed, entries = _failed(saga, error)
            await save(failed, entries)
            raise RetryLater(min(retry_after_s(failed.failures, *BACKOFF_S), left_s)) from error
        saga = await save(*_went_on(saga, more or {}))
    return saga


async def _back(saga: Saga, steps: Mapping[str, Step], save: Save) -> Saga:
    step = _step(saga, steps)
    if step.undo is not None:
        try:
            async with asyncio.timeout(UNDO_S):
                await step.undo(saga.id, dict(saga.data))
        except (RetryLater, LeaseLost):
            raise
        except Exception as error:
            failed, entries = _failed(saga, error)
            await save(failed, entries)
            raise RetryLater(retry_after_s(failed.failures, *BACKOFF_S)) from error
    left = replace(saga, step=saga.step - 1, failures=0)
    if left.step < 0:
        left = replace(left, state=COMPENSATED, step=0)
    return await save(left, [SagaEvent(step.name, "undone")])


def _step(saga: Saga, steps: Mapping[str, Step]) -> Step:
    name = saga.steps[saga.step]
    if name not in steps:
        raise LookupError(
            f"saga {saga.name} {saga.id}: its step {name} is gone; "
            f"keep a step until the sagas that began with it have ended"
        )
    return steps[name]


def _left_s(saga: Saga, step: Step, deadline_s: float) -> float:
    left_s = deadline_s - saga.age_s
    return left_s if step.deadline_s is None else min(left_s, step.deadline_s - saga.step_age_s)


def _went_on(saga: Saga, more: Mapping[str, Any]) -> tuple[Saga, list[SagaEvent]]:
    entries = [SagaEvent(saga.steps[saga.step], "done")]
    on = replace(saga, data={**saga.data, **more}, failures=0)
    if saga.step + 1 == len(saga.steps):
        return replace(on, state=DONE), entries
    entries.append(SagaEvent(saga.steps[saga.step + 1], "begun"))
    return replace(on, step=saga.step + 1), entries


def _turned(saga: Saga, what: str, reason: str) -> tuple[Saga, list[SagaEvent]]:
    back = replace(saga, state=COMPENSATING, reason=reason, failures=0)
    return back, [SagaEvent(saga.steps[saga.step], what, reason)]


def _failed(saga: Saga, error: Exception) -> tuple[Saga, list[SagaEvent]]:
    reason = f"{type(error).__name__}: {error}"[:500]
    get_logger("saga").warning(
        "a step failed; retrying",
        saga=saga.name,
        saga_id=str(saga.id),
        step=saga.steps[saga.step],
        state=saga.state,
        error=reason,
    )
    # The first of a row of failures is in the history, the others are a number.
    entries = [SagaEvent(saga.steps[saga.step], "failed", reason)] if saga.failures == 0 else []
    return replace(saga, failures=saga.failures + 1), entries


class Sagas:
    """The sagas of one name in one database."""

    def __init__(
        self,
        jobs: Jobs,
        worker: Worker,
        name: str,
        *,
        steps: Sequence[Step],
        deadline_s: float,
        lease_s: float = LEASE_S,
    ) -> None:
        """Take the steps in their order, and the time from beginning to turning back."""
        folder = resources.files("tarmac_kit") / "migrations/sagas"
        jobs.database.add_migrations("kit_sagas", folder)
        self.name = name
        self.steps = {step.name: step for step in steps}
        if not steps or len(self.steps) != len(steps):
            raise ValueError(f"saga {name}: give at least one step, each with a name of its own")
        self._order = [step.name for step in steps]
        self._deadline_s = deadline_s
        self._database: Database = jobs.database
        self._jobs = jobs
        self._worker = worker
        self._kind = f"saga.{name}"
        jobs.handle(self._kind, self._run, attempts=None, lease_s=lease_s)

    async def begin(
        self,
        conn: Connection,
        id: UUID,  # noqa: A002 - what it is called in the table
        data: Mapping[str, Any],
        *,
        take_after_s: float = TAKE_AFTER_S,
    ) -> None:
        """Begin a saga in the transaction of `conn`; with an id that there is, nothing.

        Call `advance` after the commit; without a call within `take_after_s`, the worker does.
        """
        await conn.execute(_BEGIN, self.name, id, self._order, dict(data), self._order[0])
        await self._jobs.add(
            conn,
            kind=self._kind,
            payload={"id": id},
            id=self._job_id(id),
            run_at=datetime.now(UTC) + timedelta(seconds=take_after_s),
        )

    async def advance(self, id: UUID) -> Saga:  # noqa: A002 - as above
        """Take a saga as far as it goes now, or wait a while for the worker; return its state."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + deadline.limit_s(WAIT_S) * 0.8
        pause_s = 0.02
        while not await self._worker.run_one(self._job_id(id)):
            async with self._database.connection() as conn:
                job = await self._jobs.find(conn, self._job_id(id))
            if job is None or job.state not in (QUEUED, JOB_RUNNING) or loop.time() >= ends_at:
                break
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 0.2)
        return await self._read(id)

    async def find(self, conn: Connection, id: UUID) -> Saga | None:  # noqa: A002 - as above
        """Read a saga; None if there is none."""
        row = await conn.fetchrow(_READ, self.name, id)
        return None if row is None else Saga(**{**dict(row.items()), "steps": tuple(row["steps"])})

    async def history(self, conn: Connection, id: UUID) -> list[SagaEvent]:  # noqa: A002 - as above
        """Read what happened to a saga, first to last."""
        return [SagaEvent(**dict(row.items())) for row in await conn.fetch(_HISTORY, self.name, id)]

    async def wake(self, conn: Connection, id: UUID) -> None:  # noqa: A002 - as above
        """Repeat a step that raised RetryLater once the transaction of `conn` commits."""
        await self._jobs.wake(conn, self._job_id(id))

    async def prune(self, *, keep_s: float, batch: int = 1000) -> int:
        """Delete up to `batch` sagas that ended longer than `keep_s` ago; return how many."""
        async with self._database.connection() as conn:
            status = await conn.execute(_PRUNE, keep_s, batch)
        return int(status.rsplit(" ", 1)[1])

    async def _read(self, saga_id: UUID) -> Saga:
        async with self._database.connection() as conn:
            saga = await self.find(conn, saga_id)
        if saga is None:
            raise LookupError(f"saga {self.name}: {saga_id} was never begun; call begin first")
        return saga

    async def _run(self, job: Job) -> dict[str, Any]:
        async def save(saga: Saga, entries: Sequence[SagaEvent]) -> Saga:
            async with self._database.transaction() as conn:
                await self._jobs.hold(conn, job)
                saved = await conn.fetchval(
                    _SAVE,
                    *(saga.name, saga.id, saga.version, saga.state, saga.step, saga.data),
                    *(saga.reason, saga.failures),
                    [entry.step for entry in entries],
                    [entry.what for entry in entries],
                    [entry.reason for entry in entries],
                )
                if not saved:
                    raise LeaseLost(f"saga {saga.name} {saga.id}: it was changed concurrently")
                if saga.ended:
                    await self._jobs.finish(conn, job, {"state": saga.state})
                found = await self.find(conn, saga.id)
            if found is None:
                raise LeaseLost(f"saga {saga.name} {saga.id}: it was deleted")
            return found

        saga = await self._read(UUID(job.payload["id"]))
        saga = await drive(saga, self.steps, save, deadline_s=self._deadline_s)
        return {"state": saga.state}

    def _job_id(self, saga_id: UUID) -> UUID:
        # Two sagas of different names may have the same id: an order's.
        return uuid5(saga_id, self._kind)
