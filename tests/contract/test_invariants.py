"""Each system's invariants against wrong rows: one of them breaks, or the database refuses the row.

A small consistent world of each system (worlds/) is written into real databases. Then every row of
every table is removed, doubled, given another key, state or reference and moved by one, each alone.
What nothing notices needs a reason in worlds/uncaught.yaml. docs/evidence/invariants.md has the
result; UPDATE_INVARIANTS=1 writes it.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml
from row_mutations import Mutation, mutations, tables, undone

from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.run.local.stores.invariants import QueryResult, fetch, judge
from tarmac_kit import migrations

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
WORLDS = Path(__file__).parent / "worlds"
PAGE = ROOT / "docs/evidence/invariants.md"
UPDATE = "UPDATE_INVARIANTS"
SYSTEMS = sorted(file.stem for file in WORLDS.glob("*.yaml") if file.stem != "uncaught")
_DATA = yaml.safe_load((WORLDS / "uncaught.yaml").read_text(encoding="utf-8"))
UNCAUGHT: list[Mapping[str, Any]] = _DATA["rows"]
LEFT_OUT: Mapping[str, str] = _DATA["stores"]

_PATH = ROOT / "kit/tests/servers/conftest.py"
_SPEC = importlib.util.spec_from_file_location("kit_servers_for_invariants", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_servers = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _servers  # dataclasses look their module up
_SPEC.loader.exec_module(_servers)
postgres = _servers.postgres


@dataclass
class Tally:
    """What became of one change in all rows of one table."""

    tried: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    uncaught: list[str] = field(default_factory=list)


@dataclass
class World:
    """A system whose stores are databases with a few rows, and what its invariants read there."""

    system: System
    stores: dict[str, asyncpg.Connection[Any]]
    #: By store and invariant.
    queries: dict[str, dict[str, Any]] = field(default_factory=dict)
    found: dict[str, dict[str, QueryResult]] = field(default_factory=dict)

    async def prepare(self) -> None:
        for store, connection in self.stores.items():
            invariants = self.system.file.invariants
            self.queries[store] = {
                name: await connection.prepare(invariant.queries[store])
                for name, invariant in invariants.items()
                if store in invariant.queries
            }
            self.found[store] = {
                name: await fetch(query) for name, query in self.queries[store].items()
            }

    async def broken(self, store: str, *, only: str | None = None) -> str | None:
        """Ask one store again, and name the first invariant that does not hold now."""
        for name, query in self.queries[store].items():
            if only not in (None, name):
                continue
            invariant = self.system.file.invariants[name]
            seen = {other: self.found[other][name] for other in invariant.queries}
            if not judge(name, invariant, {**seen, store: await fetch(query)}).holds:
                return name
        return None


def _migrations(name: str) -> tuple[migrations.Migration, ...]:
    if name.startswith("tarmac_"):
        return migrations.read(name, resources.files(name) / "migrations")
    return migrations.read(name, resources.files("tarmac_kit") / "migrations" / name)


def _system(name: str) -> System:
    file = ROOT / f"systems/{name}/tarmac.yaml"
    return load(str(file), lambda path: Path(path).read_bytes())


def _described(system: str) -> dict[str, Any]:
    """Read what the stores of a system's world hold; some are those of another system."""
    read = yaml.safe_load((WORLDS / f"{system}.yaml").read_text(encoding="utf-8"))
    return {
        store: _described(content["of"][0])[content["of"][1]] if "of" in content else content
        for store, content in read["stores"].items()
    }


async def _world(system_name: str, port: int) -> World:
    described = _described(system_name)
    world = World(_system(system_name), {})
    server = f"postgresql://postgres@127.0.0.1:{port}"
    admin = await asyncpg.connect(f"{server}/postgres")
    for store, content in described.items():
        database = f"{system_name}_{store}".replace("-", "_")
        await admin.execute(f"DROP DATABASE IF EXISTS {database}")
        await admin.execute(f"CREATE DATABASE {database}")
        connection = await asyncpg.connect(f"{server}/{database}")
        for name in content["migrations"]:
            await migrations.apply(connection, _migrations(name))
        await connection.execute(content["rows"])
        world.stores[store] = connection
    await admin.close()
    await world.prepare()
    return world


async def _tallies(world: World) -> dict[tuple[str, str, str], Tally]:
    """Try everything; by store, table and change."""
    found: dict[tuple[str, str, str], Tally] = {}
    for store, connection in world.stores.items():
        for table in await tables(connection):
            async for mutation in mutations(connection, table):
                tally = found.setdefault((store, mutation.table, mutation.change), Tally())
                await _try(world, store, mutation, tally)
    return found


async def _try(world: World, store: str, mutation: Mutation, tally: Tally) -> None:
    tally.tried += 1
    async with undone(world.stores[store], mutation) as constraint:
        if constraint is not None:
            tally.refused[constraint] += 1
            return
        broken = await world.broken(store)
        if broken is not None:
            tally.caught[broken] += 1
        else:
            tally.uncaught.append(f"{mutation.sql} {mutation.values}")


