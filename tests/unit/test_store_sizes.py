"""A store's server is as large as who uses it needs; on a laptop, where many stand, it is small."""

from __future__ import annotations

import pytest
from demo_system import DEMO, KINDS, demo, facts_for
from rendered import TYPICAL, plan_of

from tarmac.base.written import amount
from tarmac.plan.deploy import deploy
from tarmac.plan.resolve import resolve
from tarmac.plan.sizes import RESERVE

LAPTOP = "max_connections=50"


def planned(settings: str):
    return deploy(demo(f"{DEMO}\n    environments:\n      it: {settings}\n"), "it", KINDS)


def said(plan, name: str = "orders-db") -> dict[str, str]:
    argv = plan.workload(name).argv
    return dict(text.split("=", 1) for text in argv if "=" in text)


def mib(plan, kind: str, name: str = "orders-db") -> int:
    return int(amount(getattr(plan.workload(name).resources, kind)["memory"])) // 1024**2


@pytest.mark.parametrize(("system", "environment"), TYPICAL)
def test_every_server_accepts_what_its_services_may_open(system, environment):
    plan = plan_of(system, environment)
    for store in plan.stores:
        users = [user for user in plan.connects if user.store == store.name]
        assert (store.connections > 0) is bool(users)
        if users:
            assert store.connections >= sum(user.most for user in users) + RESERVE
            assert said(plan, store.name)["max_connections"] == str(store.connections)


def test_more_replicas_are_more_connections_and_the_memory_for_them():
    few, many = planned("{}"), planned("{replicas: {min: 3, max: 20, cpu: 70}}")
    services = {user.service for user in many.connects if user.store == "orders-db"}
    needed = len(services) * 21 * 12 + RESERVE
    accepted = int(said(many)["max_connections"])
    assert int(said(few)["max_connections"]) < needed <= accepted < needed + 50
    # Half of the memory is what the connections may come to, a quarter the server's own cache.
    assert mib(many, "limits") >= 2 * 8 * accepted
    assert int(said(many)["shared_buffers"].removesuffix("MB")) == mib(many, "limits") // 4
    assert mib(many, "requests") == mib(many, "limits") // 2


def test_a_smaller_pool_asks_for_fewer_connections():
    scale = "replicas: {min: 3, max: 20, cpu: 70}"
    small = "env: {order-service: {DATABASE_POOL_MAX: 2}}"
    by = {use.service: use.per_pod for use in planned(f"{{{scale}, {small}}}").connects}
    assert by["order-service"] == 4
    assert set(by.values()) == {4, 12}


def test_an_environment_may_say_each_size_itself():
    own = "{connections: 77, disk: 99Gi, resources: {limits: {memory: 4Gi}}}"
    plan = planned(f"{{disk: 5Gi, stores: {{orders-db: {own}}}}}")
    store = plan.workload("orders-db")
    assert (store.connections, store.disk, store.resources.limits) == (
        77,
        "99Gi",
        {"memory": "4Gi"},
    )
    assert (said(plan)["max_connections"], said(plan)["shared_buffers"]) == ("77", "1024MB")


def test_the_connections_of_a_server_of_the_clouds_are_what_the_environment_says():
    servers = "servers: {rds: [orders-db]}"
    assert [store.connections for store in planned(f"{{{servers}}}").managed] == [None]
    plan = planned(f"{{{servers}, stores: {{rds: {{connections: 400}}}}}}")
    assert [store.connections for store in plan.managed] == [400]


def test_a_laptops_server_stays_small():
    system = demo(DEMO)
    node = resolve(system, "local", facts_for(system), KINDS).node("orders-db")
    assert LAPTOP in node.launch.argv
    assert "shared_buffers=16MB" in node.launch.argv
