"""The worker: claims due jobs under a lease, runs them, and writes down how they ended.

Run in the background by the chassis of every process that has jobs. Many may work on one database:
a claim skips what others hold, a lease ends by itself when its process dies, and a run without its
lease cannot end the job (each claim has a fence of its own). It keeps no transaction open while a
job runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any
from uuid import UUID

from opentelemetry.trace import SpanKind

from tarmac_kit import trace
from tarmac_kit.background import end
from tarmac_kit.database import Database, DatabaseUnavailable, reason_of, unkeepable
from tarmac_kit.jobs import Job, JobHandler, Jobs, LeaseLost, PermanentFailure, RetryLater
from tarmac_kit.jsons import dumps
from tarmac_kit.logs import get_logger

#: Adding a job wakes the worker of the same process; others poll this often.
POLL_S = 1.0
#: How long running jobs may go on when the process ends; then they are released.
CLOSE_S = 2.0
#: Claims stand in line, so that two of them cannot choose two jobs of one key.
_LOCK = 7_245_110_133

_COLUMNS = """
jobs.id, jobs.kind, jobs.key, jobs.payload, jobs.headers, jobs.state, jobs.due_at, jobs.attempts,
jobs.fence, jobs.wakes, jobs.created_at
"""
_KEY_IS_FREE = """
(jobs.key = '' or jobs.state = 'running' or not exists (
    select from jobs other where other.key = jobs.key and other.state = 'running'))
"""
_TAKEN = f"""
update jobs set state = 'running', attempts = jobs.attempts + 1, fence = jobs.fence + 1,
    changed_at = now(), due_at = now() + make_interval(secs => chosen.lease_s)
from chosen where jobs.id = chosen.id
returning {_COLUMNS}
"""  # noqa: S608 - constants of this file
#: In how many seconds the next one is due; below zero if one is.
_NEXT = """
select extract(epoch from min(due_at) - now())::float8 from jobs
where state in ('queued', 'running')
"""
_CLAIM = f"""
with due as materialized (
    select jobs.id, jobs.key, jobs.due_at, handled.lease_s
    from jobs join unnest($1::text[], $2::float8[]) as handled(kind, lease_s) using (kind)
    where jobs.state in ('queued', 'running') and jobs.due_at <= now() and {_KEY_IS_FREE}
    order by jobs.due_at limit $3 for update of jobs skip locked
), chosen as (
    select distinct on (case when key = '' then id::text else key end) id, lease_s
    from due order by case when key = '' then id::text else key end, due_at
)
{_TAKEN}
"""  # noqa: S608 - as above
_CLAIM_ONE = f"""
with chosen as materialized (
    select jobs.id, $2::float8 as lease_s from jobs
    where jobs.id = $1 and {_KEY_IS_FREE}
        and (jobs.state = 'queued' or jobs.state = 'running' and jobs.due_at <= now())
    for update skip locked
)
{_TAKEN}
"""  # noqa: S608 - as above
_RENEW = """
update jobs set due_at = now() + make_interval(secs => $3)
where id = $1 and fence = $2 and state = 'running'
"""
_DONE = """
update jobs set state = 'done', result = $3::text::jsonb, error = null, changed_at = now()
where id = $1 and fence = $2 and state = 'running'
"""
_PARK = """
update jobs set state = 'parked', error = $3, changed_at = now()
where id = $1 and fence = $2 and state = 'running'
"""
_AGAIN = """
update jobs set state = 'queued', attempts = attempts - $6, error = coalesce($4, error),
    changed_at = now(),
    due_at = case when wakes = $5 then now() + make_interval(secs => $3) else now() end
where id = $1 and fence = $2 and state = 'running'
"""
#: A run may have ended its job itself, in its own transaction.
_ENDED_BY_RUN = "select 1 from jobs where id = $1 and fence = $2 and state = 'done'"

_STATES = """
select count(*) filter (where state = 'queued') as queued,
    count(*) filter (where state = 'running') as running,
    (select count(*) from jobs where state = 'parked') as parked
