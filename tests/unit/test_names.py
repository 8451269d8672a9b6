"""Names by which programs reach what they use: each edge has an address of its own."""

from __future__ import annotations

from dataclasses import replace

from demo_system import KINDS, KIT_SERVICES, demo, facts_for
from repository import found_in, text_of

from tarmac.plan.facts import RunShape
from tarmac.plan.resolve import resolve
from tarmac.run.local.host.hosts_file import hosts_file

NAMED = (
    """
    tarmac: 1
    system: demo
    hosts: true
    services:
      web: {run: [node, web.js], port: 8080, calls: [api], stores: {c: cache}}
      desk: {run: [node, desk.js], port: 8081, calls: [api]}
      api: {run: [node, api.js], ports: {http: 8082, admin: 9000}, image_port: 80}
"""
    + KIT_SERVICES
    + """\
    stores: {cache: redis, orders-db: postgres}
    broker: nats
    """
)


def plan_of(text: str = NAMED, **facts):
    system = demo(text)
    return resolve(system, "local", replace(facts_for(system), **facts), KINDS)


def named(plan):
    return {wire.id: wire.named for wire in plan.wires if wire.named}


def test_a_program_sees_what_it_uses_at_the_ports_that_each_has_elsewhere():
    plan = plan_of()
    web = plan.node("web").launch.hosts
    assert set(web) == {"api", "cache"}
    assert named(plan)["web->api:http"] == ((web["api"], 80), (web["api"], 8082))
    assert named(plan)["web->api:admin"] == ((web["api"], 9000),)
    assert named(plan)["web->cache:main"] == ((web["cache"], 6379),)
    assert all(address.startswith("127.") and address != "127.0.0.1" for address in web.values())


def test_a_store_has_its_name_with_either_line_and_a_broker_the_one_of_its_kind():
    text = NAMED.replace("{c: cache}}", "{c: orders-db}, env: {Q: '${broker.url}'}}")
    web = plan_of(text).node("web").launch.hosts
    assert set(web) == {"api", "orders-db", "orders_db", "broker", "nats"}
    assert web["orders-db"] == web["orders_db"]
    assert web["broker"] == web["nats"]


def test_a_store_that_is_looked_for_at_another_port_is_found_there_by_its_name_too():
    text = NAMED.replace("cache: redis", "cache: {kind: redis, local: {port: 16380}}")
    plan = plan_of(text)
    web = plan.node("web").launch.hosts
    assert {(web["cache"], 6379), (web["cache"], 16380)} < {*named(plan)["web->cache:main"]}


def test_a_store_and_a_broker_have_the_name_besides_their_own_that_programs_know():
    text = NAMED.replace("cache: redis", "cache: {kind: redis, local: {host: fast}}")
    text = text.replace("broker: nats", "broker: {kind: nats, local: {host: queue}}")
    text = text.replace("stores: {c: cache}}", "stores: {c: cache}, env: {Q: '${broker.url}'}}")
    web = plan_of(text).node("web").launch.hosts
    assert web["fast"] == web["cache"]
    assert web["queue"] == web["broker"] == web["nats"]


def test_each_user_has_an_address_of_its_own_and_so_has_each_copy():
    plan = plan_of()
    web, desk = plan.node("web").launch.hosts, plan.node("desk").launch.hosts
    assert web["api"] != desk["api"]
    assert plan_of().node("web").launch.hosts == web
    assert plan_of(home="/elsewhere").node("web").launch.hosts["api"] != web["api"]


def test_services_of_the_kit_runs_without_wires_and_systems_that_do_not_ask_have_none():
    plan = plan_of()
    assert plan.node("order-service").launch.hosts == {}
    assert not any(name.startswith("order-service") for name in named(plan))
    for other in (
        plan_of(NAMED.replace("hosts: true", "hosts: false")),
        plan_of(shape=RunShape(direct=True)),
    ):
        assert named(other) == {}
        assert other.node("web").launch.hosts == {}


def test_init_gives_names_to_code_that_has_them_and_says_what_names_cannot_do():
    compose = """
    services:
      web: {build: web, ports: ["8080:3000"]}
      api: {build: api, ports: ["9000:3000"]}
      db: {image: postgres}
    """
    code = {f"{name}/package.json": '{"scripts": {"start": "x"}}' for name in ("web", "api")}
    server = "app.listen(process.env.PORT)\n"
    files = {
        "compose.yaml": compose,
        **code,
        "web/s.js": f"{server}fetch('http://api:3000/x')\n",
        "api/s.js": f"{server}connect('postgres://a:b@db:5432/x')\nfetch('http://web:3000')\n",
    }
    found = found_in(**files)
    services = {service.name: service for service in found.services}
    written = text_of(found)
    assert "hosts: true # programs reach what they use by its name" in written
    assert (services["web"].calls, services["web"].to_do) == (("api",), ())
    assert services["api"].calls == (), "web waits for it already"
    (waits,) = services["api"].to_do
    assert waits.startswith("s.js:3 connects to the host 'web' by itself")
    assert found.stores[0].known.login == ("a", "b"), "the code knows the login of what it names"


def test_what_containers_call_their_machine_is_this_one_unless_a_program_has_that_name():
    lines = hosts_file({"api": "127.64.0.1"}).splitlines()
    assert {"127.64.0.1 api", "127.0.0.1 host.docker.internal"} <= set(lines)
    lines = hosts_file({"host.docker.internal": "127.64.0.1"}).splitlines()
    assert "127.64.0.1 host.docker.internal" in lines
    assert "127.0.0.1 host.docker.internal" not in lines
