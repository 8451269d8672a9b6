"""NATS as the runtime starts it, with the kit's adapter as its client: what each may do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from broker_users import ORDERS
from broker_users import PAYMENTS as SHOP_PAYMENTS
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, StreamConfig
from nats.js.errors import APIError
from waiting import until

from tarmac.base.launch import Launch, Secret, reveal, secrets_of
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, User
from tarmac.catalog.stores.nats import STORE
from tarmac.run.local.host import offers
from tarmac.run.local.process import probes
from tarmac.run.local.process.spawn import Spawner
from tarmac_kit import Bus, Message, PoisonMessage
from tarmac_kit.bus import make_bus

pytestmark = pytest.mark.servers

HOST = "127.0.0.1"
#: Its declined payments are told as well.
PAYMENTS = replace(SHOP_PAYMENTS, publishes=("payment.captured", "payment.declined"))
#: It only consumes.
MAILS = User("mail-service", Secret("stores/broker/mail-service"), (), ("order.placed",))
LISTED = User("audit", Secret("stores/broker/audit"), ("audit.done",), (), foreign=True)
UNLISTED = User("legacy", Secret("stores/broker/legacy"), foreign=True)
ADMIN = User("tarmac", Secret("stores/broker/admin"))
USERS = (ORDERS, PAYMENTS, MAILS, LISTED, UNLISTED)


@dataclass
class Running:
    """One server, started as the runtime would start it."""

    offer: ProviderCandidate
    ports: dict[str, int] = field(default_factory=dict)
    pid: int = 0

    @property
    def view(self) -> StoreContext:
        return StoreContext("broker", HOST, self.ports, "broker", ADMIN.password, USERS)

    @property
    def launch(self) -> Launch:
        return STORE.providers[0].launch(self.view, self.offer, True)

    def secrets(self) -> dict[str, str]:
        paths = {secret.path for secret in secrets_of(self.launch)}
        return {path: path.rpartition("/")[2] * 4 for path in paths}

    def url(self, user: User) -> str:
        return reveal(STORE.outputs["url"](self.view, user), self.secrets())


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    offer = offers.find(STORE, asked_provider="embedded")
    assert offer is not None
    held = [socket.create_server((HOST, 0)) for _ in STORE.ports]
    ports = {name: one.getsockname()[1] for name, one in zip(STORE.ports, held, strict=True)}
    for one in held:
        one.close()
    running = Running(offer, ports)
    for file in running.launch.files:
        content = reveal(file.content, running.secrets())
        (tmp_path / file.path).write_text(content.replace("{folder}", str(tmp_path)))
    argv = [part.replace("{folder}", str(tmp_path)) for part in running.launch.argv]
    with (tmp_path / "log.txt").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*argv, stdout=log, stderr=log)
    running.pid = process.pid
    end = time.monotonic() + 20
    while not await answers(ports["main"]):
        assert process.returncode is None, (tmp_path / "log.txt").read_text()[-3000:]
        assert time.monotonic() < end
        await asyncio.sleep(0.02)
    yield running
    process.kill()
    await process.wait()


async def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(HOST, port)
        said = await reader.readline()
        writer.close()
        return said.startswith(b"INFO")
    return False


async def test_it_is_ready_by_its_streams_and_listens_nowhere_else(server: Running):
    async def asked(secrets: Mapping[str, str]) -> str | None:
        return await probes.passes(
            server.launch.ready,
            host=HOST,
            secrets=secrets,
            env={},
            cwd=Path("/"),
            matched=False,
            lived_s=0,
            spawner=Spawner(),
        )

    async def is_ready() -> bool:
        return await asked(server.secrets()) is None

    await until(is_ready)
    wrong = await asked(dict.fromkeys(server.secrets(), "wrong"))
    assert wrong is not None
    assert "answers b'INFO " in wrong
    # Its monitoring port would let any web page read names, counts and addresses.
    process = psutil.Process(server.pid)
    ports = {found.laddr.port for found in process.net_connections() if found.status == "LISTEN"}
    assert ports == {server.ports["main"]}


@dataclass
class Tries:
    """A plain client of one user, and what it was refused."""

    client: Client
    refusals: asyncio.Queue[str]

    async def allowed(self, subjects: Iterable[str], *, hear: bool = False) -> dict[str, bool]:
        """Tell what it may publish on, or hear: the server refuses in the order that it is asked.

        A request that means nothing does nothing: whether it gets as far as that is asked here.
        """
        refused: set[str] = set()
        for subject in (*subjects, LAST):
            if hear:
                await self.client.subscribe(subject)
            else:
                await self.client.publish(subject, b"?")
        await self.client.flush(5)
        while LAST not in refused:
            said = await asyncio.wait_for(self.refusals.get(), 10)
            refused.add(said.split('"')[1].lower())
        return {subject: subject.lower() not in refused for subject in subjects}


@asynccontextmanager
async def client_of(server: Running, user: User) -> AsyncIterator[Tries]:
    refusals: asyncio.Queue[str] = asyncio.Queue()

    async def keep(error: Exception) -> None:
        refusals.put_nowait(str(error))

    client = Client()
    inbox = f"_INBOX.{user.role}"
    await client.connect(server.url(user), error_cb=keep, inbox_prefix=inbox, allow_reconnect=False)
    yield Tries(client, refusals)
    await client.close()


@asynccontextmanager
async def bus_of(server: Running, user: User) -> AsyncIterator[Bus]:
    bus = make_bus(server.url(user), service=user.service)
    await bus.open()
    async with asyncio.timeout(10):
        while not bus.connected:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)
    yield bus
    await bus.close()


async def test_the_kits_adapter_does_all_that_it_does_with_what_it_may(server):
    got: asyncio.Queue[Message] = asyncio.Queue()

    async def parks(message: Message) -> None:
        got.put_nowait(message)
        raise PoisonMessage("never")

    # The consumers come first: on a new server they make the stream.
    async with bus_of(server, PAYMENTS) as payments, bus_of(server, MAILS) as mails:
        await payments.consume(("order.placed",), "payments", parks)
        await mails.consume(("order.placed",), "mail-service", got.put)
        await payments.ping()
        async with bus_of(server, ORDERS) as orders, client_of(server, ADMIN) as admin:
            await orders.publish(Message("1", "order.placed", "o", {"n": 1}))
            both = [await asyncio.wait_for(got.get(), 10) for _ in range(2)]
            assert [message.payload for message in both] == [{"n": 1}, {"n": 1}]
            async with asyncio.timeout(10):
                while True:
                    with contextlib.suppress(APIError):
                        js = admin.client.jetstream()
                        parked = await js.get_last_msg("parked", "parked.payments.order.placed")
                        break
                    await asyncio.sleep(0.05)
            assert json.loads(parked.data or b"") == {"n": 1}


API = "$JS.API"
#: Nobody's subject, refused to all but those who may use any.
LAST = "nobody.may"
#: Where a program of order-service publishes, and whether it may.
PUBLISHED = {
    "order.placed": True,
    "order.cancelled": False,
    "payment.captured": False,
    f"{API}.INFO": True,
    f"{API}.STREAM.CREATE.order": True,
    f"{API}.STREAM.CREATE.payment": True,
    f"{API}.STREAM.CREATE.parked": True,
    f"{API}.STREAM.CREATE.mine": False,
    f"{API}.STREAM.UPDATE.order": False,
    f"{API}.STREAM.UPDATE.payment": False,
    f"{API}.STREAM.DELETE.order": False,
    f"{API}.STREAM.PURGE.payment": False,
    f"{API}.STREAM.MSG.DELETE.payment": False,
    f"{API}.STREAM.MSG.GET.payment": False,
    f"{API}.DIRECT.GET.payment": False,
    f"{API}.STREAM.SNAPSHOT.payment": False,
    f"{API}.CONSUMER.CREATE.payment.orders__payment-captured.payment.captured": True,
    f"{API}.CONSUMER.CREATE.payment.order-service__payment-captured.payment.captured": True,
    # Without its filter, with another name, of another topic, in the ways of older clients.
    f"{API}.CONSUMER.CREATE.payment.orders__payment-captured": False,
    f"{API}.CONSUMER.CREATE.payment.mine.payment.captured": False,
    f"{API}.CONSUMER.CREATE.payment.orders__payment-declined.payment.declined": False,
    f"{API}.CONSUMER.CREATE.order.orders__order-placed.order.placed": False,
    f"{API}.CONSUMER.CREATE.payment": False,
    f"{API}.CONSUMER.DURABLE.CREATE.payment.orders__payment-captured": False,
    f"{API}.CONSUMER.DELETE.payment.orders__payment-captured": False,
    f"{API}.CONSUMER.DELETE.order.payments__order-placed": False,
    f"{API}.CONSUMER.MSG.NEXT.payment.orders__payment-captured": True,
    f"{API}.CONSUMER.MSG.NEXT.order.payments__order-placed": False,
    "$JS.ACK.payment.orders__payment-captured.1.1.1.1.0": True,
    "$JS.ACK.order.payments__order-placed.1.1.1.1.0": False,
    "parked.orders.payment.captured": True,
    "parked.payments.order.placed": False,
    "_INBOX.payment_service.x": False,
}
#: What it listens to.
HEARD = {
    "_INBOX.order_service.x": True,
    "_INBOX.payment_service.>": False,
    "_INBOX.>": False,
    "order.placed": False,
    "payment.captured": False,
    "$JS.API.>": False,
    ">": False,
}


async def test_a_service_may_touch_its_own_topics_consumers_and_inbox_only(server):
    async with client_of(server, ORDERS) as orders:
        assert await orders.allowed(PUBLISHED) == PUBLISHED
        assert await orders.allowed(HEARD, hear=True) == HEARD


async def answer_of(tries: Tries, subject: str, request: dict[str, Any]) -> dict[str, Any]:
    answer = await tries.client.request(f"{API}.{subject}", json.dumps(request).encode(), timeout=5)
    return json.loads(answer.data)


async def test_a_consumer_cannot_take_another_topic_under_the_name_of_its_own(server):
    subject = "CONSUMER.CREATE.payment.orders__payment-captured.payment.captured"
    own = ConsumerConfig(
        name="orders__payment-captured",
        durable_name="orders__payment-captured",
        filter_subject="payment.captured",
    )
    async with client_of(server, ORDERS) as orders:
        await orders.client.jetstream().add_stream(name="payment", subjects=["payment.>"])
        for changed in (
            {"filter_subject": "payment.declined"},
            {"filter_subject": "payment.>"},
            {"filter_subject": None},
            {"filter_subject": None, "filter_subjects": ["payment.captured", "payment.declined"]},
            {"name": "mine", "durable_name": "mine"},
        ):
            request = {"stream_name": "payment", "config": own.evolve(**changed).as_dict()}
            assert "error" in await answer_of(orders, subject, request), changed
        request = {"stream_name": "order", "config": own.as_dict()}
        assert "error" in await answer_of(orders, subject, request)
        request = {"stream_name": "payment", "config": own.as_dict()}
        assert "error" not in await answer_of(orders, subject, request)


async def test_whoever_may_make_a_stream_cannot_change_the_one_that_is_there(server):
    made = StreamConfig(name="order", subjects=["order.>"])
    async with client_of(server, ORDERS) as orders, client_of(server, MAILS) as mails:
        before = await orders.client.jetstream().add_stream(made)
        for changed in ({"subjects": ["order.mine"]}, {"max_msgs": 1}, {"name": "payment"}):
            request = made.evolve(**changed).as_dict()
            assert "error" in await answer_of(mails, "STREAM.CREATE.order", request), changed
        assert (await mails.client.jetstream().add_stream(made)).config == before.config
        assert await mails.allowed(["order.placed"]) == {"order.placed": False}


async def test_a_foreign_program_makes_streams_and_consumers_in_its_own_way(server):
    async with client_of(server, LISTED) as listed, client_of(server, UNLISTED) as unlisted:
        js = listed.client.jetstream()
        await js.add_stream(name="audit", subjects=["audit.>"])
        await js.publish("audit.done", b"1")
        assert (await js.get_msg("audit", 1)).data == b"1"
        assert await listed.allowed(["order.placed"]) == {"order.placed": False}
        js = unlisted.client.jetstream()
        await js.add_stream(name="any", subjects=["any.*"])
        await js.add_consumer("any", ConsumerConfig(durable_name="d"))
        assert await js.delete_stream("any")
