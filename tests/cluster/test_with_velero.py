"""What is rendered for Velero, carried out by it: the shop's namespace is lost, and comes back.

On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import cluster_velero
import pytest
from cluster_velero import EVERY_MINUTE, WHERE
from deployed import DeployedSystem
from purchase import purchase_at
from shop_trouble import end

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

STORES = ("users-db", "products-db", "orders-db", "payments-db")
BACKUP, RESTORE = "before-the-loss", "after-the-loss"
#: Writes a count of the rows of each table of a database, which psql then asks.
COUNTS = """
SELECT format('SELECT %L, count(*) FROM %I;', relname, relname) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1 \\gexec
"""


@pytest.fixture(scope="module")
def kept(shop: DeployedSystem, docker, tmp_path_factory) -> DeployedSystem:
    """Install Velero beside a shop that is well, with the place that is rendered for it."""
    found = cluster_velero.programs()
    if found is None:
        pytest.skip(cluster_velero.GET)
    end(shop)
    cluster_velero.install(shop.cluster, docker, found, tmp_path_factory.mktemp("velero"))
    shop.cluster.apply([cluster_velero.location()])
    return shop


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


def test_a_lost_namespace_comes_back_with_its_rows_and_sells_again(kept: DeployedSystem):
    asyncio.run(purchase_at(kept.url("api-gateway")))
    before = {store: kept.psql(store, COUNTS) for store in STORES}
    assert all(counts.strip() for counts in before.values())
    spec = cluster_velero.schedule(kept, every=EVERY_MINUTE)["spec"]["template"]
    made = {"apiVersion": "velero.io/v1", "kind": "Backup", "spec": spec}
    named = {"name": BACKUP, "namespace": cluster_velero.NAMESPACE}
    kept.cluster.apply([{**made, "metadata": named}])
    assert ended(kept, "backups.velero.io", BACKUP)["phase"] == "Completed"
    began = time.monotonic()
    kept.cluster.kubectl("delete", "namespace", kept.namespace, "--timeout=280s")
    lost = {"spec": {"backupName": BACKUP}, "apiVersion": "velero.io/v1", "kind": "Restore"}
    named = {"name": RESTORE, "namespace": cluster_velero.NAMESPACE}
    kept.cluster.apply([{**lost, "metadata": named}])
    assert ended(kept, "restores.velero.io", RESTORE)["phase"] == "Completed"
    for kind in ("statefulset", "deployment"):
        for one in kept.read(kind)["items"]:
            kept.rolled_out(f"{kind}/{one['metadata']['name']}")
    print(f"deleted and back after {time.monotonic() - began:.0f} s")
    assert {store: kept.psql(store, COUNTS) for store in STORES} == before
    asyncio.run(purchase_at(kept.url("api-gateway")))
