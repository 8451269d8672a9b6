"""What the policies let through, computed from the objects alone, is what the model declares."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from demo_system import DEMO, demo
from objects import Data, named, objects, objects_of, pods_in, pods_of, selects
from rendered import KINDS, RENDERERS, TYPICAL, plan_of

from tarmac.plan.deploy import deploy
from tarmac.plan.spans import trace_receiver
from tarmac.render.collect import artifacts

every = pytest.mark.parametrize(("system", "environment"), TYPICAL)


@dataclass(frozen=True)
class End:
    """One end of a connection: a pod somewhere, or an address outside the cluster."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    address: str = ""


def _peer(peer: Data, end: End, here: str) -> bool:
    """Tell whether a peer of a rule is that end (kubernetes.io: NetworkPolicyPeer)."""
    if "ipBlock" in peer:
        # A pod's address is in none of them as far as a policy is concerned.
        if not end.address:
            return False
        address = ipaddress.ip_address(end.address)
        block = peer["ipBlock"]
        return address in ipaddress.ip_network(block["cidr"]) and not any(
            address in ipaddress.ip_network(excluded) for excluded in block.get("except", [])
        )
    if end.address:
        return False
    if "namespaceSelector" in peer:
        there = {"kubernetes.io/metadata.name": end.namespace}
        if not selects(peer["namespaceSelector"], there):
            return False
    elif end.namespace != here:
        return False
    return selects(peer.get("podSelector", {}), dict(end.labels))


class Policies:
    """The policies of a cluster, by the pod and the direction that they are for."""

    def __init__(self, found: list[Data]) -> None:
        self._found = [manifest for manifest in found if manifest["kind"] == "NetworkPolicy"]
        self._of: dict[tuple[End, str], list[Data]] = {}

    def of(self, pod: End, way: str) -> list[Data]:
        if (pod, way) not in self._of:
            self._of[pod, way] = [
                manifest["spec"]
                for manifest in self._found
                if manifest["metadata"]["namespace"] == pod.namespace
                and way in manifest["spec"]["policyTypes"]
                and selects(manifest["spec"]["podSelector"], dict(pod.labels))
            ]
        return self._of[pod, way]


def _lets(policies: Policies, pod: End, way: str, other: End, port: int, protocol: str) -> bool:
    """Tell whether the policies of one pod let a connection through in one direction."""
    mine, peers = policies.of(pod, way), "from" if way == "Ingress" else "to"
    return not mine or any(
        any(_peer(peer, other, pod.namespace) for peer in rule[peers])
        for spec in mine
        for rule in spec.get(way.lower(), [])
        if {"protocol": protocol, "port": port} in rule["ports"]
    )


def connects(policies: Policies, source: End, target: End, port: int, protocol="TCP") -> bool:
    """Tell whether a connection is let out by its source and in by its target."""
    out = bool(source.address) or _lets(policies, source, "Egress", target, port, protocol)
    return out and (
        bool(target.address) or _lets(policies, target, "Ingress", source, port, protocol)
    )


def ends_of(system, environment) -> dict[str, End]:
    plan = plan_of(system, environment)
    return {
        pods.name: End(plan.namespace, tuple(pods.labels.items()))
        for pods in pods_of(system, environment)
    }


def ports_of(plan) -> set[int]:
    found = {port for workload in plan.workloads for port in workload.ports.values()}
    return found | {store.port for store in plan.managed} | {22, 80, 443, 8080, 9090}


@every
@pytest.mark.parametrize("side", ["both", "Ingress", "Egress"])
def test_pods_connect_to_each_other_exactly_as_declared(system, environment, side):
    """Each side alone says the same: one that is wrong is not made good by the other."""
    plan = plan_of(system, environment)
    policies = Policies(objects_of(system, environment))
    ends = ends_of(system, environment)

    def works(source: str, target: str, port: int) -> bool:
        if side == "both":
            return connects(policies, ends[source], ends[target], port)
        one, other = (target, source) if side == "Ingress" else (source, target)
        return _lets(policies, ends[one], side, ends[other], port, "TCP")

    found = {
        (source, target, port)
        for source in ends
        for target in ends
        for port in ports_of(plan)
        if source != target and works(source, target, port)
    }
    declared = {
        (edge.source, edge.target, edge.port)
        for edge in plan.allowed
        if edge.source != "world" and edge.target_role in ("service", "store", "broker")
    }
    workloads = {workload.name for workload in plan.workloads}
    assert {edge for edge in found if edge[0] in workloads} == declared
    # What runs to its end beside a workload reaches some of what that does, or the store it is for.
    for source, target, port in found:
        if source not in workloads:
            owner = next(name for name in workloads if source.startswith(f"{name}-"))
            assert target == owner or (owner, target, port) in declared


@every
def test_from_other_namespaces_come_only_the_world_and_monitoring(system, environment):
    plan = plan_of(system, environment)
    policies = Policies(objects_of(system, environment))
    ends = ends_of(system, environment)
    public = {(e.target, e.port) for e in plan.allowed if e.source == "world"}
    measured = {(e.name, e.metrics) for e in plan.workloads if e.metrics is not None}
    entry, monitoring = plan.settings.ingress.namespace, plan.settings.monitoring
    for namespace, wanted in ((entry, public), (monitoring, measured), ("default", set())):
        come = {
            (name, port)
            for name, end in ends.items()
            for port in ports_of(plan)
            if connects(policies, End(namespace), end, port)
        }
        assert come == wanted, namespace


