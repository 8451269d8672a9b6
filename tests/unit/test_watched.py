"""A program that ended below a watcher of its files is found before its probe gives up."""

from __future__ import annotations

import asyncio

import pytest

from tarmac.run.local.process import watched


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(watched, "LOOK_S", 0.001)
    monkeypatch.setattr(watched, "LASTS_S", 0.003)


@pytest.mark.parametrize(
    "line",
    [
        "[nodemon] app crashed - waiting for file changes before starting...",
        "Failed running 'src/app.js'. Waiting for file changes before restarting...",
        "Failed running 'app.js'",
        "Process Exit with Code: 1",
        "[Command exited with 2]",
        "[Finished running. Exit status: 101]",
    ],
)
async def test_a_watcher_whose_program_ended_has_it_said(line):
    found = await asyncio.wait_for(watched.left_waiting(["Error: no", line, ""]), timeout=30)
    assert found == watched.ENDED


@pytest.mark.parametrize(
    "line",
    ["[nodemon] starting `node app.js`", "[Command exited with 0]", "Process Exit with Code: 0"],
)
async def test_a_program_that_goes_on_is_left_alone(line):
    lines = ["[nodemon] app crashed - waiting for file changes before starting...", line]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(watched.left_waiting(lines), timeout=0.1)


async def test_one_that_its_watcher_starts_again_at_once_is_left_alone(monkeypatch):
    monkeypatch.setattr(watched, "LASTS_S", 10.0)
    lines = ["[nodemon] app crashed - waiting for file changes before starting..."]
    looking = asyncio.create_task(watched.left_waiting(lines))
    await asyncio.sleep(0.01)
    lines.append("[nodemon] starting `node app.js`")
    monkeypatch.setattr(watched, "LASTS_S", 0.003)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(looking, timeout=0.1)


async def test_one_that_ends_soon_after_its_start_ends_what_keeps_it_healthy():
    ended, lines = asyncio.Event(), ["listening"]

    async def stay_healthy():
        try:
            await asyncio.sleep(0.01)
            lines.append("[nodemon] app crashed - waiting for file changes before starting...")
            await asyncio.Event().wait()
        finally:
            ended.set()

    found = await asyncio.wait_for(watched.unless_left(stay_healthy(), lines, 30), timeout=30)
    assert found == watched.ENDED
    await asyncio.wait_for(ended.wait(), timeout=30)


async def test_one_that_ends_later_is_left_to_its_watcher():
    lines = ["[nodemon] app crashed - waiting for file changes before starting..."]

    async def stay_healthy():
        await asyncio.sleep(0.1)

    assert not await asyncio.wait_for(watched.unless_left(stay_healthy(), lines, 0), timeout=30)
