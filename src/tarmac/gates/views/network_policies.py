"""What NetworkPolicies let through, by the rules of networking.k8s.io/v1."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Subject
from tarmac.gates.views.objects import NAME, Selectors, dig, running, selects

#: A documentation address (RFC 5737) stands for the internet.
OUTSIDE = "203.0.113.7"
#: The label that every namespace has of itself.
NAMESPACE = "kubernetes.io/metadata.name"
#: A block of one documentation address stands for no network.
NOWHERE = "192.0.2.0/32"
WORLD, MONITORING = "world", "monitoring"


@dataclass(frozen=True)
class Peer:
    """One end of a connection: a pod, or an address outside the cluster."""

    name: str
    #: Its labels; None: a pod whose labels are not ours to know.
    labels: Mapping[str, str] | None = None
    namespace: str = ""
    address: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)


def peers_of(subject: Subject) -> dict[str, Peer]:
    """List both ends of every edge: workloads, what lets the world in, what is elsewhere."""
    plan, keeping = subject.plan, running(subject)
    found = {WORLD: Peer("the ingress", None, plan.settings.ingress.namespace)}
    found[MONITORING] = Peer("the monitoring", None, plan.settings.monitoring)
    for workload in plan.workloads:
        own = keeping.get(workload.name)
        labels = own.labels if own else {NAME: workload.name}
        ports = {**workload.ports, **(own.ports if own else {})}
        found[workload.name] = Peer(workload.name, labels, plan.namespace, ports=ports)
    inside = plan.settings.network.partition("/")[0]
    found |= {store.name: Peer(store.name, address=inside) for store in plan.managed}
    return found | {name: Peer(name, address=OUTSIDE) for name in plan.externals}


class Policies:
    """All policies of a tree, asked about one connection at a time."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._selectors = Selectors(artifacts, "spec", "podSelector")
        self._of: dict[str, list[Mapping[str, Any]]] = {}

    def holds(self, source: Peer, target: Peer, port: int) -> str:
        """Tell whose policies do not let a connection through; empty if it passes."""
        for own, other, direction in ((source, target, "Egress"), (target, source, "Ingress")):
            if not self._passes(own, other, direction, port, target.ports):
                return own.name
        return ""

    def entering(self, target: Peer, peers: Mapping[str, Peer]) -> Iterator[str]:
        """Yield the names of the peers that its own policies may let in; all where none holds it.

        Args:
            peers: the pods by the name that most policies know them by.
        """
        spaces: dict[str, list[str]] = {}
        specs = [spec for spec in self._held(target) if "Ingress" in _types(spec)]
        rules = [rule for spec in specs for rule in spec.get("ingress") or ()]
        for ends in [rule.get("from") for rule in rules] if specs else [None]:
            for end in ends or (None,):
                plain = dig(end, "podSelector", "matchLabels") or {}
                named = [value for value in plain.values() if value in peers]
                space = dig(end, "namespaceSelector")
                if space is None:
                    yield from named or peers
                    continue
                for name, peer in peers.items() if not spaces else ():
                    spaces.setdefault(peer.namespace, []).append(name)
                for place, names in spaces.items():
                    if selects(space, {NAMESPACE: place}):
                        yield from named or names

    def _held(self, peer: Peer) -> list[Mapping[str, Any]]:
        """List what the policies that hold a pod say."""
        if peer.labels is None or peer.address:
            return []
        if peer.name not in self._of:
            found = self._selectors.of(peer.labels)
            own = [e for e in found if dig(e.data, "metadata", "namespace") == peer.namespace]
            self._of[peer.name] = [policy.data.get("spec") or {} for policy in own]
        return self._of[peer.name]

    def _passes(
        self, own: Peer, other: Peer, direction: str, port: int, names: Mapping[str, int]
    ) -> bool:
        key, end = ("egress", "to") if direction == "Egress" else ("ingress", "from")
        isolated = False
        for spec in self._held(own):
            if direction not in _types(spec):
                continue
            isolated = True
            for rule in spec.get(key) or ():
                if _on(rule.get("ports"), port, names) and _with(rule.get(end), other, own):
                    return True
        return not isolated


def _types(spec: Mapping[str, Any]) -> Any:
    return spec.get("policyTypes") or ["Ingress", *(["Egress"] if "egress" in spec else [])]


def _on(ports: Any, port: int, names: Mapping[str, int]) -> bool:
    if not ports:
        return True
    for allowed in ports:
        if allowed.get("protocol", "TCP") != "TCP":
            continue
        first = allowed.get("port")
        first = names.get(first) if isinstance(first, str) else first
        if "port" not in allowed or (first and first <= port <= allowed.get("endPort", first)):
            return True
    return False


def _with(rules: Any, other: Peer, own: Peer) -> bool:
    return not rules or any(_is(rule, other, own.namespace) for rule in rules)


def _is(rule: Mapping[str, Any], other: Peer, namespace: str) -> bool:
    if "ipBlock" in rule:
        if not other.address:
            return False
        address = ipaddress.ip_address(other.address)
        block = rule["ipBlock"]
        return address in ipaddress.ip_network(block.get("cidr", NOWHERE)) and not any(
            address in ipaddress.ip_network(excluded) for excluded in block.get("except") or ()
        )
    if other.address:
        return False
    if "namespaceSelector" in rule:
        if not selects(rule["namespaceSelector"], {NAMESPACE: other.namespace}):
            return False
    elif other.namespace != namespace:
        return False
    # Whose labels are not ours to know is taken to have them.
    return other.labels is None or selects(rule.get("podSelector"), other.labels)