@every
def test_every_pod_finds_names_and_only_services_reach_telemetry(system, environment):
    plan = plan_of(system, environment)
    policies = Policies(objects_of(system, environment))
    dns = End("kube-system", (("k8s-app", "kube-dns"),))
    istiod = End("istio-system", (("app", "istiod"),))
    services = {service.name for service in plan.services}
    for name, end in ends_of(system, environment).items():
        assert connects(policies, end, dns, 53, "UDP")
        assert connects(policies, end, dns, 53)
        assert not connects(policies, end, End("kube-system"), 443)
        telemetry = {
            port for port in (4317, 4318, 9090) if connects(policies, end, End("monitoring"), port)
        }
        # Where nothing takes spans there is nothing to send them to.
        taken = trace_receiver(plan.settings) and name in services
        assert telemetry == ({4317, 4318} if taken else set())
        assert connects(policies, end, istiod, 15012) is (plan.settings.mesh == "istio")
        assert not connects(policies, end, istiod, 15010)


@every
def test_managed_servers_are_reached_in_their_network_and_the_internet_is_not(system, environment):
    plan = plan_of(system, environment)
    policies = Policies(objects_of(system, environment))
    server = End(address=str(next(ipaddress.ip_network(plan.settings.network).hosts())))
    internet, credentials = End(address="93.184.216.34"), End(address="169.254.169.254")
    outside = {e.source for e in plan.allowed if e.target_role == "external"}
    ends = ends_of(system, environment)
    for workload in plan.workloads:
        end = ends[workload.name]
        reached = {p for p in (*ports_of(plan), 443) if connects(policies, end, server, p)}
        known = plan.settings.api_server
        keys = {known.port} if workload.caller_keys else set()
        managed = {
            e.port for e in plan.allowed if e.source == workload.name and e.target_role == "managed"
        }
        # Without a network of its own the API server is in the same one.
        assert reached == managed | (keys if known.network is None else set())
        own = ipaddress.ip_network(known.network or plan.settings.network)
        api_server = End(address=str(next(own.hosts())))
        asks = connects(policies, end, api_server, known.port)
        assert asks is (workload.caller_keys or known.port in managed)
        assert connects(policies, end, internet, 443) is (workload.name in outside)
        assert not connects(policies, end, credentials, 80)


def test_what_is_called_outside_is_the_internet_and_no_network_of_ones_own():
    more = """
    externals: {bank: {hosts: [api.bank.example], port: 8443}}
    environments: {kind: {}}
    """
    calling = DEMO.replace(
        "        port: 8000\n", "        port: 8000\n        externals: [bank]\n"
    )
    found = objects(artifacts(deploy(demo(calling + more), "kind", KINDS), RENDERERS))
    policies = Policies(found)
    ends = {p.name: End("demo", tuple(p.labels.items())) for p in pods_in(found)}
    caller, other = ends["product-service"], ends["order-service"]
    internet = End(address="93.184.216.34")
    assert connects(policies, caller, internet, 8443)
    assert not connects(policies, caller, internet, 443)
    assert not connects(policies, other, internet, 8443)
    for address in ("10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "169.254.169.254"):
        assert not connects(policies, caller, End(address=address), 8443)


def test_user_service_of_the_shop_has_the_edges_that_its_roadmap_lists():
    policies = Policies(objects_of("shop", "production"))
    ends = ends_of("shop", "production")
    me, prometheus = ends["user-service"], End("monitoring", (("app", "prometheus"),))
    postgres = redis = End(address="10.0.12.7")
    assert connects(policies, ends["api-gateway"], me, 3001)
    # Its metrics are on the port that it serves; the roadmap's 9090 is Prometheus's own.
    assert connects(policies, prometheus, me, 3001)
    assert not connects(policies, prometheus, me, 9090)
    assert not connects(policies, ends["storefront"], me, 3001)
    assert connects(policies, me, postgres, 5432)
    assert connects(policies, me, redis, 6379)
    assert not connects(policies, me, End(address="93.184.216.34"), 443)
    assert connects(policies, me, ends["broker"], 5672)
    assert not connects(policies, me, ends["broker"], 15672)


@every
def test_everything_is_closed_where_no_policy_opens_it(system, environment):
    closed = named(system, environment, "NetworkPolicy", "default-deny")["spec"]
    assert closed == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_the_evaluator_takes_a_pod_without_a_policy_for_open_and_a_closed_one_for_closed():
    shut = {
        "kind": "NetworkPolicy",
        "metadata": {"namespace": "here"},
        "spec": {"podSelector": {"matchLabels": {"a": "b"}}, "policyTypes": ["Ingress"]},
    }
    one, other = End("here", (("a", "b"),)), End("here")
    assert connects(Policies([shut]), one, other, 80)
    assert not connects(Policies([shut]), other, one, 80)
    assert connects(Policies([]), other, one, 80)


@pytest.mark.parametrize(
    "service", [workload.name for workload in plan_of("trading", "production").services]
)
def test_errors_of_tradings_services_get_out_to_sentry_and_its_laptop_sends_none(service):
    """What a policy lets out, what the image holds, and where the address is given agree."""
    production, kind = plan_of("trading", "production"), plan_of("trading", "kind")
    (host,) = production.externals["sentry"]
    sent = "".join(map(str, production.workload(service).env["SENTRY_DSN"].value))
    assert urlsplit(sent).hostname == host
    assert "sentry" in production.workload(service).extras
    policies = Policies(objects_of("trading", "production"))
    end = ends_of("trading", "production")[service]
    assert connects(policies, end, End(address="93.184.216.34"), 443)
    assert "".join(map(str, kind.workload(service).env["SENTRY_DSN"].value)) == ""
