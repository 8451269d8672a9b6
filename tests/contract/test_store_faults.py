"""What holds of faults of a store: proven while they are there, and gone afterwards."""

from __future__ import annotations

import asyncio
import signal
import time

import asyncpg
import pytest
from faulted import drill_that_stays
from sandbox import Sandbox, laid_out, web

from tarmac.base.errors import TarmacError
from tarmac.drill.file.drill_file import faults
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.local_target import local_target

FAULT = faults()["read-only"]
STEP = FAULT.step.model_validate({"fault": "read-only", "on": "db"})
LONG_S, POLL_S = 30.0, 0.02
REFUSED = "ReadOnlySQLTransactionError"


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    box = laid_out(tmp_path_factory.mktemp("stores"))
    box.write(f"""
        tarmac: 1
        system: small
        services:
          {web(more=", stores: {db: db, cache: cache}")}
        stores: {{db: postgres, cache: redis}}
        """)
    box.up()
    yield box
    box.end()


@pytest.fixture
def target(running):
    with local_target(running.home) as found:
        yield found


async def _writes(connection: asyncpg.Connection) -> str:
    try:
        await connection.execute("CREATE TABLE IF NOT EXISTS things (number int)")
        await connection.execute("INSERT INTO things VALUES (1)")
    except asyncpg.PostgresError as error:
        return type(error).__name__
    return ""


def write(box: Sandbox) -> str:
    """Write to the store over a new connection; return why it was refused."""

    async def over_a_new_one() -> str:
        connection = await asyncpg.connect(client.store_url(box.home, "db"))
        try:
            return await _writes(connection)
        finally:
            await connection.close()

    return asyncio.run(over_a_new_one())


def until_written(box: Sandbox) -> None:
    end = time.monotonic() + LONG_S
    while why := write(box):
        assert time.monotonic() < end, why
        time.sleep(POLL_S)


def test_a_read_only_store_refuses_writes_also_over_what_is_open_and_takes_them_again(
    running, target
):
    async def over_an_open_one() -> list[str]:
        connection = await asyncpg.connect(client.store_url(running.home, "db"))
        try:
            found = [await _writes(connection)]
            with FAULT.inject(target, STEP) as witness:
                end = time.monotonic() + LONG_S
                while not (why := await _writes(connection)):
                    assert time.monotonic() < end
                found.append(why)
                assert await connection.fetchval("SELECT count(*) FROM things") >= 1
                assert witness() == (True, "db refused writes")
            while why := await _writes(connection):
                assert time.monotonic() < end, why
            return found
        finally:
            await connection.close()

    assert asyncio.run(over_an_open_one()) == ["", REFUSED]
    assert target.takes_writes("db")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_drill_that_is_killed_leaves_no_store_read_only(running, number):
    with drill_that_stays(running.home, FAULT, {"fault": "read-only", "on": "db"}) as drill:
        assert write(running) == REFUSED
        drill.send_signal(number)
    until_written(running)


def test_a_server_that_is_started_again_takes_writes_and_that_is_no_proof(running, target):
    with FAULT.inject(target, STEP) as witness:
        assert write(running) == REFUSED
        target.restart(["db"])
        until_written(running)
        present, detail = witness()
        assert not present
        assert detail == "db took writes; a restart of its server ends this"


def test_what_cannot_be_read_only_is_reported(target):
    with pytest.raises(TarmacError, match=r"cache: Redis .* cannot be made read-only"):
        FAULT.inject(target, STEP.model_copy(update={"on": "cache"})).__enter__()
    with pytest.raises(TarmacError, match="bd: no running store; choose one of: db"):
        FAULT.inject(target, STEP.model_copy(update={"on": "bd"})).__enter__()
