"""Compose files of all five systems: properties that hold whatever a system has in it."""

from __future__ import annotations

import re

import pytest
from rendered import artifacts_of, plan_of, system_of

from tarmac.base.artifact import write
from tarmac.base.launch import Secret
from tarmac.plan.cluster import secrets_of
from tarmac.render.compose.parts import values as _compose

SYSTEMS = ("hello-dd", "shop", "starter", "trading", "travel")
pytestmark = pytest.mark.parametrize("system", SYSTEMS)


def file(system: str, name: str):
    found = {artifact.path: artifact for artifact in artifacts_of(system, "compose")}
    return found[f"compose/{name}"]


def services(system: str, name: str = "compose.yaml"):
    return file(system, name).data["services"]


def test_an_environment_for_compose_has_no_kubernetes_objects_and_a_cluster_no_compose(system):
    paths = {artifact.path.split("/")[0] for artifact in artifacts_of(system, "compose")}
    assert paths == {"compose", "containers"}
    for name, other in system_of(system).file.environments.items():
        if other.target == "cluster":
            assert "compose" not in {e.path.split("/")[0] for e in artifacts_of(system, name)}


def test_no_secret_has_a_value_or_a_default_and_the_script_makes_each(system):
    plan = plan_of(system, "compose")
    text = write(file(system, "compose.yaml"), "")
    used = set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", text))
    assert used == {_compose.variable(s) for w in plan.workloads for s in secrets_of(w)}
    assert not re.findall(r"(?<!\$)\$\{[A-Z0-9_]+\}|(?<!\$)\$\{[A-Z0-9_]+:?-", text)
    made = set(re.findall(r"add ([A-Z0-9_]+) ", write(file(system, "secrets.sh"), "")))
    assert used < made


def test_two_secrets_never_have_one_variable(system):
    secrets = {s for w in plan_of(system, "compose").workloads for s in secrets_of(w)}
    assert len({_compose.variable(s) for s in secrets}) == len({s.path for s in secrets})
    assert _compose.variable(Secret("stores/a-b/c")) == "STORES_A_B_C"


def test_every_service_is_locked_down_and_has_the_plans_user_and_image(system):
    for workload in plan_of(system, "compose").workloads:
        service = services(system)[workload.name]
        assert service["image"] == workload.image
        assert service["user"] == f"{workload.user}:{workload.user}"
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        if workload.role == "service":
            assert service["read_only"] is True


def test_every_dependency_and_network_and_file_is_there(system):
    data = file(system, "compose.yaml").data
    known = data["services"]
    for name, service in known.items():
        for other, condition in service.get("depends_on", {}).items():
            assert other in known, name
            healthy = condition["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in known[other], f"{name} waits for ever"
        for network in service.get("networks", ()):
            assert network in data["networks"]
        for mounted in service.get("configs", ()):
            assert mounted["source"] in data["configs"]
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in data["volumes"]


def test_whoever_has_an_edge_shares_a_network_and_a_store_is_on_its_own_alone(system):
    plan = plan_of(system, "compose")
    known = services(system)
    for edge in plan.allowed:
        if edge.source in known and edge.target in known:
            assert edge.target in known[edge.source]["networks"]
            assert edge.target in known[edge.target]["networks"]
    for store in plan.stores:
        assert known[store.name]["networks"] == [store.name]


def test_a_profile_brings_a_service_and_all_that_it_waits_for(system):
    known = services(system)
    for name, service in known.items():
        for profile in service.get("profiles", ()):
            for other in service.get("depends_on", {}):
                wanted = known[other].get("profiles")
                assert wanted is None or profile in wanted, f"{profile}: {name} needs {other}"


def test_the_rehearsal_opens_the_entrys_ports_alone_and_mounts_no_source(system):
    final = services(system, "compose.prod.yaml")
    entry = {service.name for service in plan_of(system, "compose").services if service.routes}
    assert {name for name, service in final.items() if "ports" in service} == entry
    assert not [
        name for name, service in final.items() if "volumes" in service or "build" in service
    ]


def test_a_developers_ports_are_on_loopback_and_none_is_given_twice(system):
    ports = [p for e in services(system, "compose.override.yaml").values() for p in e["ports"]]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}
    given = [port["published"] for port in ports if "published" in port]
    assert len(given) == len(set(given))
    for workload in plan_of(system, "compose").services:
        if workload.name in ("api-gateway", "storefront", "web-ui", "frontend"):
            assert str(next(iter(workload.ports.values()))) in given


def test_a_service_whose_sources_are_mounted_ends_at_once(system):
    override = services(system, "compose.override.yaml")
    mounted = {name: service for name, service in override.items() if "develop" in service}
    assert mounted
    for name, service in mounted.items():
        assert service["environment"] == {"DRAIN_DELAY_S": "0"}, name


def test_every_database_has_a_volume_of_its_own(system):
    """`down` keeps a named volume and `down -v` removes it; a folder of this machine is neither."""
    data = file(system, "compose.yaml").data
    kept = {store.name for store in plan_of(system, "compose").stores if "data" in store.volumes}
    assert kept
    sources = {name: _volume_at_data(data["services"][name], name) for name in kept}
    assert sources == {name: f"data-{name}" for name in kept}
    assert set(sources.values()) <= data["volumes"].keys()


def _volume_at_data(service, name):
    return next(v.split(":")[0] for v in service["volumes"] if v.startswith("data-"))
