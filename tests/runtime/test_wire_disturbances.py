"""What a fault does to a wire: nothing of it loses, doubles or reorders a byte."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import pytest
from wired import EDGE, TICKS_S, Process, Reader, Writer, connected, echo

#: Longer than anything here takes that is not disturbed.
LONG_S = 20.0
QUIET_S = 0.15


def disturb(process: Process, **rule: Any) -> None:
    """Put a rule on the edge, without any remove it; it is there when this returns."""
    process.tell({"op": "disturb", "id": EDGE, "rule": rule or None})
    process.count()


def effect(process: Process) -> dict[str, float]:
    return process.count()[EDGE].get("effect", {})


async def silent(reader: Reader) -> bool:
    """Tell whether nothing comes."""
    try:
        await asyncio.wait_for(reader.read(1), QUIET_S)
    except TimeoutError:
        return True
    return False


@pytest.fixture
async def port(process, serve):
    """The port of a wire to a server that says everything again."""
    return process.wire((await serve(echo))())


async def test_what_is_sent_takes_longer_in_each_direction(process, port):
    async with connected(port) as (reader, writer):
        disturb(process, delay_s=0.1)
        began = asyncio.get_running_loop().time()
        writer.write(b"there and back")
        assert await reader.readexactly(14) == b"there and back"
        assert asyncio.get_running_loop().time() - began >= 0.2 - TICKS_S
        counted = effect(process)
        assert counted["delayed"] == 2
        assert counted["delay_s"] == pytest.approx(0.2, abs=0.01)


async def test_a_link_with_little_bandwidth_takes_its_time_and_keeps_the_order(process, port):
    said = random.Random(1).randbytes(60_000)
    disturb(process, bytes_per_s=200_000)
    async with connected(port) as (reader, writer):
        began = asyncio.get_running_loop().time()
        writer.write(said)
        writer.write_eof()
        assert await reader.read(-1) == said
        # What comes back cannot be there before the last of it has gone.
        assert asyncio.get_running_loop().time() - began >= 0.3 - TICKS_S


@pytest.mark.parametrize("direction", ["sent", "received", "both"])
async def test_a_partition_is_silence_and_afterwards_all_that_was_said_arrives(
    process, serve, direction
):
    heard: list[bytes] = []

    async def hears(reader: Reader, writer: Writer) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                heard.append(data)
                writer.write(data)

    port = process.wire((await serve(hears))())
    async with connected(port) as (reader, writer):
        writer.write(b"before ")
        assert await reader.readexactly(7) == b"before "
        disturb(process, stall=direction)
        writer.write(b"during ")
        assert await silent(reader)
        assert (b"during " in heard) is (direction == "received")
        assert effect(process)["stalled"] >= 1
        disturb(process)
        async with asyncio.timeout(LONG_S):
            assert await reader.readexactly(7) == b"during "
            writer.write_eof()
            assert await reader.read(-1) == b""


async def test_a_connection_made_during_a_partition_is_carried_out_afterwards(process, serve):
    made = 0

    async def counts(reader: Reader, writer: Writer) -> None:
        nonlocal made
        made += 1
        await echo(reader, writer)

    port = process.wire((await serve(counts))())
    disturb(process, stall="both")
    async with connected(port) as (reader, writer):
        writer.write(b"hello")
        assert await silent(reader)
        assert made == 0
        disturb(process)
        async with asyncio.timeout(LONG_S):
            assert await reader.readexactly(5) == b"hello"
    assert made == 1


async def test_open_connections_are_reset_and_new_ones_once_they_are_used(process, port):
    async with connected(port) as (reader, writer):
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        disturb(process, reset_share=1)
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
    async with connected(port) as (reader, writer):
        assert await silent(reader)
        writer.write(b"b")
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
    assert effect(process)["reset"] == 2
    disturb(process)
    async with connected(port) as (reader, writer):
        writer.write(b"c")
        assert await reader.readexactly(1) == b"c"


async def test_only_a_share_of_the_connections_is_reset(process, port):
    disturb(process, reset_share=0.5)
    good = 0
    for _ in range(60):
        async with connected(port) as (reader, writer):
            with contextlib.suppress(ConnectionResetError):
                writer.write(b"x")
                good += await reader.read(1) == b"x"
    assert 10 < good < 50  # outside: once in ten million runs
    assert effect(process)["reset"] == 60 - good


async def test_a_flood_into_a_partition_makes_its_sender_wait_and_not_the_wire_grow(process, port):
    said = random.Random(2).randbytes(32 << 20)
    async with connected(port) as (reader, writer):
        writer.write(b"a")
        assert await reader.readexactly(1) == b"a"
        before_kb = process.memory_kb()
        disturb(process, stall="sent")
        writer.write(said)
        assert await silent(reader)
        assert process.memory_kb() - before_kb < 8_000
        disturb(process)
        writer.write_eof()
        async with asyncio.timeout(LONG_S):
            assert await reader.read(-1) == said


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_rules_come_and_go_every_byte_arrives_in_its_order(process, port, seed):
    chance = random.Random(seed)
    said = [chance.randbytes(chance.choice((1, 100, 5_000, 200_000))) for _ in range(12)]

    async def talk() -> None:
        async with connected(port) as (reader, writer):
            listening = asyncio.create_task(reader.read(-1))
            for data in said:
                writer.write(data)
                await asyncio.sleep(chance.uniform(0, 0.01))
            writer.write_eof()
            async with asyncio.timeout(LONG_S):
                assert await listening == b"".join(said)

    talks = [asyncio.create_task(talk()) for _ in range(3)]
    for _ in range(10):
        disturb(
            process,
            delay_s=chance.choice((0, 0.002, 0.02)),
            jitter_s=chance.choice((0, 0.002)),
            bytes_per_s=chance.choice((0, 0, 20_000_000)),
            stall=chance.choice(("", "", "sent", "received", "both")),
        )
        await asyncio.sleep(chance.uniform(0, 0.02))
    disturb(process)
    await asyncio.gather(*talks)
    assert (await process.counted(open=0))["errors"] == 0
