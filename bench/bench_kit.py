"""How many requests a kit service answers beside bare FastAPI with the same handler.

Both run under uvicorn with the same settings in processes of their own; a third process loads one
of them at a time over 32 connections that stay open, wrk where it is installed, aiohttp elsewhere.
Bare FastAPI logs, counts and traces nothing: what is compared is all that the kit does for a
request. Processor time a request is beside the rate, because a busy machine bends the rate more.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 15
SECONDS = 1.0
CONNECTIONS = 32
PATIENCE_S = 30.0
PATH = "/things/5"

#: Prints how many answers came; for machines without wrk. It needs a core of its own.
AIOHTTP_LOAD = """
import asyncio, sys, time, aiohttp
async def main(url, seconds, connections):
    ends_at, done = time.monotonic() + seconds, 0
    async def worker(http):
        nonlocal done
        while time.monotonic() < ends_at:
            async with http.get(url) as answer:
                await answer.read()
                done += answer.status == 200
    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(worker(http) for _ in range(connections)))
    print(done, 'requests in')
asyncio.run(main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
"""


@dataclass(frozen=True)
class Round:
    """One load: answers a second, and microseconds of the server's processor time for each."""

    rps: float
    cpu_us: float


@dataclass(frozen=True)
class Server:
    """A running server."""

    pid: int
    url: str

    def load(self) -> Round:
        """Load it for a second; raise if an answer was no success."""
        cpu_before, begun = _cpu_s(self.pid), time.perf_counter()
        done = subprocess.run(_load(self.url), check=True, capture_output=True, text=True).stdout
        took_s, cpu_s = time.perf_counter() - begun, _cpu_s(self.pid) - cpu_before
        found = re.search(r"(\d+) requests in", done)
        if found is None or int(found[1]) == 0 or "Non-2xx" in done:
            raise RuntimeError(f"{self.url} did not answer under load: {done}")
        count = int(found[1])
        return Round(count / took_s, cpu_s / count * 1e6)


def measure() -> list[Figure]:
    """Return the rate and the processor time a request, with and without the request's log line."""
    with _served() as bare, _served(LOG_LEVEL="info") as kit, _served(LOG_LEVEL="error") as quiet:
        servers = (bare, kit, quiet)
        for server in servers:
            server.load()  # the first requests of each fill caches
        rounds = [[server.load() for server in servers] for _ in range(ROUNDS)]
    rps = [statistics.median(r[n].rps for r in rounds) for n in range(3)]
    cpu_us = [statistics.median(r[n].cpu_us for r in rounds) for n in range(3)]
    program = "wrk" if shutil.which("wrk") else "aiohttp"
    how = (
        f"FastAPI with the same handler and uvicorn settings, which logs and counts nothing; "
        f"{program}, {CONNECTIONS} connections, medians of {ROUNDS} loads of {SECONDS:g} s in turns"
    )
    silent = "as above, but the kit's log line for each request is off (LOG_LEVEL=error)"
    figures = [
        Figure("kit service", "requests/s", rps[1], rps[0], f"more is better; {how}"),
        Figure("kit service, no request log", "requests/s", rps[2], rps[0], silent),
    ]
    if cpu_us[0]:
        figures += [
            Figure("kit service, processor time", "us/request", cpu_us[1], cpu_us[0], how),
            Figure("the same, no request log", "us/request", cpu_us[2], cpu_us[0], silent),
        ]
    return figures


@contextlib.contextmanager
def _served(**env: str) -> Iterator[Server]:
    """Run the kit's side with `env`, or the bare one without; its output goes to a file."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    module = ["tarmac_kit.serve", "bench.served"] if env else ["bench.served.bare", str(port)]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PORT": str(port), "SERVICE_NAME": "served", **env},
            stdout=output,
        )
    try:
        url = f"http://127.0.0.1:{port}{PATH}"
        _await(url, process)
        yield Server(process.pid, url)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{url}: not served within {PATIENCE_S:g} s")


def _load(url: str) -> list[str]:
    if wrk := shutil.which("wrk"):
        return [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", url]
    return [sys.executable, "-c", AIOHTTP_LOAD, url, str(SECONDS), str(CONNECTIONS)]


def _cpu_s(pid: int) -> float:
    """Return the processor seconds of a process so far; 0.0 where there is no /proc."""
    if sys.platform != "linux":
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
