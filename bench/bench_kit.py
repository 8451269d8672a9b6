"""How many requests a kit service answers beside bare FastAPI with the same handler.

Both run under uvicorn with the same settings in processes of their own; a third process loads one
of them at a time over 32 connections that stay open, wrk where it is installed, aiohttp elsewhere.
Bare FastAPI logs, counts and traces nothing: what is compared is all that the kit does for a
request. Processor time a request is beside the rate, because a busy machine bends the rate more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench.copies import UNLIMITED
from bench.figure import Figure, sized
from bench.load import CONNECTIONS, SECONDS, Server

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = sized(15, 1)
PATIENCE_S = 30.0
PATH = "/things/5"


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
            env={
                "PATH": os.environ["PATH"],
                "PORT": str(port),
                "SERVICE_NAME": "served",
                **UNLIMITED,
                **env,
            },
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
