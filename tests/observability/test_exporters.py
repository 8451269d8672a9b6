"""The exporters of stores, against the servers of a running system: as who may read nothing else.

They are Debian's, which are older than those that are rendered: what differs is named.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pages import free_port
from prometheus_client.parser import text_string_to_metric_families
from rendered import ROOT, artifact_of, plan_of
from scraped import Target, scraping, series_of

from tarmac import signals
from tarmac.gates import _programs
from tarmac.launch import Secret
from tarmac.report import Skip
from tarmac.stores._kind import View
from tarmac.stores.postgres import MONITOR, STORE
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

#: Only there with a reader of the log of changes, which the shop has none of.
WITHOUT_SLOTS = {"pg_replication_slots_pg_wal_lsn_diff"}
PASSWORD = "5ecre7"


@dataclass(frozen=True)
class Exporting:
    """The shop's databases, told of by an exporter."""

    shop: System
    port: int


def program(name: str) -> str:
    try:
        return _programs.find(name)
    except Skip as missing:
        pytest.skip(str(missing))


def watching(shop: System) -> View:
    port = int(shop.store_url("orders-db").rpartition(":")[2].partition("/")[0])
    return View(
        name="orders-db",
        host="127.0.0.1",
        ports={"main": port},
        database="orders",
        admin=Secret("admin"),
        users=(),
        monitor=Secret("monitor"),
    )


def said(text: tuple[str | Secret, ...]) -> str:
    return "".join(PASSWORD if isinstance(part, Secret) else part for part in text)


@contextlib.contextmanager
def started(argv: list[str], env: dict[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(
        argv, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
                break
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(10)


def told(port: int) -> dict[str, set[str]]:
    """Read what an exporter tells: sample names -> their labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # Its counters have no `_total`; the reader puts one there.
            for name in {sample.name, sample.name.removesuffix("_total")}:
                found.setdefault(name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module")
def shop():
    with running(ROOT / "systems/shop/tarmac.yaml", name="exporters") as system:
        yield system


@pytest.fixture
async def postgres(shop):
    """The exporter as the user that the set-up of a cluster makes."""
    name = program("prometheus-postgres-exporter")
    view = watching(shop)
    connection = await asyncpg.connect(shop.store_url("orders-db"))
    try:
        (file,) = STORE.script(view).files
        grants = [line for line in said(file.content).split(";\n") if MONITOR in line]
        assert len(grants) == 4
        for line in grants:
            await connection.execute(line)
    finally:
        await connection.close()
    port = free_port()
    env = {key: said(value) for key, value in STORE.exporter.env(view).items()}
    env["DATA_SOURCE_URI"] = env["DATA_SOURCE_URI"].replace(":5432/", f":{view.ports['main']}/")
    with started([name, f"--web.listen-address=127.0.0.1:{port}"], env, port):
        yield Exporting(shop, port)


def catalogued(exporter: str) -> dict[str, signals.Signal]:
    return {name: each for name, each in signals.read().items() if each.exporter == exporter}


async def test_who_watches_postgres_may_see_how_it_is_and_no_row(postgres):
    found = told(postgres.port)
    wanted = catalogued("postgres-exporter")
    assert wanted.keys() - found.keys() <= WITHOUT_SLOTS
    targets = {"job", "instance", "namespace", "pod", "container", "endpoint", "service"}
    for name in wanted.keys() & found.keys():
        assert found[name] <= wanted[name].labels - targets, name
    view = watching(postgres.shop)
    url = f"postgresql://{MONITOR}:{PASSWORD}@127.0.0.1:{view.ports['main']}/orders"
    connection = await asyncpg.connect(url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM orders")
    finally:
        await connection.close()


async def test_every_panel_on_postgres_has_data(postgres, tmp_path: Path):
    board = artifact_of("travel", "prod", "observability/dashboards/stores.json")
    queries = [
        target["expr"]
        for panel in json.loads(str(board.content))["panels"]
        for target in panel.get("targets", ())
        if 'job="orders-db"' in target["expr"]
    ]
    assert len(queries) == 5
    assert {signals.read()[name].exporter for q in queries for name in series_of(q)} == {
        "postgres-exporter"
    }
    plan = plan_of("travel", "prod")
    found = [Target("orders-db", postgres.port)]
    with scraping(program("prometheus"), tmp_path, plan, found, {}) as prometheus:
        end = time.monotonic() + 60
        while not prometheus.ask("count_over_time(pg_up[5m]) >= 2"):
            assert time.monotonic() < end
            await asyncio.sleep(0.5)
        assert [query for query in queries if not prometheus.ask(query)] == []


def test_the_redis_exporter_tells_what_the_catalogue_says(shop):
    name, port = program("prometheus-redis-exporter"), free_port()
    secrets = json.loads(
        (ROOT / "systems/shop/.tarmac" / shop.namespace / "secrets.json").read_text()
    )
    server = f"redis://127.0.0.1:{shop.node('cache').ports['main']}"
    env = {
        "REDIS_ADDR": server,
        "REDIS_USER": "tarmac",
        "REDIS_PASSWORD": secrets["stores/cache/admin"],
    }
    with started([name, f"--web.listen-address=127.0.0.1:{port}"], env, port):
        found = told(port)
    assert catalogued("redis-exporter").keys() - found.keys() == set()
