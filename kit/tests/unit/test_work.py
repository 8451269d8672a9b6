"""The decisions of sagas and jobs, in memory: whatever the steps say, all is done or all undone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tarmac_kit import Job, PermanentFailure, RetryLater, Step, StepRejected, accepted
from tarmac_kit.worker import retry_after_s
from tarmac_kit_testing import FakeJobs, FakeSagas

#: What a step may say when it is asked: it did it, or failed before or after it did, or refuses.
SAYS = st.sampled_from(["ok", "fails before", "fails after", "later", "refused"])
UNDO_SAYS = st.sampled_from(["ok", "fails before", "fails after", "later"])


class Place:
    """One step's side of the world, which says what it is told to say, then ok."""

    def __init__(self, name: str, says: list[str], undo_says: list[str]) -> None:
        self.name = name
        self.says = [*says]
        self.undo_says = [*undo_says]
        self.did: list[str] = []
        self.holds = False

    async def do(self, _id: UUID, _data: dict[str, Any]) -> dict[str, Any]:
        self._say(self.says, holds=True)
        return {self.name: True}

    async def undo(self, _id: UUID, _data: dict[str, Any]) -> None:
        self._say(self.undo_says, holds=False)

    def _say(self, says: list[str], *, holds: bool) -> None:
        said = says.pop(0) if says else "ok"
        if said == "fails before":
            raise RuntimeError(said)
        if said == "later":
            raise RetryLater(1)
        if said == "refused":
            raise StepRejected(said)
        self.holds = holds
        if said == "fails after":
            raise RuntimeError(said)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.lists(SAYS, max_size=3), st.lists(UNDO_SAYS, max_size=3)), min_size=1),
    st.one_of(st.none(), st.integers(0, 6)),
)
def test_whatever_the_steps_say_a_saga_ends_with_all_done_or_all_undone(
    answers: list[tuple[list[str], list[str]]], late_at: int | None
) -> None:
    places = [Place(f"s{n}", *says) for n, says in enumerate(answers[:5])]
    steps = [Step(place.name, place.do, place.undo) for place in places]
    sagas = FakeSagas(steps=steps, deadline_s=60)
    saga_id = uuid4()

    async def live() -> None:
        await sagas.begin(None, saga_id, {})
        for round_ in range(60):
            if round_ == late_at:
                sagas.age_s = 61
            if (await sagas.advance(saga_id)).ended:
                return

    asyncio.run(live())
    saga = sagas.kept[saga_id].saga
    told = [(entry.step, entry.what) for entry in sagas.kept[saga_id].entries]
    begun = [step for step, what in told if what == "begun"]
    assert begun == [place.name for place in places][: len(begun)]
    if saga.state == "done":
        assert all(place.holds for place in places)
        assert saga.data == {place.name: True for place in places}
    else:
        assert saga.state == "compensated"
        assert not any(place.holds for place in places)
        assert [step for step, what in told if what == "undone"] == begun[::-1]


async def test_a_step_without_undo_is_passed_over_on_the_way_back() -> None:
    async def refuse(_id: UUID, _data: dict[str, Any]) -> None:
        raise StepRejected("no")

    async def fine(_id: UUID, _data: dict[str, Any]) -> None:
        return None

    sagas = FakeSagas(steps=[Step("a", fine), Step("b", refuse)])
    saga_id = uuid4()
    await sagas.begin(None, saga_id, {"n": 1})
    await sagas.wake(None, saga_id)
    saga = await sagas.advance(saga_id)
    assert await sagas.find(None, saga_id) == saga
    assert (saga.state, saga.reason) == ("compensated", "no")
    assert [entry.what for entry in await sagas.history(None, saga_id)] == [
        *("begun", "done", "begun", "refused", "undone", "undone")
    ]


async def test_a_fake_job_runs_when_it_is_told_to_and_ends_as_a_real_one() -> None:
    jobs = FakeJobs()
    says: list[Exception | None] = [RetryLater(5), RuntimeError("no"), None]

    async def run(job: Job) -> int:
        said = says.pop(0)
        if said:
            raise said
        return job.attempts

    async def ends_itself(job: Job) -> None:
        await jobs.hold(None, job)
        await jobs.finish(None, job, "mine")

    async def parks(_job: Job) -> None:
        raise PermanentFailure("never")

    async def fails(_job: Job) -> None:
        raise RuntimeError("bug")

    for kind, runs in (("run", run), ("own", ends_itself), ("parks", parks), ("fails", fails)):
        jobs.handle(kind, runs, attempts=1 if kind == "fails" else 8)
    ids = {kind: await jobs.add(None, kind=kind, payload={}) for kind in jobs.handled}
    waits = await jobs.add(None, kind="own", payload={}, run_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert await jobs.add(None, kind="run", payload={"again": 1}, id=ids["run"]) == ids["run"]
    assert [job.state for job in await jobs.run_due()] == ["queued", "done", "parked", "parked"]
    assert [job.error for job in await jobs.run_due()] == ["RuntimeError: no"]
    [job] = await jobs.run_due()
    assert (job.state, job.result) == ("done", 2)
    assert [(j and j.result, j and j.error) for kind, i in ids.items() if kind != "run"
            for j in [await jobs.find(None, i)]] == [
        ("mine", None), (None, "never"), (None, "RuntimeError: bug")
    ]  # fmt: skip
    assert [job.id for job in await jobs.run_due(now=datetime(2031, 1, 1, tzinfo=UTC))] == [waits]
    await jobs.wake(None, waits)


def test_what_fails_waits_twice_as_long_each_time_up_to_a_bound() -> None:
    for attempt, expected_s in ((1, 1), (2, 2), (5, 16), (30, 60), (10_000, 60)):
        delay_s = retry_after_s(attempt, 1.0, 60.0)
        assert 0.8 * expected_s <= delay_s <= 1.2 * expected_s


def test_accepting_a_job_names_where_to_ask_for_it() -> None:
    job_id = uuid4()
    answer = accepted(job_id)
    assert (answer.status, answer.headers) == (202, {"Location": f"/jobs/{job_id}"})


@pytest.mark.parametrize("attempts", [None, 3])
async def test_a_fake_job_is_tried_as_often_as_its_kind_says(attempts: int | None) -> None:
    jobs = FakeJobs()

    async def fails(_job: Job) -> None:
        raise RuntimeError("bug")

    jobs.handle("fails", fails, attempts=attempts)
    job_id = await jobs.add(None, kind="fails", payload={})
    for _ in range(3):
        await jobs.run_due()
    assert jobs.kept[job_id].state == ("queued" if attempts is None else "parked")
