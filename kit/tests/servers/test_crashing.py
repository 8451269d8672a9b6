"""The crash harness, tested: it finds each fault that is put in, and nothing where there is none.

Two services: a till that takes sales once per key, and books that add up what they hear of them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import APIRouter, Header

from tarmac_kit import Answer, Chassis, Idempotency, Inbox, Message, Outbox, Part
from tarmac_kit import migrations as migration_module
from tarmac_kit_testing import HostedService, Journey, World, crashing
from tarmac_kit_testing.crashing.report import spread

pytestmark = pytest.mark.servers

#: A variable with which the till tells of a sale again that it finds already made.
TELLS_AGAIN = "TELLS_AGAIN"
TILL = "create table sales (id uuid primary key, amount int not null);"
BOOKS = "create table total (amount int not null); insert into total values (0);"


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    for part, sql in (("till", TILL), ("books", BOOKS)):
        (tmp_path / part).mkdir()
        (tmp_path / part / "0001_tables.sql").write_text(sql)
    return tmp_path


def till(folder: Path) -> Part:
    def mount(chassis: Chassis) -> None:
        database = chassis.database(migrations=folder / "till")
        outbox, idempotency = chassis.outbox(database), chassis.idempotency(database)
        rates = chassis.client("rates")
        router = APIRouter()

        @router.post("/sales")
        async def sell(amount: int, idempotency_key: str = Header()) -> Any:
            async def take(sale_id: UUID) -> Answer:
                rate = (await rates.get("/rate")).json()["rate"]
                async with database.transaction() as conn:
                    added = await conn.execute(
                        "insert into sales values ($1, $2) on conflict do nothing", sale_id, amount
                    )
                    # Who did this much and died is not to be heard twice.
                    if added == "INSERT 0 1" or TELLS_AGAIN in os.environ:
                        await outbox.add(
                            conn,
                            topic="sale.made",
                            aggregate_type="sale",
                            aggregate_id=str(sale_id),
                            payload={"amount": amount * rate},
                        )
                return Answer(201, {"id": sale_id})

            answer = await idempotency.run(
                scope="sales", key=idempotency_key, fingerprint=str(amount), fn=take
            )
            return answer.response()

        chassis.include(router)

    return Part("till", mount)


def rates() -> Part:
    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.get("/rate")
        async def rate() -> dict[str, int]:
            return {"rate": 3}

        chassis.include(router)

    return Part("rates", mount)


def books(folder: Path) -> Part:
    def mount(chassis: Chassis) -> None:
        database = chassis.database(migrations=folder / "books")
        inbox = chassis.inbox(database)

        async def add(message: Message) -> None:
            async with database.transaction() as conn:
                if await inbox.first_time(conn, consumer="books", message_id=message.id):
                    amount = message.payload["amount"]
                    await conn.execute("update total set amount = amount + $1", amount)

        chassis.consume("sale.made", add, group="books")

    return Part("books", mount)


def services(folder: Path, fault: Any = lambda: None) -> list[HostedService]:
    return [
        HostedService(
            "till",
            [till(folder)],
            calls={"rates": "rates"},
            publishes=["sale.made"],
            prepare=fault,
        ),
        HostedService("books", [books(folder)], consumes=["sale.made"], prepare=fault),
        HostedService("rates", [rates()], databases={}),
    ]


async def sell(world: World) -> None:
    sold = await world.insist(
        "till", "POST", "/sales?amount=7", headers={"Idempotency-Key": uuid4().hex}
    )
    assert sold.status == 201, sold.body


async def adds_up(world: World, _: Any) -> list[str]:
    [(count, amount)] = await world.rows("till", "select count(*), sum(amount) from sales")
    [(total,)] = await world.rows("books", "select amount from total")
    if count != 1:
        return [f"{count} sales"]
    return [] if total == amount * 3 else [f"{'lost' if total < 21 else 'doubled'}: {total} for 21"]


#: The services that have rows to lose.
HAVE = ("till", "books")
SELL = Journey("sell", sell, adds_up)


@asynccontextmanager
async def world_of(
    postgres: Any, hosted: list[HostedService], **options: Any
) -> AsyncIterator[World]:
    url = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"
    async with crashing(url, hosted, **options) as made:
        yield made


async def test_what_is_sound_survives_a_crash_at_each_of_its_steps(postgres, migrations) -> None:
    async with world_of(postgres, services(migrations)) as world:
        reports = [await world.crash_everywhere(name, SELL) for name in HAVE]
        print(*reports, sep="\n")
        assert all(report.ok for report in reports), [*map(str, reports)]
        assert all(report.crashes >= report.steps - 6 > 3 for report in reports)
        await world.crash_at("till", SELL, 0)
        till, books = (
            [" ".join(words.split()[:4]) for words in world.steps(name)] for name in HAVE
        )
    assert till[:8] == [
        *("before sql insert into", "after sql insert into"),
        *("before call GET rates/rate", "after call GET rates/rate"),
        *("before sql BEGIN;", "after sql BEGIN;"),
        *("before sql insert into", "after sql insert into"),
    ]
    for taken, of in (("sql COMMIT;", till), ("publish sale.made", till), ("ack sale.made", books)):
        assert of.index(f"before {taken}") < of.index(f"after {taken}")


async def test_a_start_that_is_cut_short_at_any_step_is_gone_on_with(postgres, migrations) -> None:
    async with world_of(postgres, services(migrations)) as world:
        report = await world.crash_everywhere("till", SELL, starting=True)
    print(report)
    assert report.ok
    assert report.crashes > 20
    assert str(report).startswith("start, sell: till: N=")


def without_transactions_of_migrations() -> None:
    """Apply a migration, and note that it was, one after the other."""

    async def apply_one(conn: Any, migration: Any, _: str) -> None:
        await conn.execute(migration.sql)
        note = "insert into schema_migrations (part, version, name, checksum) values ($1,$2,$3,$4)"
        values = (migration.part, migration.version, migration.name, migration.checksum)
        await conn.execute(note, *values)

    migration_module._apply_one = apply_one


async def test_a_migration_that_is_half_done_is_found(postgres, migrations) -> None:
    hosted = services(migrations, without_transactions_of_migrations)
    async with world_of(postgres, hosted, rest_s=3.0) as world:
        report = await world.crash_everywhere("books", SELL, starting=True, only="create table to")
    print(report)
    assert [finding.step.split()[0] for finding in report.findings] == ["after"]
    assert 'relation "total" already exists' in str(report)


def without_outbox() -> None:
    """Tell the broker past the outbox, once the transaction is committed."""

    def outbox(chassis: Chassis, database: Any) -> Any:
        Outbox(database, publishes=())  # its table is there, and stays empty
        return Straight(chassis, database)

    Chassis.outbox = outbox  # type: ignore[method-assign]


class Straight:
    """Publishes after the commit, and forgets what it meant to publish when it dies."""

    def __init__(self, chassis: Chassis, database: Any) -> None:
        self._bus, self._database = chassis.bus, database
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(
        self, conn: Any, *, topic: str, aggregate_id: str, payload: Any, **_: Any
    ) -> None:
        message = Message(str(uuid4()), topic, aggregate_id, payload)

        def publish() -> None:
            self._tasks.add(asyncio.create_task(self._bus.publish(message)))

        self._database.after_commit(conn, publish)


def without_inbox() -> None:
    """Take every delivery for the first."""

    async def first_time(*_: Any, **__: Any) -> bool:
        return True

    Inbox.first_time = first_time  # type: ignore[method-assign]


def without_idempotency() -> None:
    """Do the work of a key each time that it is asked for."""

    async def run(_: Any, *, fn: Any, **__: Any) -> Answer:
        return await fn(uuid4())

    Idempotency.run = run  # type: ignore[method-assign]


def telling_again() -> None:
    """Write the event of a sale that was made before, under another id."""
    os.environ[TELLS_AGAIN] = "1"


@pytest.mark.parametrize(
    ("fault", "victim", "expected"),
    [
        (without_outbox, "till", "lost: 0 for 21"),
        (without_inbox, "books", "doubled: 42 for 21"),
        (without_idempotency, "till", "2 sales"),
        (telling_again, "till", "doubled: 42 for 21"),
    ],
)
async def test_what_a_service_lacks_is_found_by_the_step_that_it_does_not_survive(
    postgres, migrations, fault, victim, expected
) -> None:
    # Short: what is lost does not come.
    async with world_of(postgres, services(migrations, fault), rest_s=2.0) as world:
        report = await world.crash_everywhere(victim, SELL, only="COMMIT|publish|ack|update")
    print(report)
    assert not report.ok
    assert {wrong for finding in report.findings for wrong in finding.wrong} == {expected}
    assert len(report.findings) < report.crashes, "not every crash does harm"
    assert expected in str(report)


async def test_what_is_wrong_without_a_crash_is_said_as_that(postgres, migrations) -> None:
    async def wrong(_: World, __: Any) -> list[str]:
        return ["the sky is green"]

    async with world_of(postgres, services(migrations), rest_s=0.3) as world:
        report = await world.crash_everywhere("till", Journey("sell", sell, wrong))
    assert (report.tried, str(report.findings[0])) == ((), "without a crash: the sky is green")


async def test_a_service_that_ends_by_itself_is_no_crash_that_was_meant(postgres) -> None:
    def mount(chassis: Chassis) -> None:
        router = APIRouter()

        @router.post("/fall")
        async def fall() -> None:
            print("about to fall")
            os._exit(3)

        chassis.include(router)

    async def push(world: World) -> None:
        with pytest.raises(ConnectionError, match="clumsy ended"):
            await world.request("clumsy", "POST", "/fall")

    async def fine(_: World, __: Any) -> list[str]:
        return []

    clumsy = HostedService("clumsy", [Part("clumsy", mount)], databases={})
    async with world_of(postgres, [clumsy]) as world:
        wrong, _ = await world.crash_at("clumsy", Journey("push", push, fine), 0)
        pids = {name: life.pid for name, life in world._hosting.lives.items()}
        assert (await world.request("clumsy", "GET", "/health")).status == 200, "it is back"
    assert wrong == ("clumsy ended by itself with 3: about to fall",)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids.values()), "none is left"


async def test_a_service_that_cannot_start_says_why(postgres) -> None:
    def mount(chassis: Chassis) -> None:
        async def refuse() -> None:
            raise RuntimeError("no licence")

        chassis.on_start(refuse)

    with pytest.raises(RuntimeError, match="no licence"):
        async with world_of(
            postgres, [HostedService("closed", [Part("closed", mount)], databases={})]
        ):
            pass


async def test_what_a_database_began_with_is_there_each_time(postgres, migrations) -> None:
    async def seed(connection: Any) -> None:
        await connection.execute("insert into sales values ($1, 5)", uuid4())

    hosted = services(migrations)
    hosted[0] = replace(hosted[0], seed=seed)
    hosted[1] = replace(hosted[1], seed="update total set amount = 15")
    async with world_of(postgres, hosted) as world:
        for _ in range(2):
            await world.fresh()
            await sell(world)
            assert await world.rows("till", "select amount from sales order by 1") == [(5,), (7,)]


def test_a_sample_is_spread_over_all_steps_and_its_seed_moves_it() -> None:
    assert spread(5, None, 1) == spread(5, 9, 1) == (1, 2, 3, 4, 5)
    assert spread(100, 0, 1) == ()
    for seed in range(20):
        found = spread(100, 7, seed)
        assert len(set(found)) == 7
        assert found[0] in range(1, 16)
        assert found[-1] in range(86, 101)
    assert spread(100, 7, 1) != spread(100, 7, 2)
