"""What goes over a wire in quantity."""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import subprocess
import sys
import time

import pytest
from wired import EDGE, HOST, MB, Reader, Writer, connected


@pytest.mark.parametrize("direction", ["to the server", "to the client"])
async def test_a_slow_reader_makes_its_writer_wait_and_memory_stays(process, serve, direction):
    total = 60 * MB
    go = asyncio.Event()
    taken = asyncio.get_running_loop().create_future()

    async def source(writer: Writer) -> None:
        piece = bytes(MB)
        for _ in range(total // MB):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()

    async def sink(reader: Reader) -> int:
        await go.wait()
        count = 0
        while data := await reader.read(MB):
            count += len(data)
        return count

    async def handler(reader: Reader, writer: Writer) -> None:
        if direction == "to the server":
            taken.set_result(await sink(reader))
        else:
            await source(writer)
            await reader.read()

    port = process.wire((await serve(handler))())
    process.count()  # it has loaded all that it needs
    before = process.memory_kb("VmRSS")
    async with connected(port) as (reader, writer):
        task = asyncio.create_task(source(writer) if direction == "to the server" else sink(reader))
        done, _ = await asyncio.wait([task], timeout=0.3)
        assert not done  # the one who writes waits
        counted = process.count()[EDGE]
        stuck = counted["bytes_sent"] + counted["bytes_received"]
        assert stuck < total / 2
        go.set()
        if direction == "to the server":
            await task
            assert await taken == total
        else:
            assert await task == total
    assert process.memory_kb() - before < 8_000  # buffers of two sockets, not 60 MB


async def test_random_pieces_arrive_whole_and_in_order_in_both_directions(process, serve):
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)

    async def echo_in_pieces(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(chance.randint(1, 70_000)):
            writer.write(data)
            if chance.random() < 0.05:
                await asyncio.sleep(0.001)
            await writer.drain()

    port = process.wire((await serve(echo_in_pieces))())

    async def one(number: int) -> int:
        mine = random.Random(seed + number)
        said = mine.randbytes(mine.choice([1, 100, 65_536, 700_000]))
        async with connected(port) as (reader, writer):

            async def speak() -> None:
                at = 0
                while at < len(said):
                    size = mine.choice([1, 7, 1448, 65_536, 200_000])
                    writer.write(said[at : at + size])
                    at += size
                    await writer.drain()
                writer.write_eof()

            speaking = asyncio.create_task(speak())
            heard = await reader.read(-1)
            await speaking
            assert heard == said
        return len(said)

    total = sum(await asyncio.gather(*map(one, range(40))))
    await process.counted(open=0, errors=0, bytes_sent=total, bytes_received=total)


#: Takes every connection and keeps it, answers what the latest says.
KEEPER = """
import resource, socket
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
with socket.create_server(("127.0.0.1", 0), backlog=4096) as listener:
    print(listener.getsockname()[1], flush=True)
    kept = []
    while True:
        kept.append(listener.accept()[0])
        if len(kept) % 100 == 0:
            print(len(kept), flush=True)
        if len(kept) % 100 == 1 and kept[-1].recv(4) == b"ping":
            kept[-1].sendall(b"pong")
"""


def test_ten_thousand_idle_connections_and_the_next_one_is_served(process):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The wires need two descriptors for each: a small limit makes it some fewer.
    count = min(10_000, (hard - 200) // 200 * 100)
    if count < 9_000:
        pytest.skip(f"needs 20,000 descriptors in one process, {hard} is the limit here")
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-c", KEEPER], stdout=subprocess.PIPE, text=True
    )
    clients: list[socket.socket] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        port = process.wire(("b", int(keeper.stdout.readline()), True))

        def ask() -> bytes:
            clients.append(socket.create_connection((HOST, port), timeout=10))
            clients[-1].sendall(b"ping")
            return clients[-1].recv(4)

        for hundred in range(count // 100):
            assert ask() == b"pong"
            clients += [socket.create_connection((HOST, port)) for _ in range(99)]
            assert int(keeper.stdout.readline()) == 100 * (hundred + 1)
        while (now := process.count()[EDGE])["open"] < count:
            time.sleep(0.01)  # the last one's other end is being made
        assert (now["open"], now["errors"]) == (count, 0)
        assert ask() == b"pong"
        assert process.memory_kb("VmRSS") < 20 * count  # 20 kB each at most
    finally:
        keeper.kill()
        keeper.wait()
        keeper.stdout.close()
        for client in clients:
            client.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
