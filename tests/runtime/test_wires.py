"""The wires' process itself, over its socket pair: what it carries, balances, cuts and counts."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys

import pytest
from wired import (
    EDGE,
    HOST,
    MB,
    Reader,
    Writer,
    connected,
    echo,
    hear,
    refused_port,
    reset_when_closed,
    says,
    who,
)


async def test_bytes_go_both_ways_and_are_counted_to_the_byte(process, serve):
    async def twice(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(65536):
            writer.write(data * 2)

    port = process.wire((await serve(twice))())
    async with connected(port) as (reader, writer):
        for size in (1, 1000, 300_000):
            writer.write(bytes(size))
            await reader.readexactly(2 * size)
        now = process.count()[EDGE]
        assert (now["connections"], now["open"], now["errors"]) == (1, 1, 0)
        assert (now["bytes_sent"], now["bytes_received"]) == (301_001, 602_002)
        assert now["first_at"] <= now["last_at"]
    await process.counted(open=0)


async def test_a_server_may_speak_first_and_early_words_are_not_lost(process, serve):
    port = process.wire((await serve(says("hello")))())
    assert await who(port) == "hello"
    # All is said, and the end as well, before the wire has connected anywhere.
    port = process.wire((await serve(echo))(), edge="early")
    with socket.create_connection((HOST, port)) as client:
        client.sendall(b"x" * 100_000)
        client.shutdown(socket.SHUT_WR)
        reader, writer = await asyncio.open_connection(sock=client.dup())
        assert len(await reader.read(-1)) == 100_000
        writer.close()


@pytest.mark.parametrize("size", [0, 10, 5 * MB])
async def test_either_side_may_end_first_and_still_hear_the_other(process, serve, size):
    heard = asyncio.get_running_loop().create_future()

    async def collects_then_answers(reader: Reader, writer: Writer) -> None:
        heard.set_result(len(await reader.read(-1)))
        writer.write(b"b" * size)

    port = process.wire((await serve(collects_then_answers))())
    async with connected(port) as (reader, writer):
        writer.write(b"a" * size)
        writer.write_eof()
        assert len(await reader.read(-1)) == size
        assert await heard == size

    later = asyncio.get_running_loop().create_future()

    async def answers_then_collects(reader: Reader, writer: Writer) -> None:
        writer.write(b"b" * size)
        writer.write_eof()
        later.set_result(len(await reader.read(-1)))

    port = process.wire((await serve(answers_then_collects))(), edge="server first")
    async with connected(port) as (reader, writer):
        assert len(await reader.read(-1)) == size
        writer.write(b"a" * size)
        writer.write_eof()
        assert await later == size


async def test_both_ends_are_passed_on_though_the_other_reads_slowly(process, serve):
    """Both have said all, and much of it is still on its way: neither's words may be lost."""
    got = asyncio.get_running_loop().create_future()

    async def slow(reader: Reader, writer: Writer) -> None:
        writer.write(b"b" * 3 * MB)
        writer.write_eof()
        await asyncio.sleep(0.2)
        got.set_result(len(await reader.read(-1)))

    port = process.wire((await serve(slow))())
    async with connected(port) as (reader, writer):
        writer.write(b"a" * 3 * MB)
        writer.write_eof()
        assert len(await reader.read(-1)) == 3 * MB
        assert await got == 3 * MB
    await process.counted(open=0, bytes_sent=3 * MB, bytes_received=3 * MB)


async def test_a_client_that_leaves_at_once_leaves_nothing_behind(process, serve):
    port = process.wire((await serve(echo))())
    for _ in range(50):
        client = socket.create_connection((HOST, port))
        reset_when_closed(client)
        client.close()
    async with connected(port) as (reader, writer):
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
    now = await process.counted(open=0)
    assert now["errors"] == 0


async def test_a_refused_connection_goes_to_the_next_instance(process, serve):
    good = await serve(says("good"))
    port = process.wire(("gone", refused_port(), True), good())
    assert [await who(port) for _ in range(6)] == ["good"] * 6
    assert process.count()[EDGE]["errors"] == 0


async def test_where_nobody_answers_the_client_is_reset_and_an_error_counted(process):
    port = process.wire(("gone", refused_port(), True))
    with pytest.raises(ConnectionResetError):
        await hear(port, b"hello")
    process.targets()
    with pytest.raises(ConnectionResetError):
        await hear(port)
    now = await process.counted(errors=2)
    assert (now["connections"], now["open"]) == (2, 0)


