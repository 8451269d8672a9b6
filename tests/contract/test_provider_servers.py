"""Every provider that this machine has keeps the same promises: its server is started for real."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis.asyncio
from free_ports import free_ports
from store_clients import client_of

from tarmac.base import registry
from tarmac.base.launch import Launch, Secret, reveal, secrets_of
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, StoreKind, User
from tarmac.run.local.diagnostics.causes import likely_cause
from tarmac.run.local.host import guard, offers, privileges
from tarmac.run.local.process import probes
from tarmac.run.local.process.prepare import drop_for, folder_of, prepare
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.state.paths import Home
from tarmac.run.local.stores import contents
from tarmac.run.local.stores.dialogue import set_up_server
from tarmac.run.local.supervisor.store_statistics import figures

HOST = "127.0.0.1"
KINDS: dict[str, StoreKind] = registry.load(stores, "STORE")
MARKS = (pytest.mark.servers, pytest.mark.timeout(400))
PROVIDED = [
    pytest.param(kind, provider.id, id=f"{kind.id}-{provider.id}", marks=MARKS)
    for kind in KINDS.values()
    for provider in kind.providers
]
every_provider = pytest.mark.parametrize(("kind", "provider"), PROVIDED)
READY_S = 240.0  # a JVM beside others
ONE = User("one", Secret("stores/it/one"), ("kept.it",), ("kept.it",))
FOREIGN = User("other", Secret("stores/it/other"), foreign=True)


@dataclass
class Server:
    """A store's server in a folder of its own, started as the runtime would start it."""

    kind: StoreKind
    offer: ProviderCandidate
    home: Home
    ports: dict[str, int]
    spawner: Spawner
    process: asyncio.subprocess.Process | None = None
    users: tuple[User, ...] = (ONE,)

    @property
    def view(self) -> StoreContext:
        return StoreContext(
            name="it",
            host=HOST,
            ports=self.ports,
            database="it",
            admin=Secret("stores/it/admin"),
            users=self.users,
        )

    @property
    def secrets(self) -> dict[str, str]:
        # As hard to guess as those of a system: a server may refuse a weak one.
        paths = {secret.path for secret in secrets_of(self.launch)}
        return {
            path: hashlib.sha256(path.encode()).hexdigest()[:48]
            for path in paths | {"stores/it/admin", "stores/it/one"}
        }

    @property
    def launch(self) -> Launch:
        provider = next(
            candidate for candidate in self.kind.providers if candidate.id == self.offer.provider
        )
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
            await contents.say(step.url, step.statements, self.secrets)
        if self.launch.post_start is not None:
            await set_up_server(HOST, self.launch.post_start, self.secrets)

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


def ports_for(kind: StoreKind) -> dict[str, int]:
    return dict(zip(kind.ports, free_ports(len(kind.ports)), strict=True))


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
    one = Server(kind, offer, home, ports_for(kind), spawner)
    yield one
    await one.kill()
    await spawner.close()


@every_provider
async def test_it_keeps_what_was_written_shows_no_secret_and_stops_within_its_grace(server):
    """Through kill -9 and on another port; one that is not durable comes back empty.

    All promises in one test: to start a server costs more than to look at it.
    """
    client = client_of(server.kind.id)
    await server.start()
    await client.write(server.url)
    assert server.kind.durable or await client.read(server.url) == 7
    await server.kill()
    server.ports = ports_for(server.kind)
    await server.start()
    if server.kind.durable:
        assert await client.read(server.url) == 7
    else:
        with pytest.raises(LookupError):
            await client.read(server.url)
    await check_it_tells_what_it_holds(server)
    if sys.platform.startswith("linux"):  # both read /proc
        check_listens_on_loopback_only(server)
        check_secrets_are_in_no_command_line(server)
    await check_stops_while_a_client_is_connected(server)
    logged = server.log.read_text(errors="replace")
    assert not any(secret in logged for secret in server.secrets.values())
    assert "UserWarning" not in logged  # of a library, once for each of its clients


async def check_it_tells_what_it_holds(server: Server) -> None:
    told = await figures(server.kind, server.view, server.secrets)
    assert (server.kind.statistics is None) == (told == [])
    assert all(one.value >= 0 and (one.unit != "share" or one.value <= 1) for one in told)
    held = {one.name: one.value for one in told}
    what = held.keys() & {"keys", "documents", "messages", "size"}
    assert bool(what) == bool(told)
    if server.kind.durable:
        assert all(held[name] > 0 for name in what), told


def check_listens_on_loopback_only(server: Server) -> None:
    addresses = server.listening_at()
    assert addresses
    assert addresses <= {"0100007F", "00000000000000000000000001000000"}


def check_secrets_are_in_no_command_line(server: Server) -> None:
    for pid in server.pids:
        command = Path(f"/proc/{pid}/cmdline")
        shown = command.read_text(errors="replace") if command.exists() else ""
        assert not any(secret in shown for secret in server.secrets.values())


async def check_stops_while_a_client_is_connected(server: Server) -> None:
    _, writer = await asyncio.open_connection(HOST, server.ports[server.kind.clients])
    assert await server.probe() is None  # and by now the connection before it was accepted, too
    try:
        assert await server.stop() < server.launch.grace_s
    finally:
        writer.close()


def test_every_kind_has_a_client_here():
    assert all(client_of(kind) for kind in KINDS)
    with pytest.raises(LookupError, match=r"store_clients/abacus\.py: not there"):
        client_of("abacus")


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


@pytest.mark.servers
@pytest.mark.parametrize("kind", [KINDS["postgres"], KINDS["redis"]], ids=lambda kind: kind.id)
@pytest.mark.parametrize("provider", ["embedded"])
async def test_data_of_another_major_version_has_a_clear_cause(kind, server):
    older = offers.find(kind, asked_provider="binary")
    if older is None or older.numbers[:1] >= server.offer.numbers[:1]:
        pytest.skip(f"this machine has no {kind.title} that is older than the embedded one")
    await server.start()
    await client_of(kind.id).write(server.url)
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
