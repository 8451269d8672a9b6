"""The exporters of stores, against the servers of a running system: as who may read nothing else.

PostgreSQL's and Redis' are Debian's, which are older than those that are rendered: what differs is
named. Kafka's is in tests/contract, where what MongoDB's may ask is held, too: that one is not had.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import redis
from exporters import PASSWORD, check_catalogue, exporting, said, told
from free_ports import free_port
from rendered import ROOT, artifacts_of, plan_of, watched_artifacts_of, watched_plan_of
from scraped import Target, scraping, series_of

from tarmac.base import signals
from tarmac.base.artifact import Artifact
from tarmac.base.launch import Secret
from tarmac.base.report import Skip
from tarmac.catalog.stores import nats, postgres
from tarmac.catalog.stores import redis as cache
from tarmac.catalog.stores.kind import MONITOR, StoreContext
from tarmac.catalog.stores.setup.redis_acl import ADMIN, users
from tarmac.check.gates.views import programs
from tarmac.plan.cluster import ClusterPlan
from tarmac.run.local.host import offers
from tarmac.testing import System, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

#: Only there with a reader of the log of changes, which the shop has none of.
WITHOUT_SLOTS = {"pg_replication_slots_pg_wal_lsn_diff"}


@dataclass(frozen=True)
class Exporting:
    """A store of the shop, told of by an exporter."""

    shop: System
    store: str
    port: int
    #: Has the store do something.
    use: Callable[[], object] = bool


def program(name: str) -> str:
    try:
        return programs.find(name)
    except Skip as missing:
        pytest.skip(str(missing))


def watching(shop: System, store: str, database: str = "") -> StoreContext:
    ports = shop.node(store).ports
    return StoreContext(
        name=store,
        host="127.0.0.1",
        ports=ports,
        database=database,
        admin=Secret("admin"),
        users=(),
        monitor=Secret("monitor"),
    )


@pytest.fixture(scope="module")
def shop():
    with running(ROOT / "systems/shop/tarmac.yaml", name="exporters") as system:
        yield system


@pytest.fixture
async def orders_db(shop):
    """PostgreSQL's exporter as the user that the set-up of a cluster makes."""
    view = watching(shop, "orders-db", "orders")
    connection = await asyncpg.connect(shop.store_url("orders-db"))
    try:
        (file,) = postgres.STORE.script(view).files
        grants = [line for line in said(file.content).split(";\n") if MONITOR in line]
        assert len(grants) == 4
        for line in grants:
            await connection.execute(line)
    finally:
        await connection.close()
    name, moved = "prometheus-postgres-exporter", {":5432": view.ports["main"]}
    listen = "--web.listen-address=127.0.0.1:PORT"
    with exporting(postgres.STORE, program(name), view, moved, listen) as port:
        yield Exporting(shop, "orders-db", port)


@pytest.fixture
def own_cache(shop):
    """Redis' exporter as the user that a cluster's server knows from its file."""
    view = watching(shop, "cache")
    secrets = ROOT / "systems/shop/.tarmac" / shop.namespace / "secrets.json"
    admin = json.loads(secrets.read_text())["stores/cache/admin"]
    known = [line.split() for line in said(users(view)).splitlines() if MONITOR in line]
    assert len(known) == 1
    name, moved = "prometheus-redis-exporter", {":6379": view.ports["main"]}
    listen = "--web.listen-address=127.0.0.1:PORT"
    with redis.Redis(port=view.ports["main"], username=ADMIN, password=admin) as client:
        client.execute_command("ACL", "SETUSER", *known[0][1:])
        # As the server of a cluster, which is told how much it may keep.
        client.config_set("maxmemory", "100mb")
        with exporting(cache.STORE, program(name), view, moved, listen) as port:
            yield Exporting(shop, "cache", port, lambda: client.get("nobody:has-this"))


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
        return True
    return False


