"""RabbitMQ as the runtime starts it, with the kit's adapter as its client: what each may do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import signal
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import aio_pika
import pytest
import pytest_asyncio
from broker_users import ORDERS, PAYMENTS

from tarmac.base.launch import ExchangeProbe, Launch, Secret, reveal, secrets_of
from tarmac.catalog.stores.kind import ProviderCandidate, StoreContext, User
from tarmac.catalog.stores.protocols.dialogue import CommandRejected
from tarmac.catalog.stores.rabbitmq import STORE
from tarmac.run.local.host import guard, offers
from tarmac_kit import Message
from tarmac_kit.bus import make_bus, queues

HOST = "127.0.0.1"
#: One that is not of the kit.
AUDIT_PASSWORD = Secret("stores/broker/audit")
FOREIGN = User("audit", AUDIT_PASSWORD, (), ("order.placed",))


def view_of(ports: dict[str, int]) -> StoreContext:
    admin = Secret("stores/broker/admin")
    return StoreContext("broker", HOST, ports, "broker", admin, (ORDERS, PAYMENTS, FOREIGN))


def launch_on(ports: dict[str, int], offer: ProviderCandidate | None = None) -> Launch:
    offer = offer or ProviderCandidate("binary", {"server": ("/x/rabbitmq-server",)}, "3.10.8")
    return STORE.providers[0].launch(view_of(ports), offer, False)


def definitions() -> dict:
    launch = launch_on({"main": 1, "distribution": 2})
    content = next(file.content for file in launch.files if file.path == "definitions.json")
    return json.loads(reveal(content, {secret.path: secret.path for secret in secrets_of(launch)}))


def test_what_is_set_up_is_what_the_kit_would_declare():
    set_up = definitions()
    needed = {
        one.name + type(one).__name__: one
        for group, topic in (
            ("orders", "payment.captured"),
            ("payments", "order.placed"),
            ("audit", "order.placed"),
        )
        for one in queues.needed_by(group, topic)
    }
    wanted = needed.values()
    assert {
        exchange["name"]: (exchange["type"], exchange["arguments"])
        for exchange in set_up["exchanges"]
    } == {one.name: (one.type, one.arguments) for one in wanted if isinstance(one, queues.Exchange)}
    assert {queue["name"]: queue["arguments"] for queue in set_up["queues"]} == {
        one.name: one.arguments for one in wanted if isinstance(one, queues.Queue)
    }
    bound = {
        (binding["source"], binding["routing_key"], binding["destination"])
        for binding in set_up["bindings"]
    }
    assert bound == {
        (one.exchange, one.key, one.name) for one in wanted if isinstance(one, queues.Queue)
    }
    assert all(declared["durable"] for declared in (*set_up["queues"], *set_up["exchanges"]))


def test_whoever_asks_where_its_node_is_asks_nobody_else_on_the_machine():
    launch = launch_on({"main": 1, "distribution": 20_002})
    file = next(file for file in launch.files if file.path == "environment")
    words = shlex.split(reveal(file.content, {}))
    assert "ERL_EPMD_PORT=1" in words
    assert any("-erl_epmd_port 20002 " in word for word in words)


def test_there_is_no_user_but_the_administrator_and_the_services():
    users = {user["name"]: user["tags"] for user in definitions()["users"]}
    assert users == {
        "tarmac": "administrator",
        "order_service": "",
        "payment_service": "",
        "audit": "",
    }


@dataclass
class Running:
    """One server, started as the runtime would start it."""

    folder: Path
    offer: ProviderCandidate
    ports: dict[str, int] = field(default_factory=dict)
    process: asyncio.subprocess.Process | None = None

    def secrets(self) -> dict[str, str]:
        return {secret.path: (secret.path[-6:] * 8)[:48] for secret in secrets_of(self.launch)}

    @property
    def launch(self) -> Launch:
        return launch_on(self.ports, self.offer)

    def url(self, user: User) -> str:
        return reveal(STORE.outputs["url"](view_of(self.ports), user), self.secrets())

    async def start(self) -> None:
        held = [socket.create_server((HOST, 0)) for _ in STORE.ports]
        self.ports = {
            name: one.getsockname()[1] for name, one in zip(STORE.ports, held, strict=True)
        }
        for one in held:
            one.close()
        launch, folder = self.launch, str(self.folder)
        for file in launch.files:
            path = self.folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(reveal(file.content, self.secrets()).replace("{folder}", folder))
            path.chmod(file.mode)
        with (self.folder / "log.txt").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(part.replace("{folder}", folder) for part in launch.argv),
                cwd=self.folder,
                env={},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert isinstance(launch.ready, ExchangeProbe)
        assert isinstance(launch.ready.send, bytes)
        end = time.monotonic() + 60
        while not await self._answers(launch.ready.send, launch.ready.expect):
            assert self.process.returncode is None, (self.folder / "log.txt").read_text()[-3000:]
            assert time.monotonic() < end
            await asyncio.sleep(0.05)

    async def _answers(self, send: bytes, expect: bytes) -> bool:
        with contextlib.suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection(HOST, self.ports["main"])
            writer.write(send)
            answer = await asyncio.wait_for(reader.read(100), 1)
            writer.close()
            return expect in answer
        return False

    @property
    def family(self) -> list[int]:
        assert self.process is not None
        return [self.process.pid, *guard.descendants(self.process.pid)]

    async def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(number)
            async with asyncio.timeout(30):
                await self.process.wait()


def found() -> ProviderCandidate:
    offer = offers.find(STORE, asked_provider="binary")
    if offer is None:
        pytest.skip("RabbitMQ is not installed (apt-get install rabbitmq-server)")
    return offer


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[list[Running]]:
    offer = found()
    both = [Running(tmp_path / name, offer) for name in ("one", "with a space")]
    for broker in both:
        broker.folder.mkdir()
    yield both
    for broker in both:
        if broker.process is not None:
            await broker.end()


@pytest.fixture
async def server(two: list[Running]) -> Running:
    await two[0].start()
    return two[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """Give the server of all tests that do not end it."""
    one = Running(tmp_path_factory.mktemp("rabbitmq"), found())
    try:
        await one.start()
        yield one
    finally:
        if one.process is not None:
            await one.end()


def gone(pids: list[int]) -> bool:
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX":
                return False
    return True


@pytest.mark.servers
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")
async def test_two_run_beside_each_other_and_leave_nothing_behind(two):
    await asyncio.gather(*(broker.start() for broker in two))
    families = [broker.family for broker in two]
    for broker in two:
        async with await aio_pika.connect(broker.url(ORDERS)):
            pass
    everything = [pid for family in families for pid in family]
    # An `epmd` that was left behind would be nobody's child by now.
    daemons = [
        pid
        for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
        if pid not in everything and _home(pid) in {str(broker.folder / "home") for broker in two}
    ]
    assert daemons == []
    for broker in two:
        await broker.end(signal.SIGTERM)
    async with asyncio.timeout(10):
        while not gone(everything):  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.02)


def _home(pid: int) -> str:
    with contextlib.suppress(OSError):
        for variable in Path(f"/proc/{pid}/environ").read_text().split("\0"):
            if variable.startswith("HOME="):
                return variable.removeprefix("HOME=")
    return ""


@pytest.mark.servers
async def test_what_was_confirmed_is_there_after_kill_9_on_other_ports(server):
    got: asyncio.Queue[Message] = asyncio.Queue()
    publisher = make_bus(server.url(ORDERS), service="order-service")
    await publisher.open()
    async with asyncio.timeout(10):
        while not publisher.connected:  # noqa: ASYNC110 - the broker tells nobody
            await asyncio.sleep(0.01)
    # No consumer ever ran: its queue is there.
    await publisher.publish(Message("1", "order.placed", "o", {"n": 1}))
    await publisher.publish(Message("2", "order.noticed", "o", {}))
    await server.end()
    await publisher.close()
    before = server.ports
    await server.start()
    assert server.ports != before
    consumer = make_bus(server.url(PAYMENTS), service="payment-service")
    await consumer.open()
    await consumer.consume(("order.placed",), "payments", got.put)
    assert (await asyncio.wait_for(got.get(), 20)).payload == {"n": 1}
    await consumer.close()


#: What a program of order-service tries on a channel, and whether it may.
TRIED = {
    "its topic": ("basic_publish", (b"{}", "order", "order.placed"), True),
    "another topic there": ("basic_publish", (b"{}", "order", "order.cancelled"), False),
    "another's topic": ("basic_publish", (b"{}", "payment", "payment.captured"), False),
    "past the exchanges": ("basic_publish", (b"{}", "", "orders.payment.captured"), False),
    "its own put aside": ("basic_publish", (b"{}", "retry", "orders.payment.captured"), True),
    "another's put aside": ("basic_publish", (b"{}", "retry", "payments.order.placed"), False),
    "another's parked": ("basic_publish", (b"{}", "parked", "payments.order.placed"), False),
    "its queue": ("basic_get", ("orders.payment.captured",), True),
    "its parked ones": ("basic_get", ("parked.orders.payment.captured",), True),
    "another's queue": ("basic_get", ("payments.order.placed",), False),
    "another's parked ones": ("basic_get", ("parked.payments.order.placed",), False),
    "what no queue wanted": ("basic_get", ("unrouted",), False),
    "a queue of its own": ("queue_declare", ("order-service.mine",), True),
    "a queue of any name": ("queue_declare", ("mine",), False),
    "its queue to its topic": (
        "queue_bind",
        ("orders.payment.captured", "payment", "payment.captured"),
        True,
    ),
    "its queue to all topics": ("queue_bind", ("orders.payment.captured", "payment", "#"), False),
    "another's queue deleted": ("queue_delete", ("payments.order.placed",), False),
    "an exchange": ("exchange_declare", ("order.mine",), False),
}


@pytest.mark.servers
async def test_a_service_may_touch_its_own_topics_and_queues_only(shared):
    outcome = {}
    async with await aio_pika.connect(shared.url(ORDERS)) as connection:
        for what, (call, arguments, _) in TRIED.items():
            channel = await (await connection.channel()).get_underlay_channel()
            try:
                if call == "basic_publish":
                    body, exchange, key = arguments
                    await channel.basic_publish(body, exchange=exchange, routing_key=key)
                else:
                    await getattr(channel, call)(*arguments)
            except aio_pika.exceptions.ChannelClosed as refused:
                outcome[what] = "ACCESS_REFUSED" not in str(refused)
            else:
                outcome[what] = True
    assert outcome == {what: may for what, (_, _, may) in TRIED.items()}


async def carry_out(dialogue, running: Running) -> None:
    """Say what is to be said, as the runtime does."""
    reader, writer = await asyncio.open_connection(HOST, running.ports["main"])
    try:
        said = next(dialogue)
        while True:
            if said:
                raw = isinstance(said, bytes)
                writer.write(said if raw else reveal(said, running.secrets()).encode("latin-1"))
            heard = await asyncio.wait_for(reader.read(65536), 10)
            if not heard:
                raise OSError("the server went away")
            said = dialogue.send(heard)
    except StopIteration:
        pass
    finally:
        writer.close()


@pytest.mark.servers
async def test_putting_it_back_empties_every_queue_and_keeps_its_users_connected(shared):
    # Of what other tests have sent it, nothing is counted below.
    await carry_out(STORE.reset.restore(view_of(shared.ports), None), shared)
    async with await aio_pika.connect(shared.url(ORDERS)) as connection:
        channel = await (await connection.channel()).get_underlay_channel()
        for exchange, topic in (("order", "order.placed"), ("order", "order.noticed")):
            await channel.basic_publish(b"{}", exchange=exchange, routing_key=topic)
        await channel.basic_publish(b"{}", exchange="parked", routing_key="orders.payment.captured")
        names = [queue["name"] for queue in definitions()["queues"]]

        async def waiting() -> int:
            found = [await channel.queue_declare(name, passive=True) for name in names]
            return sum(queue.message_count for queue in found)

        assert await waiting() == 4  # two have taken the first
        await carry_out(STORE.reset.restore(view_of(shared.ports), None), shared)
        assert await waiting() == 0


@pytest.mark.servers
async def test_putting_it_back_with_a_wrong_password_is_refused(shared):
    view = replace(view_of(shared.ports), admin=AUDIT_PASSWORD)
    with pytest.raises((CommandRejected, OSError)):
        await carry_out(STORE.reset.restore(view, None), shared)


@pytest.mark.servers
async def test_a_wrong_password_is_refused_and_so_is_the_user_that_all_know(shared):
    good = shared.url(ORDERS)
    password = shared.secrets()[ORDERS.password.path]
    for url in (
        good.replace(password, "wrong"),
        f"amqp://guest:guest@{HOST}:{shared.ports['main']}",
    ):
        with pytest.raises(aio_pika.exceptions.AMQPConnectionError):
            await aio_pika.connect(url)
