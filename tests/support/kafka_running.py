"""A Kafka as the runtime starts it: three users, one of them not of the kit."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from broker_users import ORDERS, PAYMENTS

from tarmac.launch import Launch, Secret, reveal, secrets_of
from tarmac.local.data.talking import tell
from tarmac.local.machine import offers
from tarmac.local.nodes import probes
from tarmac.local.nodes.prepare import prepare
from tarmac.local.starting.spawn import Spawner
from tarmac.stores._kind import Offer, User, View, own_port
from tarmac.stores.kafka import STORE

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
) -> View:
    admin = Secret("stores/broker/admin")
    return View(
        "broker", HOST, ports, "broker", admin, users, monitor=monitor, advertised=advertised or {}
    )


def launch_on(view: View, offer: Offer | None = None) -> Launch:
    offer = offer or Offer("binary", {"home": ("/x/kafka",), "java": ("/x/java",)}, "4.3.1")
    return STORE.providers[0].launch(view, offer, False)


def free_ports(users: tuple[User, ...]) -> dict[str, int]:
    names = ports_of(users)
    held = [socket.create_server((HOST, 0)) for _ in names]
    chosen = {name: each.getsockname()[1] for name, each in zip(names, held, strict=True)}
    for each in held:
        each.close()
    return chosen


@dataclass
class Running:
    """One server, started as the runtime would start it."""

    folder: Path
    offer: Offer
    spawner: Spawner
    users: tuple[User, ...] = USERS
    ports: dict[str, int] = field(default_factory=dict)
    #: The password of who watches it; None: nobody does.
    monitor: Secret | None = None
    process: asyncio.subprocess.Process | None = None

    @property
    def view(self) -> View:
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
        self.ports = ports or free_ports(self.users)
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
        assert launch.talk is not None
        await tell(HOST, launch.talk, self.secrets)

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


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    offer = offers.find(STORE, asked_provider="binary")
    if offer is None:
        pytest.skip(GET)
    spawner = Spawner()
    await spawner.start()
    running = Running(tmp_path / "with a space", offer, spawner)
    await running.start()
    yield running
    await running.end()
    await spawner.close()
