"""What it costs to count commands on the wires to stores: the same wire, reading and not reading.

pgbench reads single rows of PostgreSQL over eight connections; a client writes and reads keys of
Redis (Valkey), sixteen commands at once. Without pgbench nothing is measured.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from bench.bench_wires import wire
from bench.figure import Figure, program, sized

from tarmac.testing import System, running

CLIENTS, AT_ONCE = 8, 16
ROUNDS, SECONDS = sized((5, 3), (1, 2))
SYSTEM = """
tarmac: 1
system: store-wires
services: {idle: {run: [sleep, infinity]}}
stores: {rows: postgres, keys: redis}
"""


def measure() -> list[Figure]:
    """Return the rate of commands to each store."""
    pgbench = program("pgbench")
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as folder:
        file = Path(folder) / "tarmac.yaml"
        file.write_text(SYSTEM, encoding="utf-8")
        with running(file, name="wires") as system:
            return [
                _figure("PostgreSQL", system, "rows", lambda port: _rows(pgbench, system, port)),
                _figure("Redis", system, "keys", lambda port: _keys(system, port)),
            ]


def _figure(title: str, system: System, store: str, rate: Callable[[int], float]) -> Figure:
    port = urlsplit(system.store_url(store)).port or 0
    with wire(port, inspects=True) as reading, wire(port) as passing:
        for one in (reading, passing):
            rate(one)  # the first round makes tables and fills caches
        rounds = [(rate(reading), rate(passing)) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*rounds, strict=True))
    return Figure(
        f"through a wire that counts commands to {title}, rate",
        "commands/s",
        ours,
        theirs,
        f"more is better; medians of {ROUNDS} rounds of {SECONDS} s in turns; theirs: through a "
        "wire that does not count",
    )


def _rows(pgbench: str, system: System, port: int) -> float:
    url = urlsplit(system.store_url("rows"))
    where = ("-h", "127.0.0.1", "-p", str(port), "-U", str(url.username), url.path.lstrip("/"))

    def run(*options: str) -> str:
        return subprocess.run(
            [pgbench, *options, *where],
            env={"PGPASSWORD": str(url.password), "PGSSLMODE": "disable"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    run("-i", "-q")
    said = run("-n", "-S", "-c", str(CLIENTS), "-T", str(SECONDS))
    found = re.search(r"tps = ([\d.]+)", said)
    if found is None:
        raise SystemExit(f"pgbench: {said}")
    return float(found[1])


def _keys(system: System, port: int) -> float:
    return asyncio.run(_commands(system.store_url("keys"), port))


async def _commands(address: str, port: int) -> float:
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_command("AUTH", url.username or "default", url.password or ""))
    if not (said := await reader.readline()).startswith(b"+OK"):
        raise SystemExit(f"redis: {said!r}")
    batch = b"".join(
        _command("SET", f"key:{number}", "x" * 100) + _command("GET", f"key:{number}")
        for number in range(AT_ONCE // 2)
    )
    done, ends_at = 0, time.perf_counter() + SECONDS
    while time.perf_counter() < ends_at:
        writer.write(batch)
        for _ in range(AT_ONCE // 2):
            await reader.readuntil(b"x\r\n")
        done += AT_ONCE
    writer.close()
    return done / SECONDS


def _command(*words: str) -> bytes:
    parts = b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)
    return b"*%d\r\n" % len(words) + parts
