"""Jobs and sagas in memory: the real decisions, no database, no clock, no waiting.

Re-exported by `testing`, for tests only.
"""

from __future__ import annotations

import contextlib
import json as jsonlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from tarmac_kit.jobs import (
    DEAD_LETTER,
    DONE,
    QUEUED,
    RUNNING,
    Job,
    JobHandler,
    PermanentFailure,
    RetryLater,
    Run,
)
from tarmac_kit.jsons import dumps
from tarmac_kit.saga import Saga, SagaEvent, Step, drive


class FakeJobs:
    """Jobs in memory: `kept` has them by id; nothing runs until `run_due`."""

    def __init__(self) -> None:
        self.kept: dict[UUID, Job] = {}
        self.handled: dict[str, JobHandler] = {}

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
        """Let `run` run the jobs of `kind`."""
        self.handled[kind] = JobHandler(run, attempts, lease_s, backoff_s, longest_s)

    async def add(
        self,
        conn: Any,  # noqa: ARG002 - the real one's
        *,
        kind: str,
        payload: Mapping[str, Any],
        key: str = "",
        run_at: datetime | None = None,
        id: UUID | None = None,  # noqa: A002 - the real one's
    ) -> UUID:
        """Keep a job; one with an id that there is is nothing."""
        job_id = id or uuid4()
        body = jsonlib.loads(dumps(dict(payload)))
        self.kept.setdefault(job_id, Job(job_id, kind, key, body, QUEUED, due_at=run_at))
        return job_id

    async def find(self, conn: Any, job_id: UUID) -> Job | None:  # noqa: ARG002 - the real one's
        """Return a job."""
        return self.kept.get(job_id)

    async def wake(self, conn: Any, job_id: UUID) -> None:  # noqa: ARG002 - the real one's
        """Let a waiting job be due."""
        job = self.kept.get(job_id)
        if job is not None and job.state == QUEUED:
            self.kept[job_id] = replace(job, due_at=None)

    async def hold(self, conn: Any, job: Job) -> None:
        """Do nothing: a fake's job is its run's."""

    async def finish(self, conn: Any, job: Job, result: Any = None) -> None:  # noqa: ARG002
        """End the job."""
        self._end(job, DONE, result=result)

    async def run_due(self, *, now: datetime | None = None) -> list[Job]:
        """Run each queued job once that has no time or one before `now`; return how they stand."""
        due = [
            job
            for job in self.kept.values()
            if job.state == QUEUED
            and (job.due_at is None or (now is not None and job.due_at <= now))
        ]
        for job in due:
            await self._run(replace(job, state=RUNNING, attempts=job.attempts + 1))
        return [self.kept[job.id] for job in due]

    async def _run(self, job: Job) -> None:
        handled = self.handled[job.kind]
        self.kept[job.id] = job
        try:
            result = await handled.run(job)
        except RetryLater:
            self.kept[job.id] = replace(job, state=QUEUED, attempts=job.attempts - 1)
        except PermanentFailure as error:
            self._end(job, DEAD_LETTER, error=str(error))
        except Exception as error:  # noqa: BLE001 - as the real one: whatever it is, it failed
            reason = f"{type(error).__name__}: {error}"
            if handled.attempts is not None and job.attempts >= handled.attempts:
                self._end(job, DEAD_LETTER, error=reason)
            else:
                self.kept[job.id] = replace(job, state=QUEUED, error=reason)
        else:
            if self.kept[job.id].state == RUNNING:
                self._end(job, DONE, result=result)

    def _end(self, job: Job, state: str, *, result: Any = None, error: str | None = None) -> None:
        kept = jsonlib.loads(dumps(result))
        self.kept[job.id] = replace(job, state=state, result=kept, error=error)


@dataclass
class _SagaRecord:
    saga: Saga
    entries: list[SagaEvent]


class FakeSagas:
    """Sagas in memory, of the real steps; `age_s` is how old each is said to be."""

    def __init__(
        self, name: str = "saga", *, steps: Sequence[Step], deadline_s: float = 60.0
    ) -> None:
        self.name = name
        self.steps = {step.name: step for step in steps}
        self.age_s = 0.0
        self.kept: dict[UUID, _SagaRecord] = {}
        self._deadline_s = deadline_s

    async def begin(
        self,
        conn: Any,  # noqa: ARG002 - the real one's
        id: UUID,  # noqa: A002 - as above
        data: Mapping[str, Any],
        *,
        take_after_s: float = 0.0,  # noqa: ARG002 - as above
    ) -> None:
        """Begin a saga; with an id that there is, nothing."""
        order = tuple(self.steps)
        saga = Saga(self.name, id, RUNNING, order, 0, jsonlib.loads(dumps(dict(data))))
        self.kept.setdefault(id, _SagaRecord(saga, [SagaEvent(order[0], "begun")]))

    async def advance(self, id: UUID) -> Saga:  # noqa: A002 - as above
        """Take a saga as far as it goes now."""

        async def save(saga: Saga, entries: Sequence[SagaEvent]) -> Saga:
            self.kept[id].saga = replace(
                saga, data=jsonlib.loads(dumps(saga.data)), version=saga.version + 1
            )
            self.kept[id].entries += entries
            return self._aged(id)

        with contextlib.suppress(RetryLater):
            await drive(self._aged(id), self.steps, save, deadline_s=self._deadline_s)
        return self._aged(id)

    async def find(self, conn: Any, id: UUID) -> Saga | None:  # noqa: A002, ARG002 - as above
        """Return a saga."""
        return self._aged(id) if id in self.kept else None

    async def history(self, conn: Any, id: UUID) -> list[SagaEvent]:  # noqa: A002, ARG002 - as above
        """Return what happened to a saga."""
        return [*self.kept[id].entries]

    async def wake(self, conn: Any, id: UUID) -> None:  # noqa: A002 - as above
        """Do nothing: `advance` asks again."""

    def _aged(self, saga_id: UUID) -> Saga:
        return replace(self.kept[saga_id].saga, age_s=self.age_s, step_age_s=self.age_s)
