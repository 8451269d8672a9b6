"""The pieces of the crash harness: the count of steps, the socket between processes, the broker."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tarmac_kit import steps
from tarmac_kit_testing.crashing import CrashFinding, CrashReport, HostedService
from tarmac_kit_testing.crashing.broker import MemoryBroker
from tarmac_kit_testing.crashing.counting import StepCounter, _Protocol
from tarmac_kit_testing.crashing.peer import Peer, PeerError, PeerGone


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Observe the steps of this process until the test ends."""
    found: list[tuple[str, str]] = []
    monkeypatch.setattr(steps, "_observers", [])
    steps.observe(lambda side, what: found.append((side, what)))
    return found


def test_a_step_has_two_sides_also_when_it_fails(told: list[tuple[str, str]]) -> None:
    with steps.step("email"):
        told.append(("now", "email"))
    with pytest.raises(OSError, match="no"), steps.step("call"):
        raise OSError("no")
    both = [("before", "call"), ("after", "call")]
    assert told == [("before", "email"), ("now", "email"), ("after", "email"), *both]


def test_steps_are_counted_from_the_moment_it_is_armed() -> None:
    counter = StepCounter()
    counter("before", "one")
    counter.arm(0)
    assert (counter.count, counter.words) == (0, ())
    counter("before", "two")
    counter("after", "two")
    assert (counter.count, counter.words) == (2, ("before two", "after two"))
    counter.disarm()
    assert counter.count == 2


def test_a_count_goes_on_where_there_is_no_room_for_words() -> None:
    counter = StepCounter()
    for _ in range(3):
        counter("before", "x" * 2**19)
    assert counter.count == 3
    assert len(counter.words) == 1


def test_a_process_ends_at_its_step_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    class EndedError(BaseException):
        """The process is gone."""

    def end(code: int) -> None:
        raise EndedError(code)

    monkeypatch.setattr("os._exit", end)
    counter = StepCounter()
    counter.arm(2)
    counter("before", "insert")
    with pytest.raises(EndedError, match="77"):
        counter("after", "insert")
    assert counter.words[-1] == "after insert"


def test_only_the_steps_that_are_asked_for_count_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended: list[int] = []
    monkeypatch.setattr("os._exit", ended.append)
    counter = StepCounter()
    counter.arm(2, "call PUT|COMMIT")
    for what in ("sql SELECT a sweep", "call PUT", "sql SELECT a sweep"):
        counter("before", what)
        assert not ended
    counter("after", "call PUT")
    assert ended == [77]
    assert counter.count == 4


class Server:
    """What asyncpg's protocol is to a connection, as far as steps go."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def query(self, query: str, limit_s: float | None) -> None:
        self.asked.append(query)

    async def bind_execute(self, state: Any, args: Any = (), **_: float) -> None:
        self.asked.append(state.query)

    bind_execute_many = bind_execute

    async def copy_in(self, statement: str, **_: float) -> None:
        self.asked.append(statement)

    def is_connected(self) -> bool:
        return True


async def test_each_statement_is_a_step_and_the_drivers_own_questions_are_none(
    told: list[tuple[str, str]],
) -> None:
    class State:
        query = "insert into\n  sales values ($1)"

    server = Server()
    protocol = _Protocol(server)
    await protocol.query("BEGIN;", None)
    await protocol.bind_execute(State(), args=(1,), timeout=2)
    await protocol.bind_execute_many(State(), ())
    await protocol.copy_in("COPY sales FROM STDIN", timeout=1)
    await protocol.query("SELECT pg_advisory_unlock_all();\nCLOSE ALL;", None)
    assert protocol.is_connected()
    assert len(server.asked) == 5
    assert [what for side, what in told if side == "before"] == [
        *("sql BEGIN;", "sql insert into sales values ($1)", "sql insert into sales values ($1)"),
        "sql COPY sales FROM STDIN",
    ]


@asynccontextmanager
async def two(serve: Any) -> AsyncIterator[tuple[Peer, Peer]]:
    """Connect two peers; the second answers by `serve`."""

    async def nothing(_verb: str, _what: dict[str, Any], answer: Any) -> None:
        answer(None)

    ours, theirs = socket.socketpair()
    asking, answering = Peer(nothing), Peer(serve)
    running = [asyncio.create_task(asking.run(ours)), asyncio.create_task(answering.run(theirs))]
    try:
        await asyncio.gather(asking.open.wait(), answering.open.wait())
        yield asking, answering
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_what_is_asked_is_answered_refused_or_lost_with_its_process() -> None:
    hang = asyncio.Event()

    async def serve(verb: str, what: dict[str, Any], answer: Any) -> None:
        if verb == "hang":
            hang.set()
            await asyncio.Event().wait()
        if verb == "fail":
            raise LookupError("nothing there")
        answer({"twice": what["number"] * 2} if "number" in what else what)

    async with two(serve) as (asking, answering):
        assert await asking.ask("double", words="ü\n") == {"words": "ü\n"}
        with pytest.raises(PeerError, match="LookupError: nothing there"):
            await asking.ask("fail")
        waiting = asyncio.create_task(asking.ask("hang"))
        await hang.wait()
        assert answering._writer is not None
        answering._writer.close()
        with pytest.raises(PeerGone):
            await waiting
        with pytest.raises(PeerGone):
            asking.tell("more")


class Group:
    """A process that consumes: keeps what it gets, and says what became of it when told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, int]] = []
        self.settled: asyncio.Queue[Any] = asyncio.Queue()
        self.arrived = asyncio.Event()

    async def ask(self, _verb: str, *, group: str, attempt: int, message: Any) -> Any:
        self.got.append((message["id"], attempt))
        self.arrived.set()
        outcome = await self.settled.get()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def until(self, count: int) -> None:
        while len(self.got) < count:
            self.arrived.clear()
            await self.arrived.wait()


