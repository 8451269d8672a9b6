"""How long a snapshot of 1 GiB of rows takes, beside pg_dump and pg_restore of the same database.

Ours are the verbs, from their start to the first answer afterwards; theirs the server's own
programs, with the same compression, into an empty database. Ours hold every store of the system;
theirs one database, while its server goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from bench.copies import FILL, Copy, copy
from bench.figure import Figure, interleaved, seconds, sized

from tarmac.run.local.snapshots import copying
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client

ROUNDS = sized(3, 1)
SYSTEM = f"""
tarmac: 1
system: small
services:
  web: {{run: "{sys.executable} -m http.server $PORT", port: 8768, stores: {{db: db}}}}
stores: {{db: postgres, cache: redis}}
"""


def measure() -> list[Figure]:
    """Return the seconds of saving and of loading, and what the disk can do."""
    with copy(SYSTEM) as system:
        system.tarmac("up", "-d")
        home = Home.of(system.folder / "tarmac.yaml", "default")
        url = client.store_url(home, "db")
        asyncio.run(_say(url, FILL))
        pid = next(node["pid"] for node in system.nodes() if node["name"] == "db")
        programs = Path(f"/proc/{pid}/exe").readlink().parent
        dump = home.root / "db.dump"
        pauses: dict[str, list[float]] = {"save": [], "load": []}
        reflinks = copying.has_reflinks(home.root, home.nodes)
        save, pg_dump = interleaved(
            lambda: _verb(system, "save", pauses),
            lambda: seconds(lambda: _dump(programs, url, dump)),
            rounds=ROUNDS,
        )
        load, pg_restore = interleaved(
            lambda: _verb(system, "load", pauses),
            lambda: _restore(programs, url, dump),
            rounds=ROUNDS,
        )
    kind = "with reflinks" if reflinks else "without reflinks, so packed by gzip"
    note = f"medians of {ROUNDS} rounds in turns; a file system {kind}; writers wait for "
    away = {verb: f"{statistics.median(found):.2f} s" for verb, found in pauses.items()}
    return [
        Figure("snapshot of 1 GiB of rows, pg_dump", "s", save, pg_dump, note + away["save"]),
        Figure("load of 1 GiB of rows, pg_restore", "s", load, pg_restore, note + away["load"]),
    ]


def _verb(system: Copy, verb: str, pauses: dict[str, list[float]]) -> float:
    os.sync()  # what the other one wrote is not this one's to wait for
    force = ("--force",) if verb == "save" else ()
    said: list[str] = []
    took_s = seconds(lambda: said.append(system.tarmac("snapshot", verb, "one", "--json", *force)))
    pauses[verb].append(json.loads(said[0])["pause_s"])
    return took_s


def _dump(programs: Path, url: str, dump: Path) -> None:
    command = ["--format=custom", "--compress=gzip:1", f"--file={dump}", url]
    subprocess.run([programs / "pg_dump", *command], check=True)


def _restore(programs: Path, url: str, dump: Path) -> float:
    os.sync()
    empty = urlsplit(url)._replace(path="/by_hand").geturl()
    asyncio.run(_say(url, "DROP DATABASE IF EXISTS by_hand", "CREATE DATABASE by_hand"))
    command = ["--no-owner", f"--dbname={empty}", str(dump)]
    took_s = seconds(lambda: subprocess.run([programs / "pg_restore", *command], check=True))
    asyncio.run(_say(url, "DROP DATABASE by_hand"))
    return took_s


async def _say(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()
