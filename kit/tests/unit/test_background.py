"""The end of tasks that run beside the requests."""

from __future__ import annotations

import asyncio

import pytest

from tarmac_kit.background import end, keep_running


async def test_a_background_task_ends_though_what_it_waits_for_ends_at_the_same_moment() -> None:
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        await asyncio.wait_for(answer, 3600)  # which forgets the cancellation in Python 3.11

    task = asyncio.create_task(keep_running("beside", run))
    await asyncio.sleep(0.01)
    answer.set_result(None)
    async with asyncio.timeout(60):
        await end(task)
    assert task.cancelled()


async def test_a_task_that_forgets_its_end_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tarmac_kit.background.AGAIN_S", 0.01)
    told = 0

    async def run() -> None:
        nonlocal told
        while told < 3:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                told += 1

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await end(task)
    assert told == 3
