"""A system that is stopped and started again: its migrations change nothing, and no row is lost.

The shop's is in test_shop.py, with an order that goes on.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from journeys import journeys_of
from rendered import ROOT, system_of

from tarmac.run.local.state.paths import Home
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.local_target import local_target

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

TARMAC = str(Path(sys.executable).with_name("tarmac"))
#: System -> what its users do, once for each of these.
USED = {"starter": "order", "trading": "trade", "hello-dd": "buy", "travel": "book"}
COLUMNS = """
    SELECT table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2"""
INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
APPLIED = "SELECT part, version, checksum, applied_at FROM schema_migrations ORDER BY 1, 2"
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


@dataclass(frozen=True)
class Contents:
    """What a database holds: its form, the migrations with their moments, rows by table."""

    form: tuple[tuple[object, ...], ...]
    applied: tuple[tuple[object, ...], ...]
    rows: dict[str, int]


@dataclass(frozen=True)
class Started:
    """A system in a namespace of this test's own."""

    name: str
    namespace: str

    @property
    def file(self) -> Path:
        return ROOT / f"systems/{self.name}/tarmac.yaml"

    @property
    def home(self) -> Home:
        return Home.of(self.file, self.namespace)

    def tarmac(self, verb: str, *args: str) -> dict:
        command = [TARMAC, verb, self.name, "-n", self.namespace, "--json", *args]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    async def contents(self) -> dict[str, Contents]:
        """Read every database that this system migrates."""
        stores = [
            name
            for name, store in system_of(self.name).file.stores.items()
            if store.kind == "postgres"
        ]
        return {store: await self._contents(store) for store in stores}

    async def _contents(self, store: str) -> Contents:
        connection = await asyncpg.connect(client.store_url(self.home, store, ""))
        try:
            form = [
                tuple(row) for query in (COLUMNS, INDEXES) for row in await connection.fetch(query)
            ]
            applied = [tuple(row) for row in await connection.fetch(APPLIED)]
            tables = [row[0] for row in await connection.fetch(TABLES)]
            rows = {
                name: await connection.fetchval(f'SELECT count(*) FROM "{name}"') for name in tables
            }
        finally:
            await connection.close()
        return Contents(tuple(form), tuple(applied), rows)

    async def use(self) -> None:
        """Have users do for a while what they do most."""
        with local_target(self.home) as target:
            urls = target.urls()
        async with journeys_of(self.name).JOURNEYS[USED[self.name]](urls) as visit:
            for _ in range(5):
                await visit()


@pytest.fixture(params=USED)
def system(request) -> Iterator[Started]:
    found = Started(request.param, f"second-{os.getpid()}")
    try:
        found.tarmac("up", "-d")
        yield found
    finally:
        found.tarmac("down", "--delete-data")


async def test_a_second_start_applies_nothing_again_and_keeps_every_row(system):
    await system.use()
    before = await system.contents()
    assert before
    assert all(found.applied for found in before.values())
    await asyncio.to_thread(system.tarmac, "down")
    await asyncio.to_thread(system.tarmac, "up", "-d")
    after = await system.contents()
    for store, found in after.items():
        assert found.form == before[store].form
        assert found.applied == before[store].applied
        # What was on its way when the system stopped may have arrived since.
        fewer = {name for name, count in found.rows.items() if count < before[store].rows[name]}
        assert fewer <= {"outbox", "tarmac_outbox"}
    await asyncio.to_thread(system.tarmac, "invariants", "--within", "30")