from jobs where state in ('queued', 'running')
"""
#: How often they are counted, in seconds.
COUNT_S = 15.0

#: Takes a kind and how a run of it ended: `done`, `retry`, `later`, `parked`, `lost`.
Count = Callable[[str, str], None]


class Worker:
    """Runs the jobs of one database, up to `at_once` of them."""

    def __init__(
        self,
        jobs: Jobs,
        *,
        at_once: int = 16,
        poll_s: float = POLL_S,
        count: Count = lambda _kind, _result: None,
        states: Callable[[str, int], None] = lambda _state, _number: None,
    ) -> None:
        self._jobs = jobs
        self._at_once = at_once
        self._poll_s = poll_s
        self._count = count
        self._states = states
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        jobs.on_due = self.wake_in

    def wake_in(self, seconds: float) -> None:
        """Look for due jobs in so many seconds; what is later than a poll is left to the poll."""
        if seconds <= 0:
            self._woken.set()
        elif seconds < self._poll_s:
            asyncio.get_running_loop().call_later(seconds, self._woken.set)

    async def run(self) -> None:
        """Work until cancelled; then let running jobs end, and release those that do not."""
        log = get_logger("jobs")
        loop = asyncio.get_running_loop()
        count_at = 0.0
        try:
            while True:
                self._woken.clear()
                taken = 0
                try:
                    taken = await self._take()
                    if loop.time() >= count_at:
                        await self._tell()
                        count_at = loop.time() + COUNT_S
                except DatabaseUnavailable as error:
                    log.warning("jobs are waiting for the database", error=str(error))
                if taken:
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._woken.wait()
        finally:
            if self._running:
                _, late = await asyncio.wait(self._running, timeout=CLOSE_S)
                await end(*late)

    async def run_one(self, job_id: UUID) -> bool:
        """Run one job here and now, due or not; False if another run has it, or its key."""
        kinds = {kind: handled.lease_s for kind, handled in self._jobs.handled.items()}
        began_at = asyncio.get_running_loop().time()
        async with self._jobs.database.transaction() as conn:
            found = await conn.fetchrow("select kind, key from jobs where id = $1", job_id)
            if found is None or found["kind"] not in kinds:
                return False
            if found["key"]:
                await conn.execute("select pg_advisory_xact_lock($1)", _LOCK)
            rows = await conn.fetch(_CLAIM_ONE, job_id, kinds[found["kind"]])
        for row in rows:
            await self._work(Job(**dict(row.items())), began_at)
        return bool(rows)

    async def _tell(self) -> None:
        async with self._jobs.database.connection() as conn:
            row = await conn.fetchrow(_STATES)
        for state, number in row.items() if row else ():
            self._states(state, number)

    async def _take(self) -> int:
        """Claim what is due, as much as there is room for, and begin with it; say how much."""
        room = self._at_once - len(self._running)
        handled = self._jobs.handled
        if room <= 0 or not handled:
            return 0
        async with self._jobs.database.connection() as conn:
            # Asked first: most often there is nothing, and that takes no transaction.
            next_s = await conn.fetchval(_NEXT)
        if next_s is None or next_s > 0:
            self.wake_in(self._poll_s if next_s is None else next_s)
            return 0
        began_at = asyncio.get_running_loop().time()
        async with self._jobs.database.transaction() as conn:
            await conn.execute("select pg_advisory_xact_lock($1)", _LOCK)
            leases = [handler.lease_s for handler in handled.values()]
            rows = await conn.fetch(_CLAIM, list(handled), leases, room)
        for row in rows:
            task = asyncio.create_task(self._work(Job(**dict(row.items())), began_at))
            self._running.add(task)
            task.add_done_callback(self._one_ended)
        return len(rows)

    def _one_ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        # There is room, and its key is free.
        self._woken.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            get_logger("jobs").error("a run could not be recorded; it will rerun", exc_info=error)

    async def _work(self, job: Job, began_at: float) -> None:
        """Run a job and write down how it ended, if its lease still holds."""
        handled = self._jobs.handled[job.kind]
        log = get_logger("jobs").bind(job_id=str(job.id), kind=job.kind, attempt=job.attempts)
        lease = _Lease(self._jobs.database, job, handled.lease_s, began_at)
        name = f"job {job.kind}"
        with trace.span(name, kind=SpanKind.CONSUMER, carrier=job.headers) as span:
            try:
                ended = await self._try(job, handled, lease, log)
            except asyncio.CancelledError:
                # Given back, not failed; should that fail too, the lease ends.
                with contextlib.suppress(Exception):
                    await asyncio.shield(lease.write(_AGAIN, 0.0, None, job.wakes, 1))
                raise
            if ended in ("retry", "parked") and span.is_recording():
                trace.failed(span, ended)
        self._count(job.kind, ended)

    async def _try(self, job: Job, handled: JobHandler, lease: _Lease, log: Any) -> str:
        limit = handled.attempts
        if limit is not None and job.attempts > limit:
            return await _park(lease, f"its process ended {limit} time(s) during a run", log)
        try:
            # What cannot be written as JSON is the run's failure.
            result = dumps(await lease.keep(handled.run(job)))
        except LeaseLost:
            log.warning("a job's lease was lost; another run has it")
            return "lost"
        except PermanentFailure as error:
            return await _park(lease, str(error), log)
        except RetryLater as error:
            kept = await lease.write(_AGAIN, error.seconds, None, job.wakes, 1)
            self.wake_in(error.seconds)
            return "later" if kept else "lost"
        except Exception as error:
            reason = reason_of(f"{type(error).__name__}: {error}")
            if limit is not None and job.attempts >= limit:
                return await _park(lease, reason, log)
            delay_s = retry_after_s(job.attempts, handled.backoff_s, handled.longest_s)
            log.warning(
                "job failed; it will be retried", error=reason, again_in_s=delay_s, exc_info=error
            )
            kept = await lease.write(_AGAIN, delay_s, reason, job.wakes, 0)
            self.wake_in(delay_s)
            return "retry" if kept else "lost"
        try:
            kept = await lease.write(_DONE, result)
        except unkeepable() as error:
            return await _park(lease, f"its result cannot be stored: {error}", log)
        if not kept and not await lease.ended_by_run():
            log.warning("a job's lease was lost; another run has it")
            return "lost"
        log.info("job done")
        return "done"


class _Lease:
    """One run's hold on its job."""

    def __init__(self, database: Database, job: Job, lease_s: float, began_at: float) -> None:
        """`began_at` is the loop's time from before the claim: the lease ends no later here."""
        self._database = database
        self._job = job
        self._lease_s = lease_s
        self._ends_at = began_at + lease_s

    async def keep(self, run: Any) -> Any:
        """Return what `run` returns, renewing meanwhile; it is cancelled with LeaseLost."""
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(run)
        try:
            while not (await asyncio.wait({work}, timeout=self._lease_s / 3))[0]:
                asked_at = loop.time()
                try:
                    async with asyncio.timeout_at(self._ends_at):
                        renewed = await self._write(_RENEW, self._lease_s)
                except (TimeoutError, DatabaseUnavailable):
                    if loop.time() >= self._ends_at:
                        raise LeaseLost from None
                    continue
                if not renewed and not work.done() and not await self.ended_by_run():
                    raise LeaseLost
                self._ends_at = asked_at + self._lease_s
            return work.result()
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait({work})

    async def write(self, sql: str, *values: Any) -> bool:
        """Write an end, again while the database is away and the lease holds; say if it was ours.

        Should it end before, the job runs again.
        """
        loop = asyncio.get_running_loop()
        while True:
            try:
                return await self._write(sql, *values)
            except DatabaseUnavailable:
                if loop.time() >= self._ends_at:
                    raise
                await asyncio.sleep(0.2)

    async def ended_by_run(self) -> bool:
        """Return whether the run itself has ended its job."""
        async with self._database.connection() as conn:
            found = await conn.fetchval(_ENDED_BY_RUN, self._job.id, self._job.fence)
        return found is not None

    async def _write(self, sql: str, *values: Any) -> bool:
        async with self._database.connection() as conn:
            status = await conn.execute(sql, self._job.id, self._job.fence, *values)
        return bool(status == "UPDATE 1")


async def _park(lease: _Lease, reason: str, log: Any) -> str:
    log.error("job dead-lettered", reason=reason)
    return "parked" if await lease.write(_PARK, reason_of(reason)) else "lost"


def retry_after_s(attempt: int, first_s: float, longest_s: float) -> float:
    """Return how long what failed `attempt` times waits, from 1: doubled each time, with jitter."""
    delay_s = min(longest_s, first_s * 2.0 ** min(attempt - 1, 30))
    return delay_s * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
