"""How long 1 GiB of rows takes to be restored, beside the same by hand.

Both restore the same base backup and archive of a PostgreSQL server that lost its data, and are
timed until a statement is answered: ours by what a restore drill asks for; theirs by `cp`, the
settings of the manual ("Continuous Archiving and Point-in-Time Recovery") and a server's start.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
from bench.copies import FILL, copy, ended, until
from bench.figure import Figure, interleaved, seconds, sized

from tarmac.run.local.host import privileges
from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.local_recovery import LocalRecovery
from tarmac.run.local.supervisor.local_target import local_target

ROUNDS = sized(3, 1)
SYSTEM = f"""
tarmac: 1
system: small
services:
  web: {{run: "{sys.executable} -m http.server $PORT", port: 8766, stores: {{db: db}}}}
stores: {{db: postgres}}
"""


def measure() -> list[Figure]:
    """Return the seconds of both; a row of each is read."""
    with copy(SYSTEM) as system:
        system.tarmac("up", "-d")
        home = Home.of(system.folder / "tarmac.yaml", "default")
        asyncio.run(_say(client.store_url(home, "db"), FILL))
        pid = next(node["pid"] for node in system.nodes() if node["name"] == "db")
        program = Path(f"/proc/{pid}/exe").readlink()
        with local_target(home) as target:
            store = target.recovery("db")
            store.back_up(3600, synchronous=False)
            size_mb = store.data_mb()
            ours, theirs = interleaved(
                lambda: _restored(store, home), lambda: _by_hand(program, home), rounds=ROUNDS
            )
    note = f"medians of {ROUNDS} rounds in turns; {size_mb:.0f} MB of PostgreSQL's files"
    return [Figure("restore of 1 GiB of rows", "s", ours, theirs, note)]


def _restored(store: LocalRecovery, home: Home) -> float:
    store.lose_data()
    os.sync()  # what the other one wrote is not this one's to wait for
    url = client.store_url(home, "db")

    def restore() -> None:
        store.restore_data()
        until("the restored store", lambda: _answers(url))

    return seconds(restore)


def _by_hand(program: Path, home: Home) -> float:
    """Restore into a folder beside the store's, with a server of the same program."""
    (folder,) = (path.parent for path in home.root.rglob("backup/base"))
    data = folder.parent / "by-hand"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    server: list[subprocess.Popen[bytes]] = []

    def restore() -> None:
        subprocess.run(["cp", "-Rp", folder / "base", data], check=True)
        (data / "recovery.signal").touch()
        settings = {
            "port": str(port),
            "unix_socket_directories": "",
            "hba_file": str(folder.parent / "pg_hba.conf"),
            "config_file": str(folder.parent / "postgresql.conf"),
            "archive_mode": "off",
            "shared_buffers": "16MB",
            "max_connections": "50",
            "restore_command": f"cp {folder}/wal/%f %p",
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        argv = privileges.run_as(privileges.drop(), [str(program), "-D", str(data), *options])
        server.append(subprocess.Popen(argv, stderr=subprocess.DEVNULL))
        parts = urlsplit(client.store_url(home, "db"))
        there = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}")
        until("the server by hand", lambda: _answers(there.geturl()))

    os.sync()
    try:
        return seconds(restore)
    finally:
        for process in server:
            ended(process)
        shutil.rmtree(data)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError, asyncpg.PostgresError):
        return asyncio.run(_say(url, "SELECT said FROM things WHERE number = 7 LIMIT 1"))
    return False


async def _say(url: str, statement: str) -> bool:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        await connection.execute(statement)
        return True
    finally:
        await connection.close()
