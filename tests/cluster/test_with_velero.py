"""What is rendered for Velero, carried out by it: a namespace is lost, and comes back.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import cluster_entry
import cluster_velero
import pytest
import store_images
from cluster import Cluster
from cluster_velero import EVERY_MINUTE, WHERE
from deployed import DeployedSystem
from purchase import in_travel, purchase_at
from shop_trouble import end

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

#: Writes a count of the rows of each table of a database, which psql then asks.
COUNTS = """
SELECT format('SELECT %L, count(*) FROM %I;', relname, relname) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1 \\gexec
"""


@dataclass(frozen=True)
class Lost:
    """A system whose namespace is lost."""

    system: DeployedSystem
    #: Has something bought, which needs all services and stores.
    buy: Callable[[], Awaitable[None]]

    def counts(self) -> dict[str, str]:
        """Count the rows of each table, by store."""
        stores = (one for one in self.system.running().plan.workloads if one.role == "store")
        wanted = (one for one in stores if one.about.startswith("PostgreSQL"))
        return {store.name: self.system.psql(store.name, COUNTS) for store in wanted}


@pytest.fixture(scope="module")
def velero(nodes: Cluster, docker, tmp_path_factory) -> None:
    """Install Velero with the place that is rendered for it."""
    found = cluster_velero.programs()
    if found is None:
        pytest.skip(cluster_velero.GET)
    cluster_velero.install(nodes, docker, found, tmp_path_factory.mktemp("velero"))
    nodes.apply([cluster_velero.location()])


@pytest.fixture(scope="module")
def kept(velero: None, shop: DeployedSystem) -> DeployedSystem:
    """Give a shop that is well."""
    end(shop)
    return shop


@pytest.fixture(scope="module", params=["shop", "travel"])
def lost(velero: None, nodes, pulled, lacking, authority, request, tmp_path_factory) -> Lost:
    """Give a system that sells."""
    if request.param == "shop":
        shop: DeployedSystem = request.getfixturevalue("kept")
        return Lost(shop, lambda: purchase_at(shop.url("api-gateway")))
    if authority is None:
        pytest.skip(cluster_entry.GET)
    store_images.require(pulled["travel"], lacking)
    travel = DeployedSystem.lay_out(nodes, "travel", tmp_path_factory.mktemp("travel"))
    cluster_entry.encrypt(travel, authority)
    print(travel.deploy().stdout.splitlines()[-1])
    travel.sow()
    entry = cluster_entry.begin(nodes, (travel,))["travel"]

    async def book() -> None:
        async with entry.asking() as session:
            assert await (await in_travel(session, entry))() == "confirmed"

    return Lost(travel, book)


def status(system: DeployedSystem, kind: str, name: str) -> dict[str, Any]:
    """Read what Velero says of an object of its own."""
    read: dict[str, Any] = system.cluster.read(kind, name, WHERE)
    found: dict[str, Any] = read.get("status", {})
    return found


def ended(system: DeployedSystem, kind: str, name: str) -> dict[str, Any]:
    """Wait until a backup or a restore has ended; gives what came of it."""
    over = ("Completed", "PartiallyFailed", "Failed", "FailedValidation")
    system.until(lambda: status(system, kind, name).get("phase") in over, within_s=400)
    return status(system, kind, name)


def test_the_place_of_backups_is_available(kept: DeployedSystem):
    kept.until(lambda: status(kept, "backupstoragelocation", "default").get("phase") == "Available")


def test_backups_are_made_as_often_as_the_schedule_says(kept: DeployedSystem):
    wanted = cluster_velero.schedule(kept, every=EVERY_MINUTE)
    wanted["spec"]["template"]["defaultVolumesToFsBackup"] = False
    kept.cluster.apply([wanted])
    chosen = f"--selector=velero.io/schedule-name={wanted['metadata']['name']}"

    def made() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = kept.cluster.read("backups.velero.io", WHERE, chosen)["items"]
        return [one for one in found if one.get("status", {}).get("phase") == "Completed"]

    try:
        kept.until(lambda: len(made()) >= 2, within_s=240)
    finally:
        kept.cluster.kubectl("delete", "schedule", wanted["metadata"]["name"], WHERE)
    assert {tuple(one["spec"]["includedNamespaces"]) for one in made()} == {(kept.namespace,)}


def test_a_lost_namespace_comes_back_with_its_rows_and_sells_again(lost: Lost):
    system = lost.system
    asyncio.run(lost.buy())
    before = lost.counts()
    assert len(before) >= 4
    assert all(counts.strip() for counts in before.values())
    spec = cluster_velero.schedule(system, every=EVERY_MINUTE)["spec"]["template"]
    about = {"apiVersion": "velero.io/v1"}
    backup = {"name": f"{system.system}-before", "namespace": cluster_velero.NAMESPACE}
    system.cluster.apply([{**about, "kind": "Backup", "metadata": backup, "spec": spec}])
    assert ended(system, "backups.velero.io", backup["name"])["phase"] == "Completed"
    began = time.monotonic()
    system.cluster.kubectl("delete", "namespace", system.namespace, "--timeout=280s")
    restore = {"name": f"{system.system}-after", "namespace": cluster_velero.NAMESPACE}
    spec = {"backupName": backup["name"]}
    system.cluster.apply([{**about, "kind": "Restore", "metadata": restore, "spec": spec}])
    assert ended(system, "restores.velero.io", restore["name"])["phase"] == "Completed"
    for kind in ("statefulset", "deployment"):
        for one in system.read(kind)["items"]:
            system.rolled_out(f"{kind}/{one['metadata']['name']}")
    print(f"{system.system}: deleted and back after {time.monotonic() - began:.0f} s")
    assert lost.counts() == before
    asyncio.run(lost.buy())
