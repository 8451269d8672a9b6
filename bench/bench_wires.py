"""What a wire costs: latency added and requests a second, beside the same service without it.

A bare ASGI service under uvicorn answers; one client asks it in turns, straight and through the
wires' process of its own. Latency is that of one connection with one request after another; the
rate is that of many connections, by wrk where it is installed.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bench.copies import ended
from bench.figure import Figure, sized

from tarmac.run.local.network import wires
from tarmac.run.local.network.identities import Identities
from tarmac.run.local.network.tls import CALLEE, CALLER

HOST = "127.0.0.1"
ROUNDS = sized(9, 1)
REQUESTS = sized(1500, 10)
CONNECTIONS = 32
SECONDS = 1.0

#: Answers ten bytes; nothing but uvicorn's own work is done for a request.
SERVICE = """
import sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"0123456789"})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", lifespan="off", loop="uvloop",
            http="httptools", access_log=False, backlog=4096)
"""
#: Prints the seconds of each request over one connection that stays open.
CLIENT = """
import socket, sys, time
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10) as connection:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    took = []
    for number in range(int(sys.argv[2]) + 100):
        begun = time.perf_counter()
        connection.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        answer = b""
        while not answer.endswith(b"0123456789"):
            answer += connection.recv(4096) or sys.exit("the connection was closed")
        took.append(time.perf_counter() - begun)
print(*took[100:])
"""
#: Prints how many answers came, where wrk is not installed.
LOAD = """
import asyncio, sys, time, uvloop
port, seconds, count = int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
async def one(end):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = 0
    while time.monotonic() < end:
        writer.write(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        await reader.readuntil(b"0123456789")
        answers += 1
    writer.close()
    return answers
async def main():
    end = time.monotonic() + seconds
    print(sum(await asyncio.gather(*(one(end) for _ in range(count)))), "requests in")
uvloop.run(main())
"""


def measure() -> list[Figure]:
    """Return latency at the median and the 99th percentile, and the rate."""
    with (
        _service() as direct,
        wire(direct) as wired,
        wire(direct, inspects=True) as inspected,
        _secured(direct) as secured,
    ):
        for port in (direct, wired, inspected, secured):
            _rate(port)  # the first requests fill caches
        p50: list[tuple[float, float]] = []
        p99: list[tuple[float, float]] = []
        rates: list[tuple[float, float]] = []
        counting: list[tuple[float, float]] = []
        encrypting: list[tuple[float, float]] = []
        for number in range(ROUNDS):
            # Who comes first changes: what else the machine does hits both alike.
            order = (wired, direct) if number % 2 else (direct, wired)
            latencies = {port: _latencies(port) for port in order}
            for found, percent in ((p50, 50), (p99, 99)):
                found.append(
                    (
                        _percentile(latencies[wired], percent),
                        _percentile(latencies[direct], percent),
                    )
                )
            measured = {port: _rate(port) for port in order}
            rates.append((measured[wired], measured[direct]))
            pair = (inspected, wired) if number % 2 else (wired, inspected)
            measured = {port: _rate(port) for port in pair}
            counting.append((measured[inspected], measured[wired]))
            pair = (secured, wired) if number % 2 else (wired, secured)
            measured = {port: _rate(port) for port in pair}
            encrypting.append((measured[secured], measured[wired]))
    how = f"bare ASGI under uvicorn without the wire; medians of {ROUNDS} rounds in turns"
    one = f"{how} of {REQUESTS} requests, one after another on one connection"
    program = "wrk" if shutil.which("wrk") else "asyncio"
    many = f"more is better; {how} of {SECONDS:g} s, {CONNECTIONS} connections, {program}"
    return [
        _figure("through a wire, median", "ms", p50, one),
        _figure("through a wire, 99th percentile", "ms", p99, one),
        _figure("through a wire, rate", "requests/s", rates, many),
        _figure(
            "through a wire that counts requests, rate",
            "requests/s",
            counting,
            many.replace("without the wire", "through a wire that does not"),
        ),
        _figure(
            "through two ends with TLS, rate",
            "requests/s",
            encrypting,
            many.replace("without the wire", "through a wire without TLS"),
        ),
    ]


def _figure(name: str, unit: str, pairs: list[tuple[float, float]], note: str) -> Figure:
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    return Figure(name, unit, ours, theirs, note)


def _percentile(values: list[float], percent: int) -> float:
    """Return it in milliseconds."""
    return statistics.quantiles(values, n=100)[percent - 1] * 1000


def _latencies(port: int) -> list[float]:
    command = [sys.executable, "-I", "-c", CLIENT, str(port), str(REQUESTS)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return [float(word) for word in done.stdout.split()]


def _rate(port: int) -> float:
    load = [sys.executable, "-c", LOAD, str(port), str(SECONDS), str(CONNECTIONS)]
    if wrk := shutil.which("wrk"):
        load = [str(wrk), "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", f"http://{HOST}:{port}/"]
    begun = time.perf_counter()
    done = subprocess.run(load, check=True, capture_output=True, text=True).stdout
    took_s = time.perf_counter() - begun
    found = re.search(r"(\d+) requests in", done)
    if found is None or int(found[1]) == 0 or "Socket errors" in done:
        raise RuntimeError(f"port {port} did not answer under load: {done}")
    return int(found[1]) / took_s


@contextlib.contextmanager
def _service() -> Iterator[int]:
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SERVICE, str(port)])
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port)):
                break
            time.sleep(0.02)
        yield port
    finally:
        ended(process)


@contextlib.contextmanager
def _secured(target: int) -> Iterator[int]:
    """Run both processes of `up --mtls`; give the port of the caller's end."""
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as folder:
        identities = Identities(Path(folder) / "identities")
        identities.begin("bench")
        identities.hand_out(["a", "b"])
        callee, caller = (
            {
                "side": side,
                "certificate": str(identities.file_of(own)),
                "authority": str(identities.authority),
                "peers": [identities.id_of(peer)],
                "users": [],
            }
            for side, own, peer in ((CALLEE, "b", "a"), (CALLER, "a", "b"))
        )
        with wire(target, tls=callee) as end, wire(end, tls=caller) as port:
            yield port


@contextlib.contextmanager
def wire(
    target: int, *, inspects: bool = False, tls: Mapping[str, Any] | None = None
) -> Iterator[int]:
    """Run the wires' process with one wire; give its port."""
    ours, theirs = socket.socketpair()
    program = [sys.executable, "-I", str(Path(wires.__file__))]
    process = subprocess.Popen(program, stdin=theirs.fileno())
    theirs.close()
    try:
        with socket.create_server((HOST, 0), backlog=wires.BACKLOG) as listener:
            ours.sendall(json.dumps({"op": "inspect", "on": inspects}).encode() + b"\n")
            targets = [["b", target, True]]
            request = {"op": "wire", "id": "a->b", "targets": targets, "listeners": 1, "tls": tls}
            line = json.dumps(request).encode() + b"\n"
            socket.send_fds(ours, [line[:1]], [listener.fileno()])
            ours.sendall(line[1:])
            yield listener.getsockname()[1]
    finally:
        ours.close()
        ended(process)
