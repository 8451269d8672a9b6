"""What ends a request that passes, by a loop's real clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from tarmac_gateway.watch import Watch

SOON_S = 0.02
LATER_S = 60.0


async def watched(watch: Callable[[], Watch], cancelled_by_others: bool = False) -> Watch:
    """Wait for good below a watch; return it once it has cancelled the wait."""
    made = watch()
    if cancelled_by_others:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_later(SOON_S, task.cancel)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        if not made.has_stopped():
            raise
        return made
    finally:
        made.end()
    raise AssertionError


def made(ends_s: float, look_s: float, look: Callable[[], asyncio.Future[None]]) -> Watch:
    loop = asyncio.get_running_loop()

    async def looked() -> None:
        await look()

    return Watch(loop, looked, ends_at=loop.time() + ends_s, look_s=look_s)


def never() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def at_once() -> asyncio.Future[None]:
    done = never()
    done.set_result(None)
    return done


async def test_a_request_ends_at_its_time() -> None:
    watch = await watched(lambda: made(SOON_S, 0.0, never))
    assert watch.is_late
    assert not watch.is_gone


async def test_a_client_that_goes_is_seen_only_from_the_given_moment_on() -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    watch = await watched(lambda: made(LATER_S, SOON_S, at_once))
    assert loop.time() - begun >= SOON_S / 2  # uvloop's clock has steps of a millisecond
    assert watch.is_gone
    assert not watch.is_late


async def test_a_moved_end_counts_both_when_it_is_earlier_and_when_it_is_later() -> None:
    loop = asyncio.get_running_loop()

    def earlier() -> Watch:
        watch = made(LATER_S, 0.0, never)
        watch.move(loop.time() + SOON_S)
        return watch

    assert (await watched(earlier)).is_late

    begun = loop.time()

    def later() -> Watch:
        watch = made(SOON_S, 0.0, never)
        watch.move(loop.time() + 5 * SOON_S)
        return watch

    assert (await watched(later)).is_late
    assert loop.time() - begun >= 4 * SOON_S


async def test_what_another_task_cancels_is_not_taken_for_the_end() -> None:
    task = asyncio.ensure_future(
        watched(lambda: made(LATER_S, 0.0, never), cancelled_by_others=True)
    )
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_watch_that_ended_cancels_nothing() -> None:
    watch = made(SOON_S, 0.0, never)
    watch.end()
    await asyncio.sleep(3 * SOON_S)
    assert not watch.has_stopped()


async def test_of_two_that_cancel_at_once_the_other_one_stays() -> None:
    asked: list[bool] = []

    async def request() -> None:
        watch = made(SOON_S, 0.0, never)
        try:
            async with asyncio.timeout(SOON_S):
                # Both are due when the loop looks at its timers again.
                time.sleep(3 * SOON_S)  # noqa: ASYNC251 - the loop is to be late
                try:
                    await asyncio.Event().wait()
                finally:
                    asked.extend([watch.has_stopped(), watch.has_stopped()])
        finally:
            watch.end()

    with pytest.raises(TimeoutError):
        await asyncio.ensure_future(request())
    assert asked == [False, False]