def _reason(system: str, table: str, change: str) -> Mapping[str, Any] | None:
    """Return the entry of uncaught.yaml that says why nothing notices a change."""
    what = "removed" if change == "row removed" else change.partition(":")[0]
    what = "added" if what == "row added" else what
    return next(
        (
            entry
            for entry in UNCAUGHT
            if entry["table"] == table
            and what in entry["of"]
            and system in entry.get("systems", SYSTEMS)
        ),
        None,
    )


@dataclass
class Report:
    """The sections of the page, and which reasons were needed."""

    sections: dict[str, str] = field(default_factory=dict)
    needed: list[Mapping[str, Any]] = field(default_factory=list)


@pytest.fixture(scope="module")
def report() -> Report:
    return Report()


@pytest.mark.parametrize("name", SYSTEMS)
async def test_a_wrong_row_breaks_an_invariant_or_is_refused(name, postgres, report):
    world = await _world(name, postgres.port)
    try:
        broken = [await world.broken(store) for store in world.stores]
        assert broken == [None] * len(broken), "the world itself is wrong"
        tallies = await _tallies(world)
    finally:
        for connection in world.stores.values():
            await connection.close()
    unexplained = []
    for (store, table, change), tally in tallies.items():
        reason = _reason(name, table, change) if tally.uncaught else None
        if reason is not None:
            report.needed.append(reason)
        elif tally.uncaught:
            unexplained.append(f"{store}: {table}: {change}: {tally.uncaught[0]}")
    assert unexplained == [], "sharpen an invariant, or write the reason into worlds/uncaught.yaml"
    report.sections[name] = _section(name, tallies)
    if not os.environ.get(UPDATE):
        assert report.sections[name] in PAGE.read_text(encoding="utf-8"), (
            f"{UPDATE}=1 pytest tests/contract/test_invariants.py writes the page"
        )


def test_the_page_has_every_system_and_no_reason_is_for_nothing(report):
    """The last one of its file: it looks at what the others found."""
    if sorted(report.sections) != SYSTEMS:
        pytest.skip("not every system was tried in this run")
    assert [entry for entry in UNCAUGHT if entry not in report.needed] == []
    page = _page(report.sections)
    if os.environ.get(UPDATE):
        PAGE.write_text(page, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page


async def test_stock_that_comes_back_without_its_order_is_noticed(postgres):
    """All that inventory writes for a return, and nothing at the order: paid for and not sold."""
    world = await _world("shop", postgres.port)
    store = world.stores["products-db"]
    try:
        await store.execute(
            """
            INSERT INTO stock_ledger
                   (product_id, movement, on_hand_change, reserved_change, order_id)
            SELECT product_id, 'return', quantity, 0, order_id FROM reservation_lines
             WHERE order_id = '00000000-0000-4000-8000-00000000000e';
            UPDATE stock SET on_hand = on_hand + 1
             WHERE product_id = '00000000-0000-4000-8000-0000000000f1';
            """
        )
        assert await world.broken("products-db", only="sold-when-confirmed")
        assert not await world.broken("products-db", only="stock-equals-ledger")
    finally:
        for connection in world.stores.values():
            await connection.close()


def test_every_sql_database_of_a_system_has_a_world_or_a_reason():
    assert {file.parent.name for file in ROOT.glob("systems/*/tarmac.yaml")} == set(SYSTEMS)
    databases = {
        store
        for name in SYSTEMS
        for store, found in _system(name).file.stores.items()
        if found.kind == "postgres"
    }
    worlds = {store for name in SYSTEMS for store in _described(name)}
    assert sorted(databases - worlds) == sorted(LEFT_OUT)


def _section(name: str, tallies: Mapping[tuple[str, str, str], Tally]) -> str:
    """Write one system's part of the page: a line for each table and change."""
    tried = sum(tally.tried for tally in tallies.values())
    caught = sum(tally.caught.total() for tally in tallies.values())
    refused = sum(tally.refused.total() for tally in tallies.values())
    lines = [
        f"## {name}",
        "",
        (
            f"{tried} wrong rows: {caught} break an invariant, {refused} are refused by the "
            f"database, {tried - caught - refused} are noticed by nothing."
        ),
        "",
        "| Store | Table | Change | Rows | Noticed by | Not noticed, and why |",
        "|---|---|---|---|---|---|",
    ]
    for (store, table, change), tally in tallies.items():
        by = ", ".join(f"{name} {n}" for name, n in sorted((tally.caught + tally.refused).items()))
        reason = _reason(name, table, change) if tally.uncaught else None
        left = f"{len(tally.uncaught)}: {reason['reason']}" if reason else ""
        lines.append(f"| {store} | {table} | {change} | {tally.tried} | {by} | {left} |")
    return "\n".join([*lines, ""])


def _page(sections: Mapping[str, str]) -> str:
    left_out = [f"- `{store}`: {reason}" for store, reason in LEFT_OUT.items()]
    head = (WORLDS / "page.md").read_text(encoding="utf-8").rstrip("\n") + "\n"
    parts = [head, *left_out, "", *(sections[name] for name in SYSTEMS)]
    return "\n".join(parts).rstrip("\n") + "\n"
