"""Jobs: work that is kept in the service's own database until it is done or dead-lettered.

Made by `Chassis.jobs`. Services add jobs in their own transactions and say at mount what runs
them; `working` runs them. Each run is at least once: what it does must bear being done again.
It never runs two jobs of one key at the same time, and what lost its lease changes nothing here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from tarmac_kit import trace
from tarmac_kit.database import Database
from tarmac_kit.idempotency import Answer
from tarmac_kit.problems import Problem
from tarmac_kit.tokens import Claims, require_user

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

QUEUED, RUNNING, DONE, DEAD_LETTER = "queued", "running", "done", "parked"
_COLUMNS = """
id, kind, key, payload, headers, state, due_at, attempts, fence, wakes, result, error, created_at
"""
_ADD = """
insert into jobs (id, kind, key, payload, headers, due_at)
values ($1, $2, $3, $4, $5, coalesce($6, now()))
on conflict (id) do nothing
"""
_FIND = f"select {_COLUMNS} from jobs where id = $1"  # noqa: S608 - a constant of this file
_WAKE = """
update jobs set wakes = wakes + 1, due_at = case when state = 'queued' then now() else due_at end
where id = $1 and state in ('queued', 'running')
"""
_REPLAY = """
update jobs set state = 'queued', due_at = now(), attempts = 0, error = null, changed_at = now()
where state = 'parked' and ($1::uuid is null or id = $1) returning id
"""
_HOLD = """
select 1 from jobs where id = $1 and fence = $2 and state = 'running' for update
"""
_FINISH = """
update jobs set state = 'done', result = $3, error = null, changed_at = now()
where id = $1 and fence = $2 and state = 'running'
"""
_PRUNE = """
delete from jobs where id = any(array(
    select id from jobs where state = 'done'
        and changed_at < now() - make_interval(secs => $1) limit $2
))
"""


class PermanentFailure(Exception):
    """This job can never succeed: raised by what runs it, it is dead-lettered at once."""


class RetryLater(Exception):
    """Not now: raised by what runs a job, it comes again and no attempt is counted."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


class LeaseLost(Exception):
    """Another run has this job now: nothing of this run may be kept."""


@dataclass(frozen=True)
class Job:
    """One job as it stands in the table."""

    id: UUID
    kind: str
    key: str
    payload: dict[str, Any]
    state: str
    attempts: int = 0
    result: Any = None
    error: str | None = None
    #: When it may run; of a running one, when its lease ends.
    due_at: datetime | None = None
    created_at: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    fence: int = 0
    wakes: int = 0


Run = Callable[[Job], Awaitable[Any]]


@dataclass(frozen=True)
class JobHandler:
    """What runs the jobs of one kind, and how it is tried again."""

    run: Run
    #: None: without limit.
    attempts: int | None
    lease_s: float
    #: Before the second attempt; doubles with each, up to `longest_s`.
    backoff_s: float
    longest_s: float


class JobView(BaseModel):
    """A job as its owner sees it: never its payload."""

    id: UUID
    kind: str
    state: str
    attempts: int
    result: Any = None
    error: str | None = None
    created_at: datetime | None = None