@contextlib.contextmanager
def monitored(shop: System, folder: Path) -> Iterator[int]:
    """Run a second server on a copy of the broker's streams, with the port that a cluster's has."""
    original = ROOT / "systems/shop/.tarmac" / shop.namespace / "nodes/broker"
    copy, port = folder / "broker", free_port()
    shutil.copytree(original, copy)
    config = (copy / "nats.conf").read_text().replace(str(original), str(copy))
    config = config.replace(f":{shop.node('broker').ports['main']}\n", f":{free_port()}\n")
    (copy / "nats.conf").write_text(f"http: 127.0.0.1:{port}\n{config}")
    offer = offers.find(nats.STORE, asked_provider="embedded")
    assert offer is not None
    argv = [*offer.programs["server"], "--config", str(copy / "nats.conf")]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as server:
        try:
            end = time.monotonic() + 20
            while not answers(port):
                assert server.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            yield port
        finally:
            server.kill()


@pytest.fixture
def broker(shop, tmp_path: Path):
    """NATS' exporter, which knows no password."""
    view = watching(shop, "broker")
    listen = ("-a=127.0.0.1", "-p=PORT")
    with monitored(shop, tmp_path) as monitor:
        moved = {":8222": monitor}
        with exporting(
            nats.STORE, program("prometheus-nats-exporter"), view, moved, *listen
        ) as port:
            yield Exporting(shop, "broker", port)


async def check_panels(
    exported: Exporting, tree: tuple[Artifact, ...], plan: ClusterPlan, up: str, folder: Path
) -> None:
    """Ask a real Prometheus for what the panels on a store draw."""
    board = next(a for a in tree if a.path == "observability/dashboards/stores.json")
    queries = [
        target["expr"]
        for panel in json.loads(str(board.content))["panels"]
        for target in panel.get("targets", ())
        if f'job="{exported.store}"' in target["expr"]
    ]
    assert len(queries) >= 4
    (exporter,) = {signals.read()[name].exporter for q in queries for name in series_of(q)}
    assert exporter == plan.workload(exported.store).exporter.id
    found = [Target(exported.store, exported.port)]
    with scraping(program("prometheus"), folder, plan, found, {}) as prometheus:
        end = time.monotonic() + 60
        while not prometheus.ask(f"count_over_time({up}[5m]) >= 2"):
            assert time.monotonic() < end
            exported.use()
            await asyncio.sleep(0.5)
        assert [query for query in queries if not prometheus.ask(query)] == []


async def test_who_watches_postgres_may_see_how_it_is_and_no_row(orders_db):
    check_catalogue(told(orders_db.port), "postgres-exporter", frozenset(WITHOUT_SLOTS))
    view = watching(orders_db.shop, "orders-db")
    url = f"postgresql://{MONITOR}:{PASSWORD}@127.0.0.1:{view.ports['main']}/orders"
    connection = await asyncpg.connect(url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.fetch("SELECT * FROM orders")
    finally:
        await connection.close()


async def test_every_panel_on_postgres_has_data(orders_db, tmp_path: Path):
    tree, plan = artifacts_of("travel", "prod"), plan_of("travel", "prod")
    await check_panels(orders_db, tree, plan, "pg_up", tmp_path)


def test_who_watches_redis_may_see_how_it_is_and_no_key(own_cache):
    check_catalogue(told(own_cache.port), "redis-exporter")
    port = watching(own_cache.shop, "cache").ports["main"]
    with redis.Redis(port=port, username=MONITOR, password=PASSWORD) as client:
        assert client.info()["maxmemory"] == 100 * 1024**2
        for refused in (("GET", "a"), ("KEYS", "*"), ("CONFIG", "GET", "*"), ("SLOWLOG", "GET")):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*refused)


async def test_every_panel_on_redis_has_data(own_cache, tmp_path: Path):
    tree, plan = watched_artifacts_of("shop"), watched_plan_of("shop")
    await check_panels(own_cache, tree, plan, "redis_up", tmp_path)


def test_who_watches_nats_tells_what_the_catalogue_says(broker):
    check_catalogue(told(broker.port), "nats-exporter")


async def test_every_panel_on_nats_has_data(broker, tmp_path: Path):
    tree, plan = watched_artifacts_of("shop"), watched_plan_of("shop")
    await check_panels(broker, tree, plan, "gnatsd_healthz_status_value", tmp_path)
