"""The shop with its secrets in Vault, and users of databases that live for five minutes.

Vault and External Secrets are installed by their charts with the rendered values, and told by the
rendered script. On stand-ins for the public images (`standins.STAND_IN`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import cluster_vault
import pytest
import store_images
from cluster import Cluster
from cluster_vault import REPLICAS, OpenVault
from deployed import DeployedSystem, load
from purchase import purchase_at
from waiting import until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(1500)]

NAMESPACE = "shop-vault"
#: Of the model: the shortest that it takes.
LEASE_S = 300
#: The file of a user is renewed four times in that, and a pod sees it a minute later.
LATER_S = 60
#: Stores of PostgreSQL, and the service of each.
OWNERS = {
    "users-db": "user-service",
    "products-db": "product-service",
    "orders-db": "order-service",
    "payments-db": "payment-service",
}
WHOM = "SELECT DISTINCT usename FROM pg_stat_activity WHERE usename LIKE 'v-%' ORDER BY 1"
KNOWN = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%' ORDER BY 1"


@pytest.fixture(scope="module", params=["shop"])
def vaulted(
    nodes: Cluster, docker, pulled, lacking, authority, request, tmp_path_factory
) -> Iterator[OpenVault]:
    """Deploy it beside an open Vault that was told what it may read; it is deleted after."""
    found = cluster_vault.programs()
    if found is None or authority is None:
        pytest.skip(cluster_vault.GET)
    store_images.require(pulled[request.param], lacking)
    folder = tmp_path_factory.mktemp("vault")
    system = DeployedSystem.lay_out(nodes, request.param, folder, namespace=NAMESPACE)
    system.edit(
        "    secrets: script\n",
        f"    secrets: vault\n    vault: {{lease: {LEASE_S}s}}\n    namespace: {NAMESPACE}\n",
    )
    nodes.kubectl("create", "namespace", NAMESPACE)
    vault = cluster_vault.install(system, found, docker, tmp_path_factory.mktemp("programs"))
    print(vault.configure())
    print(system.deploy().stdout.splitlines()[-1])
    system.sow()
    yield vault
    nodes.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def users(vault: OpenVault, store: str) -> set[str]:
    """Name the users of a store that Vault has made and not taken away."""
    return {*vault.system.psql(store, KNOWN).split()}


def connected(vault: OpenVault, store: str) -> set[str]:
    """Name those of them that are logged in."""
    return {*vault.system.psql(store, WHOM).split()}


def test_three_replicas_are_open_and_one_is_active(vaulted: OpenVault):
    pods = vaulted.system.cluster.read("pods", cluster_vault.WHERE)["items"]
    found = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in pods}
    assert {*found} == {*REPLICAS}
    assert len({*found.values()}) == len(REPLICAS)
    for pod in REPLICAS:
        status = vaulted.status(pod)
        assert status is not None
        assert (status["initialized"], status["sealed"], status["storage_type"]) == (
            *(True, False),
            "raft",
        )
    assert len(vaulted.active()) == 1


def test_the_script_changes_nothing_when_it_runs_again(vaulted: OpenVault):
    again = vaulted.configure()
    assert not [line for line in again.splitlines() if line.startswith(("new:", "removed:"))]


def test_services_log_in_by_users_of_vault_and_a_purchase_goes_through(vaulted: OpenVault):
    asyncio.run(purchase_at(vaulted.system.url("api-gateway")))
    for store, service in OWNERS.items():
        (user, *_) = sorted(connected(vaulted, store))
        assert user in users(vaulted, store)
        role = service.replace("-", "_")
        owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
        assert vaulted.system.psql(store, owners).split() == [role]
        logs_in = f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'"
        assert vaulted.system.psql(store, logs_in).strip() == "f"


def test_an_account_reads_its_own_secrets_and_no_others(vaulted: OpenVault):
    token = vaulted.login("order-service")
    own = "shop/kind/stores/broker/order-service"
    assert vaulted.say("kv", "get", "-mount=secret", "-field=value", own, token=token)
    for path in ("shop/kind/stores/broker/payment-service", "shop/kind/stores/orders-db/admin"):
        said = vaulted.say("kv", "get", "-mount=secret", path, token=token, check=False)
        assert "permission denied" in said
    made = "database/creds/shop.kind.payment-service.payments-db"
    assert "permission denied" in vaulted.say("read", made, token=token, check=False)


def test_a_stranger_of_another_namespace_cannot_log_in(vaulted: OpenVault):
    cluster = vaulted.system.cluster
    cluster.kubectl("create", "serviceaccount", "order-service", "--namespace=default")
    own = cluster.kubectl(
        "create", "token", "order-service", "--namespace=default", "--audience=vault"
    ).strip()
    given = ("auth/kubernetes/login", "role=shop.kind.order-service", f"jwt={own}")
    said = vaulted.say("write", *given, token="", check=False)
    assert "namespace not authorized" in said


def test_a_secret_that_is_changed_in_vault_is_changed_in_the_cluster(vaulted: OpenVault):
    system, name = vaulted.system, "storefront-secrets"
    before = system.read("secret", name)["data"]
    soon = json.dumps({"spec": {"refreshInterval": "2s"}})
    system.k("patch", "externalsecret", name, "--type=merge", f"--patch={soon}")
    path = "shop/kind/services/storefront/SESSION_SECRET"
    vaulted.say("kv", "put", "-mount=secret", path, "value=another-one")
    system.until(lambda: system.read("secret", name)["data"] != before)
    after = system.read("secret", name)["data"]
    assert {key for key in after if after[key] != before[key]} == {"session-secret"}


async def test_users_go_at_their_end_and_no_request_fails(vaulted: OpenVault):
    """Longer than a user lives: every one of the first is gone, and each service has another."""
    system = vaulted.system
    first = {store: users(vaulted, store) for store in OWNERS}
    began = time.monotonic()
    async with load(f"{system.url('api-gateway')}/api/products", pause_s=1.0) as made:
        for store, known in first.items():
            await until(
                lambda store=store, known=known: asyncio.to_thread(
                    lambda: not known & users(vaulted, store)
                ),
                LEASE_S + 2 * LATER_S,
            )
        lasted = time.monotonic() - began
        await purchase_at(system.url("api-gateway"))
    assert made.answers[200] > lasted
    assert not made.failed, made.answers
    for store in OWNERS:
        now = connected(vaulted, store)
        assert now
        assert not now & first[store]
    assert not any(system.restarts(service) for service in OWNERS.values())


async def test_another_replica_becomes_active_and_a_vault_that_is_away_takes_nothing(
    vaulted: OpenVault,
):
    system = vaulted.system
    (active,) = vaulted.active()
    system.cluster.kubectl("delete", "pod", active, cluster_vault.WHERE, "--wait=false")
    await until(
        lambda: asyncio.to_thread(lambda: vaulted.active() not in ([], [active])), 2 * LATER_S
    )
    vaulted.unseal(active)
    held = system.read("secret", "order-service-leased")["data"]
    with cluster_vault.away(vaulted):
        failed = ("wait", "externalsecret/order-service-leased", "--for=condition=Ready=False")
        await asyncio.to_thread(system.k, *failed, f"--timeout={LEASE_S}s")
        assert system.read("secret", "order-service-leased")["data"] == held
        await purchase_at(system.url("api-gateway"))
    again = ("wait", "externalsecret/order-service-leased", "--for=condition=Ready")
    await asyncio.to_thread(system.k, *again, f"--timeout={LEASE_S}s")
    await purchase_at(system.url("api-gateway"))