class Jobs:
    """The jobs of one database."""

    def __init__(self, database: Database) -> None:
        database.add_migrations("kit_jobs", resources.files("tarmac_kit") / "migrations/jobs")
        self.database = database
        self.handled: dict[str, JobHandler] = {}
        #: Called after a commit that has work in this many seconds; the worker sets it.
        self.on_due: Callable[[float], None] = lambda _seconds: None

    def handle(
        self,
        kind: str,
        run: Run,
        *,
        attempts: int | None = 8,
        lease_s: float = 30.0,
        backoff_s: float = 1.0,
        longest_s: float = 300.0,
    ) -> None:
        """Let `run` run the jobs of `kind`; at mount. What it returns is kept as JSON.

        It may raise PermanentFailure, RetryLater, or anything else, which counts as one of
        `attempts` (None: no limit) and is retried after `backoff_s`, doubled up to `longest_s`.
        The lease is renewed while it runs; a process that died is replaced after `lease_s`.
        """
        if kind in self.handled:
            raise ValueError(f"jobs: {kind} has two handlers; register one function for each kind")
        self.handled[kind] = JobHandler(run, attempts, lease_s, backoff_s, longest_s)

    async def add(
        self,
        conn: Connection,
        *,
        kind: str,
        payload: Mapping[str, Any],
        key: str = "",
        run_at: datetime | None = None,
        id: UUID | None = None,  # noqa: A002 - what it is called in the table and the answer
    ) -> UUID:
        """Write a job in the transaction of `conn` and return its id; the same id again is nothing.

        Of the jobs with the same `key`, not empty, one runs at a time, in no promised order.
        """
        if kind not in self.handled:
            raise LookupError(f"jobs: no handler for {kind}; call jobs.handle at mount")
        job_id = id or uuid4()
        headers = trace.inject({})
        await conn.execute(_ADD, job_id, kind, key, dict(payload), headers, run_at)
        wait_s = 0.0 if run_at is None else (run_at - datetime.now(UTC)).total_seconds()
        self._due(conn, wait_s)
        return job_id

    async def find(self, conn: Connection, job_id: UUID) -> Job | None:
        """Read a job."""
        row = await conn.fetchrow(_FIND, job_id)
        return None if row is None else Job(**dict(row.items()))

    async def wake(self, conn: Connection, job_id: UUID) -> None:
        """Let a waiting job run now; a running one that then raises RetryLater reruns at once."""
        await conn.execute(_WAKE, job_id)
        self._due(conn, 0.0)

    async def replay(self, conn: Connection, job_id: UUID | None = None) -> list[UUID]:
        """Queue a dead-lettered job again, or all of them, with all attempts; return which."""
        rows = await conn.fetch(_REPLAY, job_id)
        self._due(conn, 0.0)
        return [row["id"] for row in rows]

    async def hold(self, conn: Connection, job: Job) -> None:
        """Raise LeaseLost unless this run still has the job; no other can take it until the commit.

        In the transaction of what a run writes, it keeps a run that was replaced from writing.
        """
        if await conn.fetchval(_HOLD, job.id, job.fence) is None:
            raise LeaseLost(f"job {job.id}: another run has it")

    async def finish(self, conn: Connection, job: Job, result: Any = None) -> None:
        """End the job in the transaction of what it did: then that is kept exactly once."""
        if await conn.execute(_FINISH, job.id, job.fence, result) != "UPDATE 1":
            raise LeaseLost(f"job {job.id}: another run has it")

    async def prune(self, *, keep_s: float, batch: int = 1000) -> int:
        """Delete up to `batch` jobs done longer than `keep_s` ago; return how many."""
        async with self.database.connection() as conn:
            status = await conn.execute(_PRUNE, keep_s, batch)
        return int(status.rsplit(" ", 1)[1])

    def router(self, may_read: Callable[[Job, Claims], bool] | None = None) -> APIRouter:
        """Build GET /jobs/{id}; with `may_read` for a token's owner, else by id alone."""
        router = APIRouter(tags=["jobs"])

        async def read(job_id: UUID) -> Job:
            async with self.database.connection() as conn:
                job = await self.find(conn, job_id)
            # A saga's own job is internal.
            if job is None or job.kind.startswith("saga."):
                raise _unknown(job_id)
            return job

        if may_read is None:

            @router.get("/jobs/{job_id}")
            async def show(job_id: UUID) -> JobView:
                return _view(await read(job_id))
        else:

            @router.get("/jobs/{job_id}")
            async def show_own(
                job_id: UUID, user: Annotated[Claims, Depends(require_user)]
            ) -> JobView:
                job = await read(job_id)
                if not may_read(job, user):
                    raise _unknown(job_id)
                return _view(job)

        return router

    def _due(self, conn: Connection, wait_s: float) -> None:
        self.database.after_commit(conn, lambda: self.on_due(wait_s))


def accepted(job_id: UUID) -> Answer:
    """Build the 202 that names a job and where to ask for it."""
    return Answer(202, {"id": job_id, "state": QUEUED}, {"Location": f"/jobs/{job_id}"})


def _view(job: Job) -> JobView:
    return JobView(
        id=job.id,
        kind=job.kind,
        state=job.state,
        attempts=job.attempts,
        result=job.result,
        # While it is tried again its errors are the log's.
        error=job.error if job.state == DEAD_LETTER else None,
        created_at=job.created_at,
    )


def _unknown(job_id: UUID) -> Problem:
    return Problem(404, "job_unknown", "There is no such job", str(job_id))
