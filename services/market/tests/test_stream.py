"""Streams of quotes: in order, gone on with, alive, ended with the process, and small."""

from __future__ import annotations

import json
import tracemalloc
from contextlib import aclosing

import pytest

from tarmac_kit import Problem
from tarmac_market.domain import Instrument

TARM = Instrument("TARM", "Tarmac Roads", "USD", 12_500, 200)
HELX = Instrument("HELX", "Helix Bio", "USD", 4_000, 400)


def parse(frame: bytes) -> list[dict]:
    """Read the events of a frame, as a browser does."""
    events = []
    for block in frame.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        events.append({**fields, "data": json.loads(fields["data"])})
    return events


async def take(stream, count: int) -> list[bytes]:
    """Take the next frames that hold events."""
    frames = []
    async for frame in stream:
        if frame.startswith((b"id", b"event")):
            frames.append(frame)
        if len(frames) == count:
            break
    return frames


async def test_each_tick_comes_once_and_in_order(world) -> None:
    now = world.market.tick()
    async with aclosing(world.streams.start([TARM], after=None, ticks=None)) as stream:
        events = [parse(frame)[0] for frame in await take(stream, 5)]
    assert [event["id"] for event in events] == [str(now + step) for step in range(5)]
    assert {event["event"] for event in events} == {"quote"}
    for event in events:
        quote = world.market.quote(TARM, int(event["id"]))
        assert event["data"]["price_minor"] == quote.price_minor
        assert event["data"]["at"] == quote.at.isoformat().replace("+00:00", "Z")
        assert set(event["data"]) >= {"symbol", "price_minor", "open_minor", "at", "seq"}


async def test_only_the_last_event_of_a_tick_moves_the_readers_place_on(world) -> None:
    async with aclosing(world.streams.start([HELX, TARM], after=None, ticks=None)) as stream:
        (frame,) = await take(stream, 1)
    first, last = parse(frame)
    assert (first["data"]["symbol"], last["data"]["symbol"]) == ("HELX", "TARM")
    assert "id" not in first
    assert last["id"] == str(last["data"]["seq"])


async def test_who_comes_back_gets_what_was_missed_and_no_more_than_there_is_room_for(
    world,
) -> None:
    now = world.market.tick()
    async with aclosing(world.streams.start([TARM], after=now - 4, ticks=None)) as stream:
        seqs = [parse(frame)[0]["data"]["seq"] for frame in await take(stream, 6)]
    assert seqs == [now - 3, now - 2, now - 1, now, now + 1, now + 2]
    now = world.market.tick()
    async with aclosing(world.streams.start([TARM], after=0, ticks=None)) as stream:
        (frame,) = await take(stream, 1)
    assert parse(frame)[0]["data"]["seq"] == now - 299


async def test_a_place_that_lies_in_the_future_is_of_another_market(world) -> None:
    now = world.market.tick()
    async with aclosing(world.streams.start([TARM], after=now + 9, ticks=None)) as stream:
        (frame,) = await take(stream, 1)
    assert parse(frame)[0]["data"]["seq"] == now


async def test_who_reads_slowly_misses_ticks_and_makes_nobody_keep_them(world) -> None:
    async with aclosing(world.streams.start([TARM], after=None, ticks=None)) as stream:
        await take(stream, 1)
        now = world.market.tick()
        tracemalloc.start()
        for _ in range(50):
            world.clock.advance(1_000)
            await take(stream, 1)
        grown_bytes = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        (frame,) = await take(stream, 1)
    assert parse(frame)[0]["data"]["seq"] > now + 49_000
    assert grown_bytes < 500_000


async def test_a_quiet_stream_says_that_it_is_alive(slow_world) -> None:
    said = []
    async with aclosing(slow_world.streams.start([TARM], after=None, ticks=None)) as stream:
        async for frame in stream:
            said.append(frame)
            if len(said) == 6:
                break
    assert said[0] == b"retry: 1000\n\n"
    assert [frame.startswith(b": ") for frame in said[1:]] == [False, True, True, True, False]


async def test_a_stream_ends_by_itself_when_the_process_drains_and_soon(slow_world) -> None:
    stream = slow_world.streams.start([TARM], after=None, ticks=None)
    await take(stream, 1)
    began = slow_world.clock.monotonic()
    slow_world.draining = True
    assert await take(stream, 1) == []
    assert slow_world.clock.monotonic() - began <= 0.5
    assert slow_world.streams.open == 0


async def test_one_that_begins_while_the_process_drains_gets_the_present_tick_and_its_end(
    world,
) -> None:
    world.draining = True
    frames = [frame async for frame in world.streams.start([TARM], after=None, ticks=None)]
    assert len(frames) == 2


async def test_a_stream_may_be_asked_to_end_after_so_many_ticks(world) -> None:
    now = world.market.tick()
    stream = world.streams.start([TARM], after=now - 9, ticks=3)
    assert len([frame async for frame in stream]) == 1 + 3
    assert world.streams.open == 0


async def test_streams_are_counted_and_one_too_many_is_a_503(world) -> None:
    async with (
        aclosing(world.streams.start([TARM], after=None, ticks=None)) as one,
        aclosing(world.streams.start([TARM], after=None, ticks=None)) as other,
    ):
        await take(one, 1)
        await take(other, 1)
        with pytest.raises(Problem) as refused:
            world.streams.start([TARM], after=None, ticks=None)
    assert (refused.value.status, refused.value.code) == (503, "too_many_streams")
    world.streams.start([TARM], after=None, ticks=None)
