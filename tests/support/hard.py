"""A system with stores, a seed and a service with children, and what the tests of its ends do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from remains import half_written, processes_of
from sandbox import PORT, Sandbox, family, gone, web

from tarmac.run.local.host import guard

SEED = int(os.environ.get("TARMAC_SOAK_SEED", "7"))
LONG = bool(os.environ.get("TARMAC_SOAK_S"))
#: How many moments of a start, a stop or a reset are tried.
MOMENTS = 20 if LONG else 1
#: What only the long form tries: its like is in the short one.
only_long = pytest.mark.skipif(not LONG, reason="only with TARMAC_SOAK_S")


def few(*cases: Any, more: tuple[Any, ...]) -> list[Any]:
    """List the cases of the short form, and the others marked for the long one."""
    return [*cases, *(pytest.param(names, marks=only_long) for names in more)]


#: Starts a program in a session of its own, as `npm start` or a build tool may, and lives on.
FAMILY = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "3600"], start_new_session=True)
subprocess.Popen(["sh", "-c", "sleep 3600 & wait"])
print("up", flush=True)
time.sleep(3600)
"""
#: Counts its own starts in its database, one committed row each.
COUNTING = """
import asyncio, os, time
import asyncpg
async def main():
    connection = await asyncpg.connect(os.environ["URL"])
    await connection.execute("CREATE TABLE IF NOT EXISTS goods (name text PRIMARY KEY)")
    await connection.execute("CREATE TABLE IF NOT EXISTS starts (at timestamptz)")
    await connection.execute("INSERT INTO starts VALUES (now())")
    await connection.close()
asyncio.run(main())
print("made", flush=True)
time.sleep(3600)
"""
STORED = f"""
    tarmac: 1
    system: small
    services:
      {web("front", PORT, ", calls: [back]")}
      {web("back", PORT + 1, ", stores: {cache: cache}, probe: {http: /}")}
      family: {{run: [{sys.executable}, family.py], probe: {{log: ^up}}}}
      counting:
        run: [{sys.executable}, counting.py]
        env: {{URL: "${{stores.db.url}}"}}
        probe: {{log: ^made}}
    stores:
      cache: redis
      db: {{kind: postgres, seed: seed.sql}}
    """


def home_of(box: Sandbox) -> Path:
    return box.folder / ".tarmac/default"


def meta(box: Sandbox, key: str) -> int:
    with sqlite3.connect(home_of(box) / "state.sqlite") as database:
        query = "SELECT value FROM meta WHERE key = ?"
        return int(database.execute(query, (key,)).fetchone()[0])


def pids_of(box: Sandbox, word: str) -> list[int]:
    """Find the system's processes whose command line has a word."""
    return [pid for pid, what in processes_of(home_of(box)).items() if word in what]


def kill(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def made(box: Sandbox) -> tuple[int, int]:
    """Count the rows that the counting service committed, and the goods that were sown."""
    secrets = json.loads((home_of(box) / "secrets.json").read_text())
    port = box.node("db")["ports"]["main"]
    url = f"postgresql://postgres:{secrets['stores/db/admin']}@127.0.0.1:{port}/db"

    async def ask() -> tuple[int, int]:
        connection = await asyncpg.connect(url)
        try:
            query = "SELECT (SELECT count(*) FROM starts), (SELECT count(*) FROM goods)"
            return tuple(await connection.fetchrow(query))
        finally:
            await connection.close()

    return asyncio.run(ask())


def whole_again(box: Sandbox, pids: list[int]) -> None:
    """Bring it up: all of it is healthy, and nothing of what ran before lives."""
    up = box.up()
    assert up["healthy"], up
    assert gone(pids)
    assert half_written(home_of(box)) == []


WHO: dict[str, Callable[[Sandbox], list[int]]] = {
    "supervisor": lambda box: [meta(box, "supervisor_pid")],
    "guard": lambda box: [meta(box, "guard_pid")],
    "wires": lambda box: pids_of(box, "local/network/wires.py"),
    "everything": family,
}


def supervisors(box: Sandbox) -> list[int]:
    """Find the supervisors of this folder, also one that has only just begun."""
    found = []
    for pid in guard.parents():
        with contextlib.suppress(OSError):
            argv = Path(f"/proc/{pid}/cmdline").read_bytes()
            if b"tarmac.run.local.supervisor.daemon" in argv and str(box.folder).encode() in argv:
                found.append(pid)
    return found