async def test_a_connection_that_waits_for_a_late_process_finds_the_targets_told_after_its_wire(
    process, serve
):
    """All of it was said while the process did not run: it reads all before it connects any."""
    process.popen.send_signal(signal.SIGSTOP)
    target = await serve(says("up"))
    port = process.wire()
    for number in range(20):
        process.wire(edge=f"another {number}")
    process.tell({"op": "targets", "id": EDGE, "targets": [target()]})
    async with connected(port) as (reader, _):
        process.popen.send_signal(signal.SIGCONT)
        assert await reader.readline() == b"up\n"
    assert (await process.counted(connections=1))["errors"] == 0


async def test_the_one_with_the_fewest_connections_is_next_and_equals_take_turns(process, serve):
    a, b, c = [await serve(says(name), name) for name in "abc"]
    port = process.wire(a(), b(), c())
    async with contextlib.AsyncExitStack() as stack:

        async def join() -> str:
            reader, _ = await stack.enter_async_context(connected(port))
            return (await reader.readline()).decode().strip()

        assert sorted([await join() for _ in range(6)]) == list("aabbcc")
    await process.counted(open=0)
    # One after the other, so that all are equals each time.
    names = []
    for _ in range(9):
        names.append(await who(port))
        await process.counted(open=0)
    assert {name: names.count(name) for name in names} == dict.fromkeys("abc", 3)

    async with contextlib.AsyncExitStack() as stack:
        process.targets(a())
        held = [await stack.enter_async_context(connected(port)) for _ in range(3)]
        for reader, _ in held:
            await reader.readline()
        process.targets(a(), b())
        assert [await who(port) for _ in range(4)] == ["b"] * 4


async def test_many_at_once_are_spread_as_well(process, serve):
    instances = [await serve(says(name), name) for name in "abc"]
    port = process.wire(*(instance() for instance in instances))
    async with contextlib.AsyncExitStack() as stack:
        opened = await asyncio.gather(
            *(stack.enter_async_context(connected(port)) for _ in range(60))
        )
        names = [(await reader.readline()).decode().strip() for reader, _ in opened]
    assert {name: names.count(name) for name in "abc"} == dict.fromkeys("abc", 20)


async def test_unready_instances_are_asked_only_when_none_is_ready(process, serve):
    a, b = [await serve(says(name), name) for name in "ab"]
    port = process.wire(a(ready=False), b())
    assert {await who(port) for _ in range(6)} == {"b"}
    process.targets(a(ready=False), b(ready=False))
    assert {await who(port) for _ in range(6)} == {"a", "b"}


async def test_other_targets_leave_open_connections_alone_and_unwire_cuts_them(process, serve):
    old, new = await serve(echo, "old"), await serve(says("new"), "new")
    port = process.wire(old())
    async with connected(port) as (reader, writer):
        writer.write(b"one")
        assert await reader.readexactly(3) == b"one"
        process.targets(new())
        assert await who(port) == "new"
        writer.write(b"two")
        assert await reader.readexactly(3) == b"two"
        assert (await process.counted(open=1))["connections"] == 2
        process.tell({"op": "unwire", "id": EDGE})
        with pytest.raises(ConnectionResetError):
            await reader.read()
        assert process.count() == {}
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, port)
    process.tell({"op": "targets", "id": EDGE, "targets": [new()]})  # said too late: no harm
    assert process.count() == {}


#: Echoes; started twice so that one can be killed.
ECHO = """
import asyncio, sys
async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(sys.argv[1].encode() + data)
async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


async def test_a_killed_replica_takes_only_its_own_connections_along(process):
    replicas = {
        name: subprocess.Popen(  # noqa: ASYNC220 - it only begins here
            [sys.executable, "-I", "-c", ECHO, name], stdout=subprocess.PIPE, text=True
        )
        for name in "ab"
    }
    try:
        ports = {name: int(replica.stdout.readline()) for name, replica in replicas.items()}
        port = process.wire(*((name, ports[name], True) for name in "ab"))
        async with contextlib.AsyncExitStack() as stack:
            of: dict[str, list[tuple[Reader, Writer]]] = {"a": [], "b": []}
            for _ in range(10):
                reader, writer = await stack.enter_async_context(connected(port))
                writer.write(b".")
                of[(await reader.readexactly(2)).decode()[0]].append((reader, writer))
            assert len(of["a"]) == len(of["b"]) == 5
            replicas["a"].kill()
            replicas["a"].wait()
            for reader, writer in of["a"]:
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()
            for reader, writer in of["b"]:
                writer.write(b"!")
                assert await reader.readexactly(2) == b"b!"
            # It is still among the targets: who comes now is served by the other.
            for _ in range(4):
                reader, writer = await stack.enter_async_context(connected(port))
                writer.write(b".")
                assert await reader.readexactly(2) == b"b."
            assert (await process.counted(open=9))["errors"] == 0
    finally:
        for replica in replicas.values():
            replica.kill()
            replica.wait()
            replica.stdout.close()
