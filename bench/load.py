"""Loads one address over connections that stay open, from a process of its own; for bench files.

With wrk where it is installed, aiohttp elsewhere. It measures how many answers came, and the
processor time of a server that gave them.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.figure import processor_s

SECONDS = 1.0
CONNECTIONS = 32

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
    """A running server, and what is asked of it."""

    pid: int
    url: str

    def load(self) -> Round:
        """Load it for a second; raise if an answer was no success."""
        cpu_before, begun = processor_s([self.pid]), time.perf_counter()
        count = load(self.url)
        took_s, cpu_s = time.perf_counter() - begun, processor_s([self.pid]) - cpu_before
        return Round(count / took_s, cpu_s / count * 1e6)


def load(url: str) -> int:
    """Load an address for SECONDS; return how many answered, raise if one was no success."""
    done = subprocess.run(_command(url), check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", done)
    if found is None or int(found[1]) == 0 or "Non-2xx" in done:
        raise RuntimeError(f"{url} did not answer under load: {done}")
    return int(found[1])


def _command(url: str) -> list[str]:
    if wrk := shutil.which("wrk"):
        return [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS:g}s", url]
    return [sys.executable, "-c", AIOHTTP_LOAD, url, str(SECONDS), str(CONNECTIONS)]
