"""The open-loop generator: visits begin when they are due, and their durations count from then."""

from __future__ import annotations

import asyncio

import pytest
from hdrh.histogram import HdrHistogram

from tarmac.drill.load.generator import MOST_KINDS, Generator, UnknownAddress, journey_of


def durations(generator: Generator) -> HdrHistogram:
    found = HdrHistogram(1, 600_000_000, 3)
    for window in generator.windows.values():
        found.add(window.durations)
    return found


async def test_a_stalled_system_delays_every_visitor_that_arrives_meanwhile():
    """No coordinated omission: a generator that waits for answers would see one slow visit."""
    stands_until = asyncio.get_running_loop().time() + 1.0

    async def visit() -> None:
        await asyncio.sleep(stands_until - asyncio.get_running_loop().time())

    generator = Generator(visit, timeout_s=30)
    await generator.run((200, 2))
    found = durations(generator)
    assert found.get_total_count() == 400
    slow = sum(
        item.count_added_in_this_iter_step
        for item in found.get_recorded_iterator()
        if item.value_iterated_to > 100_000
    )
    # Those of the first 0.9 s waited for more than 0.1 s: 180 of 400, and more on a busy machine.
    assert slow >= 175
    assert found.get_value_at_percentile(99) >= 900_000


async def test_visits_are_begun_whether_or_not_others_have_ended():
    begun, release = 0, asyncio.Event()

    async def visit() -> None:
        nonlocal begun
        begun += 1
        await release.wait()

    generator = Generator(visit, timeout_s=30)
    load = asyncio.create_task(generator.run((500, 0.2)))
    while begun < 100:  # noqa: ASYNC110 - the generator's own pace
        await asyncio.sleep(0.01)
    release.set()
    await load
    assert sum(window.good for window in generator.windows.values()) == 100


async def test_failures_are_named_and_one_without_an_end_is_given_up():
    turns = iter(range(1_000_000))

    async def visit() -> None:
        turn = next(turns)
        if turn == 0:
            await asyncio.Event().wait()
        if turn == 1:
            raise ValueError("no stock")
        if turn == 2:
            raise TimeoutError("its own")

    generator = Generator(visit, timeout_s=0.05)
    await generator.run((100, 0.05))
    (window,) = generator.windows.values()
    assert window.good == 2
    assert window.failed == {
        "no end within 0.05 s": 1,
        "ValueError: no stock": 1,
        "TimeoutError: its own": 1,
    }


async def test_failures_that_all_differ_do_not_fill_the_memory():
    turns = iter(range(1_000_000))

    async def visit() -> None:
        raise ValueError(next(turns))

    generator = Generator(visit, timeout_s=1)
    await generator.run((1000, 0.1))
    (window,) = generator.windows.values()
    assert len(window.failed) == MOST_KINDS + 1
    assert window.failed.total() == 100


async def test_a_load_that_is_stopped_begins_no_more_and_ends_what_it_began():
    ended = 0

    async def visit() -> None:
        nonlocal ended
        await asyncio.sleep(0.05)
        ended += 1
        generator.stopped.set()

    generator = Generator(visit, timeout_s=5)
    await generator.run((10, 60))
    assert 1 <= ended <= 10
    assert sum(window.good for window in generator.windows.values()) == ended


async def test_a_window_is_over_once_its_visits_and_those_before_have_ended():
    release, turns = asyncio.Event(), iter(range(1_000_000))

    async def visit() -> None:
        if next(turns) == 1:  # of the first second
            await release.wait()

    generator = Generator(visit, timeout_s=30)
    load = asyncio.create_task(generator.run((2, 60)))
    while 2 not in generator.windows:  # noqa: ASYNC110 - the generator's own pace
        await asyncio.sleep(0.01)
    assert generator.take_over() == (0, {})
    release.set()
    await asyncio.sleep(0.01)
    generator.stopped.set()
    await load
    over, windows = generator.take_over()
    assert over == max(generator.windows)
    assert [windows[n].good for n in range(2)] == [2, 2]
    assert generator.good == sum(w.good for w in [*windows.values(), *generator.windows.values()])


async def test_stages_follow_each_other_each_at_its_rate():
    begun: list[float] = []
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def visit() -> None:
        begun.append(loop.time() - began)

    await Generator(visit, timeout_s=1).run((10, 0.3), (100, 0.2), (20, 0.1))
    assert len(begun) == 3 + 20 + 2
    # Never before its time; how much later depends on the machine.
    due = [*(n / 10 for n in range(3)), *(0.3 + n / 100 for n in range(20)), 0.5, 0.55]
    assert all(at >= when - 0.002 for at, when in zip(begun, due, strict=True))


async def test_a_journey_that_asks_for_an_unknown_address_says_which(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", [])
    file = tmp_path / "journeys.py"
    file.write_text("JOURNEYS = {'look': lambda urls: (urls['web'], urls['entry'])}\n")
    journey = journey_of({"file": str(file), "journey": "look"})
    with pytest.raises(UnknownAddress, match="asks for the address of 'entry', and none is known"):
        journey({"web": "http://127.0.0.1:1"})
    assert journey({"web": "a", "entry": "b"}) == ("a", "b")
