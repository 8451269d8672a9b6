"""The fault `full-disk`: a store's writes fail while it is there, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import signal
import time

import asyncpg
import pytest
from faulted import drill_that_stays
from sandbox import laid_out, web

from tarmac.base.errors import TarmacError
from tarmac.drill.file.drill_file import faults
from tarmac.run.local.supervisor.local_target import local_target
from tarmac.testing import System, running

pytestmark = pytest.mark.timeout(180)

FAULT = faults()["full-disk"]
STEP = {"fault": "full-disk", "on": "db"}
MEBI = 1 << 20
SIZE = 128 * MEBI
LONG_S, POLL_S = 60.0, 0.05
#: More than what PostgreSQL keeps ready for rows and its log.
ROW = "x" * 100_000
SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      {web(more=", stores: {db: db, cache: cache}")}
    stores: {{db: postgres, cache: redis}}
    """


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    box = laid_out(tmp_path_factory.mktemp("disk"))
    box.write(SYSTEM)
    with running(box.folder / "tarmac.yaml", name="disk", disks={"db": SIZE}) as system:
        yield system


@pytest.fixture
def target(small):
    with local_target(small.home) as found:
        yield found


def run(system: System, query: str, *values: object) -> object:
    """Ask the store over a new connection; returns the first value, or why it was refused."""

    async def asked() -> object:
        connection = await asyncpg.connect(system.store_url("db"), timeout=5)
        try:
            return await connection.fetchval(query, *values)
        finally:
            await connection.close()

    try:
        return asyncio.run(asked())
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        return error


def write(system: System) -> object:
    made = run(system, "CREATE TABLE IF NOT EXISTS things (number serial, content text)")
    if isinstance(made, Exception):
        return made
    # Numbers do not compress.
    query = """
        INSERT INTO things (content)
        SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 3000) RETURNING number"""
    return run(system, query)


def written(system: System) -> int:
    """Write until it is taken; returns the row's number."""
    end = time.monotonic() + LONG_S
    while not isinstance(found := write(system), int):
        assert time.monotonic() < end, found
        time.sleep(POLL_S)
    return found


def refused(system: System) -> str:
    """Write until it is refused."""
    end = time.monotonic() + LONG_S
    while isinstance(found := write(system), int):
        assert time.monotonic() < end
    return str(found)


def test_a_full_disk_refuses_writes_loses_no_row_and_takes_them_again(small, target):
    number = written(small)
    with FAULT.inject(target, FAULT.step.model_validate(STEP)) as witness:
        assert refused(small)
        present, detail = witness()
        assert present, detail
        assert detail.endswith("of 128 MiB were free for db")
    assert written(small) > number
    rows = "SELECT count(*) FROM things WHERE number = $1 AND length(content) = 96000"
    assert run(small, rows, number) == 1
    assert "No space left on device" in small.logs("db")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_drill_that_is_killed_gives_the_room_back(small, number):
    before = written(small)
    with drill_that_stays(small.home, FAULT, STEP) as drill:
        assert refused(small)
        drill.send_signal(number)
    assert written(small) > before


def test_a_store_without_a_disk_of_its_own_is_refused_with_what_to_do(small, target):
    step = FAULT.step.model_validate({"fault": "full-disk", "on": "cache"})
    with pytest.raises(TarmacError, match=r"cache: has no disk of its own to fill.*--namespace"):
        FAULT.inject(target, step).__enter__()
    with pytest.raises(TarmacError, match="dd: no running store; choose one of: cache, db"):
        FAULT.inject(target, step.model_copy(update={"on": "dd"})).__enter__()


def test_the_disk_is_seen_by_the_copy_alone_and_goes_with_it(tmp_path):
    box = laid_out(tmp_path)
    box.write(SYSTEM)
    with running(box.folder / "tarmac.yaml", name="gone", disks={"db": SIZE}) as system:
        place = system.home.nodes / "db"
        assert not place.is_mount()
    assert not system.home.root.exists()
