"""The load of drills: what its generator says of a server with a known delay, and what it can make.

The server is a bare ASGI one under uvicorn that waits before it answers, or does not. wrk asks it
over connections that wait for their answers; the generator begins visits by the clock.
"""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.copies import ended
from bench.figure import Figure, program, sized

from tarmac.drill.load.process import Load, Visits, generating

ROUNDS = sized(5, 1)
SECONDS = sized(3.0, 1.0)
DELAY_S = 0.05
#: Visits per second: what wrk's connections make of the delay.
CONNECTIONS = 10
RATE = CONNECTIONS / DELAY_S
#: More than one process of Python makes.
TOO_MANY = 20_000.0

SERVICE = """
import asyncio, sys, uvicorn
delay_s = float(sys.argv[2])
async def app(scope, receive, send):
    if scope["type"] == "http":
        if delay_s:
            await asyncio.sleep(delay_s)
        start = {"type": "http.response.start", "status": 200}
        await send({**start, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"0123456789"})
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", lifespan="off", loop="uvloop",
            http="httptools", access_log=False, backlog=4096)
"""
JOURNEYS = """
from contextlib import asynccontextmanager
import aiohttp

@asynccontextmanager
async def ask(urls):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async def visit():
            async with session.get(urls["server"]) as answer:
                await answer.read()
        yield visit

JOURNEYS = {"ask": ask}
"""


def measure() -> list[Figure]:
    """Return the median that both see, and the most that both make."""
    wrk = program("wrk")
    with tempfile.TemporaryDirectory() as folder:
        journeys = Path(folder) / "journeys.py"
        journeys.write_text(JOURNEYS)
        with _server(DELAY_S) as url:
            medians = [
                (1000 * _visits(journeys, url, RATE)[0].percentile_s(50), _wrk_median_ms(wrk, url))
                for _ in range(ROUNDS)
            ]
        with _server(0) as url:
            most = [(_most(journeys, url), _wrk_rate(wrk, url)) for _ in range(ROUNDS)]
    how = f"medians of {ROUNDS} rounds in turns of {SECONDS:g} s; wrk with one thread"
    delayed = f"{how}, {CONNECTIONS} connections; {RATE:g} visits a second of a server that waits"
    return [
        _figure("of a known delay, median", "ms", medians, f"{delayed} {1000 * DELAY_S:g} ms"),
        _figure(
            "most visits",
            "visits/s",
            most,
            f"more is better; {how}, 64 connections; {TOO_MANY:g} visits a second asked for, each "
            "timed from when it was due and kept in a histogram",
        ),
    ]


def _figure(name: str, unit: str, pairs: list[tuple[float, float]], note: str) -> Figure:
    ours, theirs = (statistics.median(values) for values in zip(*pairs, strict=True))
    return Figure(f"load of a drill: {name}", unit, ours, theirs, note)


def _visits(journeys: Path, url: str, rate: float) -> tuple[Visits, float]:
    """Return the visits, and the seconds that they took."""
    load = Load(journeys, "ask", {"server": url}, ((rate, SECONDS),))
    with generating(load) as running:
        begun = time.perf_counter()
        running.begin()
        time.sleep(SECONDS)
        running.end()
        return running.between(0), time.perf_counter() - begun


def _most(journeys: Path, url: str) -> float:
    visits, took_s = _visits(journeys, url, TOO_MANY)
    return visits.good / took_s


def _wrk(wrk: str, url: str, *args: str) -> str:
    command = [wrk, "-t1", f"-d{SECONDS:g}s", *args, url]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _wrk_median_ms(wrk: str, url: str) -> float:
    printed = _wrk(wrk, url, f"-c{CONNECTIONS}", "--latency")
    found = re.search(r"50%\s+([\d.]+)ms", printed)
    if found is None:
        raise RuntimeError(f"wrk printed no median: {printed}")
    return float(found[1])


def _wrk_rate(wrk: str, url: str) -> float:
    found = re.search(r"Requests/sec:\s+([\d.]+)", _wrk(wrk, url, "-c64"))
    if found is None:
        raise RuntimeError("wrk printed no rate")
    return float(found[1])


@contextlib.contextmanager
def _server(delay_s: float) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", SERVICE, str(port), str(delay_s)])
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/"
    finally:
        ended(process)