def message(number: str, key: str = "k") -> dict[str, Any]:
    return {"id": number, "topic": "t", "key": key, "payload": {}, "headers": {}}


async def settled(broker: MemoryBroker) -> None:
    for _ in range(200):
        if broker.idle:
            return
        await asyncio.sleep(0)


async def test_one_message_at_a_time_per_key_and_what_died_has_in_hand_comes_again() -> None:
    broker, first, second = MemoryBroker(), Group(), Group()
    broker.consume("t", "g", first)  # type: ignore[arg-type]
    for number, key in (("1", "a"), ("2", "a"), ("3", "b")):
        broker.publish(message(number, key))
    await first.until(2)
    assert first.got == [("1", 1), ("3", 1)]
    broker.lost(first)  # type: ignore[arg-type]
    first.settled.put_nowait(PeerGone("the process ended"))
    broker.consume("t", "g", second)  # type: ignore[arg-type]
    await second.until(2)
    assert second.got == [("1", 2), ("3", 2)]
    for _ in range(3):
        second.settled.put_nowait({"settled": "ack"})
    await second.until(3)
    await settled(broker)
    assert broker.idle
    assert second.got[2] == ("2", 1)
    assert [sent["id"] for sent in broker.published] == ["1", "2", "3"]


async def test_what_fails_comes_again_and_poison_is_put_aside() -> None:
    broker, group = MemoryBroker(), Group()
    broker.consume("t", "g", group)  # type: ignore[arg-type]
    broker.publish(message("1"))
    group.settled.put_nowait({"settled": "retry"})
    group.settled.put_nowait({"settled": "park", "reason": "not a sale"})
    await group.until(2)
    await settled(broker)
    assert group.got == [("1", 1), ("1", 2)]
    assert [(dead_letter["id"], why) for dead_letter, why in broker.dead_letters] == [
        ("1", "not a sale")
    ]
    broker.publish(message("2"))
    group.settled.put_nowait(PeerError("KeyError"))
    await group.until(3)
    await settled(broker)
    assert broker.dead_letters[-1][1] == "KeyError"
    broker.forget()
    assert (broker.idle, broker.published, broker.dead_letters) == (True, [], [])


def test_a_service_gets_its_databases_and_roles_by_variables() -> None:
    hosted = HostedService(
        "orders",
        [],
        env={"LOG_LEVEL": "info"},
        databases={"DATABASE_URL": "", "OTHER_URL": "shared"},
        calls={"price-list": "pricing"},
        publishes=["a.b", "c.d"],
    )
    assert hosted.environ({"orders": "postgresql://1", "shared": "postgresql://2"}) == {
        "SERVICE_NAME": "orders",
        "LOG_LEVEL": "info",
        "PUBLISHES": "a.b,c.d",
        "CONSUMES": "",
        "PRICE_LIST_URL": "http://pricing",
        "DATABASE_URL": "postgresql://1",
        "OTHER_URL": "postgresql://2",
    }


def test_a_report_says_what_was_tried_and_what_was_not_survived() -> None:
    fine = CrashReport("buy", "orders", 4, tried=(1, 2, 3, 4), not_reached=(4,), took_s=1.25)
    assert fine.ok
    assert str(fine) == "buy: orders: N=4, 4 tried, 3 crashes, 0 not survived, 1.2 s"
    finding = CrashFinding(2, "after sql COMMIT;", ("lost: one", "doubled: two"))
    bad = CrashReport("buy", "orders", 4, tried=(2,), findings=(finding,))
    assert not bad.ok
    assert str(bad).endswith("\n  step 2 (after sql COMMIT;): lost: one; doubled: two")
