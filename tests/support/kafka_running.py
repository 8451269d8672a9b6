"""A Kafka as the runtime starts it: three users, one of them not of the kit."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from broker_users import ORDERS, PAYMENTS
from free_ports import free_ports

from tarmac.base.launch import Launch, Secret, reveal, secrets_of
from tarmac.catalog.stores.kafka import STORE
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, User, own_port
from tarmac.run.local.host import offers
from tarmac.run.local.process import probes
from tarmac.run.local.process.prepare import prepare
from tarmac.run.local.process.spawn import Spawner
from tarmac.run.local.stores.dialogue import set_up_server

HOST = "127.0.0.1"
GET = "no Kafka here: set KAFKA_HOME, or have .ci/kafka bring one"
AUDIT = User("audit", Secret("stores/broker/audit"), (), ("order.placed",), foreign=True)
USERS = (ORDERS, PAYMENTS, AUDIT)


def ports_of(users: tuple[User, ...], first: int = 1) -> dict[str, int]:
    names = [*STORE.ports, *(own_port(user.service) for user in users)]
    return {name: first + number for number, name in enumerate(names)}


def view_of(
    ports: dict[str, int],
    users: tuple[User, ...] = USERS,
    advertised: dict[str, int] | None = None,
    monitor: Secret | None = None,
) -> StoreContext:
    admin = Secret("stores/broker/admin")
    return StoreContext(
        "broker", HOST, ports, "broker", admin, users, monitor=monitor, advertised=advertised or {}
    )


def launch_on(view: StoreContext, offer: ProviderCandidate | None = None) -> Launch:
    offer = offer or ProviderCandidate(
        "binary", {"home": ("/x/kafka",), "java": ("/x/java",)}, "4.3.1"
    )
    return STORE.providers[0].launch(view, offer, False)


def ports_for(users: tuple[User, ...]) -> dict[str, int]:
    names = ports_of(users)
    return dict(zip(names, free_ports(len(names)), strict=True))


@dataclass
class Running:
    """One server, started as the runtime would start it."""

    folder: Path
    offer: ProviderCandidate
    spawner: Spawner
    users: tuple[User, ...] = USERS
    ports: dict[str, int] = field(default_factory=dict)
    #: The password of who watches it; None: nobody does.
    monitor: Secret | None = None
    process: asyncio.subprocess.Process | None = None

    @property
    def view(self) -> StoreContext:
        return view_of(self.ports, self.users, monitor=self.monitor)

    @property
    def secrets(self) -> dict[str, str]:
        paths = {secret.path for secret in secrets_of(self.launch)}
        return {path: hashlib.sha256(path.encode()).hexdigest()[:48] for path in paths}

    @property
    def launch(self) -> Launch:
        return launch_on(self.view, self.offer)

    def url(self, user: User) -> str:
        return reveal(STORE.outputs["url"](self.view, user), self.secrets)

    async def start(self, ports: dict[str, int] | None = None) -> None:
        self.ports = ports or ports_for(self.users)
        launch = self.launch
        await prepare(self.folder, launch, self.secrets, self.spawner)
        with (self.folder / "log.txt").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(part.replace("{folder}", str(self.folder)) for part in launch.argv),
                cwd=self.folder,
                env={},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with asyncio.timeout(60):
            while await self._complaint(launch):
                assert self.process.returncode is None, (self.folder / "log.txt").read_text()
                await asyncio.sleep(0.02)
        assert launch.post_start is not None
        await set_up_server(HOST, launch.post_start, self.secrets)

    async def _complaint(self, launch: Launch) -> str | None:
        return await probes.passes(
            launch.ready,
            host=HOST,
            secrets=self.secrets,
            env={},
            cwd=self.folder,
            matched=False,
            lived_s=0.0,
            spawner=self.spawner,
        )

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
            await self.process.wait()


@contextlib.asynccontextmanager
async def started(folder: Path) -> AsyncIterator[Running]:
    """Start a server that ends with the block."""
    offer = offers.find(STORE, asked_provider="binary")
    if offer is None:
        pytest.skip(GET)
    spawner = Spawner()
    await spawner.start()
    running = Running(folder / "with a space", offer, spawner)
    try:
        await running.start()
        yield running
    finally:
        await running.end()
        await spawner.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """Give a server that the test may end."""
    async with started(tmp_path) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Give the server of all tests that neither end it nor tell it who its users are."""
    async with started(tmp_path_factory.mktemp("kafka")) as running:
        yield running
