"""Every provider that this machine has keeps the same promises: its server is started for real."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import smtplib
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import aiokafka
import asyncpg
import pymongo
import pytest
import redis.asyncio

from tarmac import registry, stores
from tarmac.launch import Launch, Secret, reveal, secrets_of
from tarmac.local.data import sql
from tarmac.local.data.talking import tell
from tarmac.local.failures.causes import likely_cause
from tarmac.local.home.paths import Home
from tarmac.local.machine import offers, privileges
from tarmac.local.nodes import probes
from tarmac.local.nodes.prepare import drop_for, folder_of, prepare
from tarmac.local.starting import guard
from tarmac.local.starting.spawn import Spawner
from tarmac.stores._kind import Offer, StoreKind, User, View
from tarmac_kit import Bus, Message
from tarmac_kit.bus import make_bus

HOST = "127.0.0.1"
KINDS: dict[str, StoreKind] = registry.load(stores, "STORE")
PROVIDED = [
    pytest.param(kind, provider.id, id=f"{kind.id}-{provider.id}", marks=pytest.mark.servers)
    for kind in KINDS.values()
    for provider in kind.providers
]
every_provider = pytest.mark.parametrize(("kind", "provider"), PROVIDED)
READY_S = 60.0
ONE = User("one", Secret("stores/it/one"), ("kept.it",), ("kept.it",))
FOREIGN = User("other", Secret("stores/it/other"), foreign=True)


@dataclass
class Server:
    """A store's server in a folder of its own, started as the runtime would start it."""

    kind: StoreKind
    offer: Offer
    home: Home
    ports: dict[str, int]
    spawner: Spawner
    process: asyncio.subprocess.Process | None = None
    users: tuple[User, ...] = (ONE,)

    @property
    def view(self) -> View:
        return View(
            name="it",
            host=HOST,
            ports=self.ports,
            database="it",
            admin=Secret("stores/it/admin"),
            users=self.users,
        )

    @property
    def secrets(self) -> dict[str, str]:
        own = {"stores/it/admin": "a" * 48, "stores/it/one": "b" * 48}
        return {secret.path: "c" * 48 for secret in secrets_of(self.launch)} | own

    @property
    def launch(self) -> Launch:
        provider = next(each for each in self.kind.providers if each.id == self.offer.provider)
        return provider.launch(self.view, self.offer, False)

    @property
    def url(self) -> str:
        return self.url_of(self.users[0])

    def url_of(self, user: User) -> str:
        return reveal(self.kind.outputs["url"](self.view, user), self.secrets)

    @property
    def folder(self) -> Path:
        return folder_of(self.home, "it", self.launch)

    @property
    def log(self) -> Path:
        return self.home.root / "it.log"

    @property
    def pids(self) -> list[int]:
        assert self.process is not None
        return [self.process.pid, *guard.descendants(self.process.pid)]

    async def start(self) -> None:
        """Start it and return once its probe passes and its set-up is done."""
        await self.spawn()
        assert self.process is not None
        end = time.monotonic() + READY_S
        while complaint := await self.probe():
            assert self.process.returncode is None, self.log.read_text()
            assert time.monotonic() < end, f"{complaint}\n{self.log.read_text()}"
            await asyncio.sleep(0.02)
        for step in self.launch.setup:
            await sql.run(step, self.secrets)
        if self.launch.talk is not None:
            await tell(HOST, self.launch.talk, self.secrets)

    async def probe(self) -> str | None:
        """Probe it once, as the runtime does."""
        return await probes.passes(
            self.launch.ready,
            host=HOST,
            secrets=self.secrets,
            env={},
            cwd=self.folder,
            matched=False,
            lived_s=0.0,
            spawner=self.spawner,
        )

    async def spawn(self) -> None:
        launch, folder = self.launch, self.folder
        await prepare(folder, launch, self.secrets, self.spawner)
        argv = [part.replace("{folder}", str(folder)) for part in launch.argv]
        env = {name: reveal(value, self.secrets) for name, value in launch.env.items()}
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *privileges.run_as(drop_for(launch), argv),
                env={name: value.replace("{folder}", str(folder)) for name, value in env.items()},
                cwd=folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def stop(self) -> float:
        """Send the stop signal and wait; return how long it took."""
        assert self.process is not None
        began = time.monotonic()
        os.kill(self.process.pid, signal.Signals[self.launch.stop_signal])
        async with asyncio.timeout(self.launch.grace_s):
            await self.process.wait()
        return time.monotonic() - began

    async def kill(self) -> None:
        """Kill it and all that it started: the guard kills what is left behind, too."""
        if self.process is not None and self.process.returncode is None:
            for pid in reversed(self.pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await self.process.wait()

    def listening_at(self) -> set[str]:
        """List the addresses where its processes listen, as hexadecimal text of /proc/net."""
        sockets = set()
        for pid in self.pids:
            with contextlib.suppress(OSError):  # a process may end meanwhile
                for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        sockets.add(str(descriptor.readlink()))
        found = set()
        for table in ("tcp", "tcp6"):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                    found.add(fields[1].partition(":")[0])
        return found


def free_ports(kind: StoreKind) -> dict[str, int]:
    """Choose ports that are free now."""
    held = [socket.create_server((HOST, 0)) for _ in kind.ports]
    chosen = {name: one.getsockname()[1] for name, one in zip(kind.ports, held, strict=True)}
    for one in held:
        one.close()
    return chosen


@pytest.fixture
async def server(kind: StoreKind, provider: str, tmp_path: Path, monkeypatch):
    # The wheel of NATS puts its program beside the interpreter: on PATH it is one like any other.
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:{Path(sys.executable).parent}")
    offer = offers.find(kind, asked_provider=provider)
    if offer is None:
        pytest.skip(f"this machine has no {kind.title} by provider '{provider}'")
    home = Home(tmp_path / "home")
    home.create()
    spawner = Spawner()
    await spawner.start()
    one = Server(kind, offer, home, free_ports(kind), spawner)
    yield one
    await one.kill()
    await spawner.close()


class Postgres:
    async def write(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE kept (x int)")
        await connection.execute("INSERT INTO kept VALUES (7)")
        await connection.close()

    async def read(self, url: str) -> int:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval("SELECT x FROM kept")
        finally:
            await connection.close()


class Redis:
    async def write(self, url: str) -> None:
        async with redis.asyncio.from_url(url) as client:
            # It writes its file before it answers, if it syncs that only once a second: the end of
            # a process takes nothing away, that of the machine might.
            await client.set("one:kept", 7)

    async def read(self, url: str) -> int:
        async with redis.asyncio.from_url(url) as client:
            return int(await client.get("one:kept"))


class Nats:
    async def write(self, url: str) -> None:
        async with self._bus(url) as bus:
            await bus.publish(Message("1", "kept.it", "k", {"kept": 7}))

    async def read(self, url: str) -> int:
        got: asyncio.Queue[Message] = asyncio.Queue()
        async with self._bus(url) as bus:
            await bus.consume(("kept.it",), "one", got.put)
            return int((await asyncio.wait_for(got.get(), 20)).payload["kept"])

    @contextlib.asynccontextmanager
    async def _bus(self, url: str) -> AsyncIterator[Bus]:
        # A service of the kit may do what the kit's own adapter does.
        bus = make_bus(url, service="one")
        await bus.open()
        async with asyncio.timeout(20):
            while not bus.connected:  # noqa: ASYNC110 - the broker tells nobody
                await asyncio.sleep(0.01)
        yield bus
        await bus.close()


class Mail:
    async def write(self, url: str) -> None:
        await asyncio.to_thread(self._send, url)

    def _send(self, url: str) -> None:
        host, _, port = url.rpartition("@")[2].partition(":")
        with smtplib.SMTP(host, int(port)) as client:
            client.login("one", "b" * 48)
            client.sendmail("a@x.test", ["b@x.test"], b"Subject: 7\r\n\r\nbody")

    async def read(self, url: str) -> int:
        return 7 if url else 0


class RabbitMq:
    async def write(self, url: str) -> None:
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel(publisher_confirms=True)
            exchange = await channel.get_exchange("kept", ensure=False)
            message = aio_pika.Message(b"7", delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await exchange.publish(message, "kept.it")

    async def read(self, url: str) -> int:
        async with await aio_pika.connect(url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue("one.kept.it", ensure=False)
            message = await queue.get(timeout=10)
            return int(message.body)


class Kafka:
    async def write(self, url: str) -> None:
        producer = aiokafka.AIOKafkaProducer(**self._at(url), acks="all")
        try:
            await producer.start()
            await producer.send_and_wait("kept.it", b"7")
        finally:
            await producer.stop()

    async def read(self, url: str) -> int:
        consumer = aiokafka.AIOKafkaConsumer(
            "kept.it", group_id="one", auto_offset_reset="earliest", **self._at(url)
        )
        try:
            await consumer.start()
            return int((await asyncio.wait_for(consumer.getone(), 20)).value or b"0")
        finally:
            await consumer.stop()

    def _at(self, url: str) -> dict[str, str]:
        parts = urlsplit(url)
        return {
            "bootstrap_servers": f"{parts.hostname}:{parts.port}",
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": parts.username or "",
            "sasl_plain_password": parts.password or "",
        }


class MongoDb:
    async def write(self, url: str) -> None:
        async with pymongo.AsyncMongoClient(url) as client:
            kept = client.get_default_database()["kept"]
            journaled = kept.with_options(write_concern=pymongo.WriteConcern(j=True))
            await journaled.insert_one({"_id": 7})

    async def read(self, url: str) -> int:
        async with pymongo.AsyncMongoClient(url) as client:
            return int((await client.get_default_database()["kept"].find_one())["_id"])


CLIENTS = {
    "postgres": Postgres(),
    "redis": Redis(),
    "nats": Nats(),
    "mail": Mail(),
    "rabbitmq": RabbitMq(),
    "kafka": Kafka(),
    "mongodb": MongoDb(),
}


@every_provider
async def test_it_keeps_what_was_written_through_kill_9_and_on_another_port(server):
    client = CLIENTS[server.kind.id]
    await server.start()
    await client.write(server.url)
    await server.kill()
    server.ports = free_ports(server.kind)
    await server.start()
    assert await client.read(server.url) == 7


@pytest.mark.servers
@pytest.mark.parametrize(("kind", "provider"), [(KINDS["redis"], "embedded")], ids=["redis"])
async def test_a_kit_service_may_touch_no_keys_but_its_own(server):
    await server.start()
    async with redis.asyncio.from_url(server.url) as client:
        await client.set("one:key", 1)
        with pytest.raises(redis.exceptions.NoPermissionError):
            await client.set("two:key", 1)


async def refused(client: redis.asyncio.Redis, *commands: str) -> set[str]:
    """Tell which commands its user may not use; one without its arguments is as good."""
    found = set()
    for command in commands:
        try:
            await client.execute_command(*command.split())
        except redis.exceptions.NoPermissionError:
            found.add(command)
        except redis.exceptions.ResponseError:
            pass
    return found


CLEARING = ("FLUSHALL", "FLUSHDB", "SWAPDB 0 1")
USUAL = ("KEYS *", "INFO", "SCAN 0", "SORT it", "CONFIG GET save", "PUBLISH it 1")
SERVERS = ("CONFIG SET save 1", "SHUTDOWN", "REPLICAOF NO ONE", "ACL LIST", "MONITOR")


@pytest.mark.servers
@pytest.mark.parametrize(("kind", "provider"), [(KINDS["redis"], "embedded")], ids=["redis"])
@pytest.mark.parametrize("beside_the_kit", [True, False])
async def test_a_foreign_program_clears_a_redis_only_where_no_kit_service_has_keys(
    server, beside_the_kit
):
    server.users = (ONE, FOREIGN) if beside_the_kit else (FOREIGN,)
    await server.start()
    named = server.url_of(FOREIGN)
    # Old clients give a password and no name.
    for url in (named, named.replace("//other:", "//:")):
        async with redis.asyncio.from_url(url) as client:
            assert await client.set("anything", 1)
            assert await refused(client, *USUAL) == set()
            assert await refused(client, *SERVERS) == set(SERVERS)
            assert await refused(client, *CLEARING) == (set(CLEARING) if beside_the_kit else set())
            script = client.eval("return redis.call('flushall')", 0)
            if beside_the_kit:
                with pytest.raises(redis.exceptions.ResponseError, match="ACL"):
                    await script
            else:
                await script


@every_provider
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_it_listens_on_loopback_only(server):
    await server.start()
    addresses = server.listening_at()
    assert addresses
    assert addresses <= {"0100007F", "00000000000000000000000001000000"}


@every_provider
async def test_it_stops_within_its_grace_while_a_client_is_connected(server):
    await server.start()
    _, writer = await asyncio.open_connection(HOST, server.ports[server.kind.clients])
    assert await server.probe() is None  # and by now the connection before it was accepted, too
    try:
        assert await server.stop() < server.launch.grace_s
    finally:
        writer.close()


@every_provider
async def test_its_secrets_are_in_no_command_line_and_no_log(server):
    await server.start()
    for pid in server.pids:
        command = Path(f"/proc/{pid}/cmdline")
        shown = command.read_text(errors="replace") if command.exists() else ""
        assert not any(secret in shown for secret in server.secrets.values())
    logged = server.log.read_text(errors="replace")
    assert not any(secret in logged for secret in server.secrets.values())


@pytest.mark.servers
@pytest.mark.parametrize("kind", [KINDS["postgres"], KINDS["redis"]], ids=lambda kind: kind.id)
@pytest.mark.parametrize("provider", ["embedded"])
async def test_data_of_another_major_version_has_a_clear_cause(kind, server):
    older = offers.find(kind, asked_provider="binary")
    if older is None or older.numbers[:1] >= server.offer.numbers[:1]:
        pytest.skip(f"this machine has no {kind.title} that is older than the embedded one")
    await server.start()
    await CLIENTS[kind.id].write(server.url)
    await server.stop()
    newer, server.offer = server.offer, older
    server.log.write_text("")
    await server.spawn()
    assert server.process is not None
    status = await asyncio.wait_for(server.process.wait(), 20)
    cause = likely_cause(status, server.log.read_text().splitlines())
    assert "version" in cause
    assert "tarmac reset" in cause
    if kind.sql_url:
        assert str(newer.numbers[0]) in cause
        assert str(older.numbers[0]) in cause


def test_every_kind_has_a_client_here():
    assert KINDS.keys() <= CLIENTS.keys()
