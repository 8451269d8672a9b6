"""`resolve` is pure: the same model and facts give the same plan, with every name in it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from demo_system import DEMO, KINDS, demo, facts_for
from hypothesis import given
from hypothesis import strategies as st

from tarmac.base.errors import BadInput, MissingTool
from tarmac.base.launch import HttpProbe, Secret, TcpProbe, redact, reveal, text
from tarmac.model.reference import Reference, split
from tarmac.plan import graph
from tarmac.plan.facts import RunShape
from tarmac.plan.resolve import resolve


def plan_of(main: str = DEMO, **changes):
    system = demo(main)
    return resolve(system, "local", facts_for(system, **changes), KINDS)


def env_of(plan, name: str) -> dict[str, str]:
    return {key: redact(value) for key, value in plan.node(name).launch.env.items()}


def test_the_same_input_gives_the_same_plan():
    assert plan_of() == plan_of()


DIRECT = RunShape(direct=True)


def test_a_kit_service_gets_every_address_and_credential_by_reference():
    env = env_of(plan_of(shape=DIRECT), "order-service")
    database = "postgresql://order_service:<secret stores/orders-db/order-service>@127.0.0.1:"
    assert env.pop("DATABASE_URL").startswith(database)
    assert env.pop("REDIS_URL").startswith("redis://order_service:<secret stores/cache/order-")
    assert env.pop("BROKER_URL").startswith("nats://order_service:<secret stores/broker/order-")
    assert env == {
        "PATH": "/bin",
        "PYTHONUNBUFFERED": "1",
        "SERVICE_NAME": "order-service",
        "HOST": "127.0.0.1",
        "PORT": "3003",
        "DRAIN_DELAY_S": "0",
        "PRODUCT_SERVICE_URL": "http://127.0.0.1:8000",
        "PRODUCT_SERVICE_TIMEOUT_S": "2.5",
        "PRODUCT_SERVICE_RETRIES": "3",
        "CATALOG_URL": "http://127.0.0.1:8000",
        "CATALOG_TIMEOUT_S": "2.5",
        "CATALOG_RETRIES": "3",
        "PUBLISHES": "order.placed",
        "CONSUMES": "payment.captured",
        "SIGNING_SECRET": "<secret services/order-service/SIGNING_SECRET>",
        "JWT_ISSUER": "https://demo.example.com",
        "JWKS_URL": "http://127.0.0.1:8000/keys",
    }


def test_a_foreign_service_is_bound_by_its_references():
    env = env_of(plan_of(shape=DIRECT), "web")
    assert env["ORDERS"] == "http://127.0.0.1:3003/orders"
    assert env["STORE"].startswith("postgresql://web:<secret stores/orders-db/web>@127.0.0.1:")
    assert plan_of().node("web").after == ("order-service", "orders-db")


def test_with_wires_everybody_connects_to_a_port_of_the_edge_and_instances_listen_on_their_own():
    plan = plan_of()
    wires = {(wire.source, wire.target, wire.port): wire.listen for wire in plan.wires}
    env = env_of(plan, "order-service")
    called = wires["order-service", "product-service", "http"]
    assert env["PRODUCT_SERVICE_URL"] == f"http://127.0.0.1:{called}"
    assert f":{wires['order-service', 'orders-db', 'main']}/orders" in env["DATABASE_URL"]
    assert env_of(plan, "web")["STORE"] != env["DATABASE_URL"]
    assert wires["world", "order-service", "http"] == 3003
    node = plan.node("order-service")
    assert node.url == "http://localhost:3003"
    assert env["PORT"] == str(node.ports["http"]) != "3003"
    assert node.launch.ready == HttpProbe(node.ports["http"], "/health/ready")
    listening = [*wires.values(), *(port for node in plan.nodes for port in node.ports.values())]
    assert len(listening) == len(set(listening))


def test_instances_share_everything_but_their_port_and_stand_in_different_zones():
    plan = plan_of(shape=RunShape(scale={"order-service": 3}))
    first, second, third = plan.instances("order-service")
    assert (first.name, second.name, third.name) == (
        "order-service",
        "order-service.2",
        "order-service.3",
    )
    assert len({node.zone for node in (first, second, third)}) == 3
    ours, other = env_of(plan, "order-service"), env_of(plan, "order-service.2")
    assert ours.pop("PORT") != other.pop("PORT")
    assert ours == other
    ports = facts_for(demo(), shape=RunShape(scale={"order-service": 3})).ports
    assert plan_of(ports=ports).node("order-service") == first


def test_several_instances_need_wires_and_a_port_that_can_be_given():
    with pytest.raises(BadInput, match="cannot have 2 instances here"):
        plan_of(shape=RunShape(direct=True, scale={"order-service": 2}))
    fixed = DEMO.replace("port: 8080", "port: 8080\n        listen: fixed")
    with pytest.raises(BadInput, match="it listens on a fixed port"):
        plan_of(fixed, shape=RunShape(scale={"web": 2}))


def test_a_service_with_a_fixed_port_listens_there_and_its_users_still_have_wires():
    fixed = DEMO.replace("port: 3003", "port: 3003\n        listen: fixed")
    plan = plan_of(fixed)
    assert plan.node("order-service").ports == {"http": 3003}
    sources = {wire.source for wire in plan.wires if wire.target == "order-service"}
    assert sources == {"web"}


def test_every_variable_says_where_it_comes_from():
    origins = plan_of().node("order-service").origins
    assert set(origins) == set(env_of(plan_of(), "order-service"))
    assert origins["JWKS_URL"].startswith("systems/demo/tarmac.yaml:")
    assert origins["SIGNING_SECRET"].startswith("systems/demo/services/orders/service.yaml:")
    assert origins["PATH"] == "your shell"


def test_tasks_are_nodes_that_a_service_waits_for_or_that_have_a_schedule():
    tasks = "tasks: {migrate: {run: [migrate]}, sweep: {run: [sweep], schedule: '*/5 * * * *'}}"
    plan = plan_of(DEMO.replace("port: 8080", f"port: 8080\n        {tasks}"))
    assert "web.migrate" in plan.node("web").after
    assert plan.node("web.migrate").after == ("orders-db",)
    assert plan.node("web.sweep").schedule == "*/5 * * * *"
    assert plan.node("web.sweep").launch.env == plan.node("web").launch.env


def test_a_volume_is_a_folder_of_the_copy_or_the_path_that_the_code_knows():
    volumes = "volumes: {uploads: var/uploads, cache: var/cache}"
    main = DEMO.replace("port: 8080", f"port: 8080\n        {volumes}")
    main = main.replace(
        "          STORE:", "          UPLOADS: ${volumes.uploads.path}\n          STORE:"
    )
    plan = plan_of(main, home="/srv/demo/.tarmac/test")
    ours = "/srv/demo/.tarmac/test/volumes/web/uploads"
    assert env_of(plan, "web")["UPLOADS"] == ours
    assert plan.node("web").launch.folders == (ours, "/srv/demo/var/cache")


def test_a_secret_that_the_system_lists_is_one_for_all_that_list_it():
    main = DEMO.replace("    services:\n", "    secrets: [SESSION]\n    services:\n")
    main = main.replace("port: 8080", "port: 8080\n        secrets: [SESSION, OWN]")
    main = main.replace("port: 8000", "port: 8000\n        secrets: [SESSION, OWN]")
    plan = plan_of(main)
    web, products = env_of(plan, "web"), env_of(plan, "product-service")
    assert web["SESSION"] == products["SESSION"] == "<secret shared/SESSION>"
    assert web["OWN"] != products["OWN"]
    with pytest.raises(BadInput, match="no service lists the shared secret SESSION"):
        demo(DEMO.replace("    services:\n", "    secrets: [SESSION]\n    services:\n"))


def test_a_public_address_is_passed_without_waiting_for_its_service():
    main = DEMO.replace("port: 8000", "port: 8000\n        env: {A: '${services.web.public_url}'}")
    plan = plan_of(main)
    assert env_of(plan, "product-service")["A"] == "http://localhost:8080"
    assert plan.node("product-service").needs == ()
    assert ("product-service", "web") not in {(wire.source, wire.target) for wire in plan.wires}


def test_what_reads_its_settings_as_python_starts_is_not_forked():
    assert plan_of().node("order-service").launch.forked is not None
    isolated = DEMO.replace("port: 3003", "port: 3003\n        isolated: true")
    assert plan_of(isolated).node("order-service").launch.forked is None
    variable = DEMO.replace("env: {JWKS_URL", 'env: {PYTHONHASHSEED: "1", JWKS_URL')
    assert plan_of(variable).node("order-service").launch.forked is None
    for_all = DEMO.replace("JWT_ISSUER: ", 'PYTHONHASHSEED: "1"\n      JWT_ISSUER: ')
    assert plan_of(for_all).node("order-service").launch.forked is None


def test_a_kit_service_starts_with_its_callees_but_is_healthy_only_after_them():
    node = plan_of().node("order-service")
    assert node.after == ("broker", "cache", "orders-db")
    assert node.needs == ("broker", "cache", "orders-db", "product-service")


def test_kit_services_are_probed_by_their_health_and_workers_have_a_port_that_nobody_is_given():
    plan = plan_of(shape=DIRECT)
    assert plan.node("order-service").launch.ready == HttpProbe(3003, "/health/ready")
    worker = plan.node("payment-service")
    assert worker.ports == {}
    assert worker.url == ""
    assert isinstance(worker.launch.ready, HttpProbe)
    assert isinstance(plan.node("web").launch.ready, TcpProbe)


def test_no_secret_is_ever_in_argv_and_every_secret_is_listed():
    plan = plan_of()
    for node in plan.nodes:
        assert all(isinstance(part, str) for part in node.launch.argv)
    paths = {secret.path for secret in plan.secrets}
    assert {
        "stores/orders-db/admin",
        "stores/orders-db/order-service",
        "stores/cache/admin",
    } <= paths
    assert Secret("services/order-service/SIGNING_SECRET", 32) in plan.secrets


def test_a_port_that_moved_and_a_version_that_differs_are_noted():
    system = demo()
    facts = facts_for(system)
    moved = {**facts.ports, "services/web/http": 8081}
    newer = DEMO.replace('version: "7"', 'version: "7.4"')
    plan = plan_of(newer, ports=moved, holders={8080: "pid 7 (node x.js)"})
    assert "web: port 8080 is taken by pid 7 (node x.js); its http port is 8081 here" in plan.notes
    assert any(note.startswith("cache: version 7.4 requested;") for note in plan.notes)
    assert plan.node("web").url == "http://localhost:8081"


def test_fast_stores_are_reported_and_trade_durability_for_speed():
    fast = plan_of(shape=RunShape(fast_stores=True))
    assert any("--fast-stores: postgres gives up fsync" in note for note in fast.notes)
    assert "fsync=off" in fast.node("orders-db").launch.argv
    assert not any("fsync=off" in part for part in plan_of().node("orders-db").launch.argv)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "orders-db: postgres",
            "orders-db: postgres\n      x: oracle",
            "store 'x' has unknown kind",
        ),
        ("broker: nats", "broker: natz", "unknown broker 'natz'; did you mean 'nats'?"),
        ("orders-db.url}", "orders-db.uri}", "has no output 'uri'; did you mean 'url'?"),
        ("order-service.url}", "order-service.adress}", "did you mean 'address'?"),
        ('version: "7"', "seed: x.sql", "a store of kind redis takes no seed"),
    ],
)
def test_what_only_the_catalogue_knows_is_reported_with_its_place(old, new, expected):
    main = DEMO.replace(old, new)
    with pytest.raises(BadInput, match=r"systems/demo/tarmac\.yaml:\d+:\d+: ") as caught:
        plan_of(main)
    assert expected in str(caught.value)


def test_kit_services_may_call_in_a_circle_because_they_wait_by_themselves():
    main = DEMO.replace("port: 8000", "port: 8000\n        env: {A: '${services.web.url}'}")
    assert "web" in plan_of(main).node("product-service").needs


def test_a_cycle_of_foreign_services_is_named_edge_by_edge():
    main = """
        tarmac: 1
        system: demo
        services:
          a: {run: [a], port: 8001, calls: [b]}
          b: {run: [b], port: 8002, calls: [a]}
        """
    with pytest.raises(BadInput) as caught:
        plan_of(main)
    here = "systems/demo/tarmac.yaml"
    assert str(caught.value) == (
        f"{here}:4:37: a cycle: a waits for b ({here}:4:37), b waits for a ({here}:5:37); "
        "remove one of these edges"
    )


def test_a_store_without_a_provider_says_how_to_get_one():
    with pytest.raises(MissingTool, match="no provider on this machine for PostgreSQL"):
        plan_of(offers={})


def test_references_are_split_and_dollars_can_be_escaped():
    assert split("a ${stores.db.url} $${b} ${system.name}") == (
        "a ",
        Reference("stores", "db", "url", "${stores.db.url}"),
        " ",
        "${",
        "b} ",
        Reference("system", "system", "name", "${system.name}"),
    )


def test_texts_merge_reveal_and_redact():
    value = text("a", "b", Secret("p"), text("c"))
    assert value == ("ab", Secret("p"), "c")
    assert reveal(value, {"p": "X"}) == "abXc"
    assert redact(value) == "ab<secret p>c"
    with pytest.raises(KeyError):
        reveal(value, {})


def test_a_thousand_that_wait_for_each_other_in_a_row_are_ordered():
    names = [f"s{number:04}" for number in range(1000)]
    after = {name: {following} for name, following in pairwise(names)}
    assert graph.cycle(after) == ()
    assert graph.waves({**after, names[-1]: set()}) == tuple((name,) for name in reversed(names))


NAMES = st.sampled_from("abcdefgh")


@given(st.dictionaries(NAMES, st.sets(NAMES, max_size=4), max_size=8))
def test_waves_respect_every_edge_or_a_cycle_is_named(after):
    if loop := graph.cycle(after):
        assert loop[0] == loop[-1]
        assert all(b in after[a] for a, b in pairwise(loop))
        return
    groups = graph.waves(after)
    position = {name: index for index, group in enumerate(groups) for name in group}
    assert sorted(position) == sorted(after)
    for name, befores in after.items():
        assert all(position[before] < position[name] for before in befores if before in after)
