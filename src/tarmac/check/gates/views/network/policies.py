"""What NetworkPolicies let through, by the rules of networking.k8s.io/v1."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig
from tarmac.check.gates.views.network.peers import Peer
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy, PolicyPort
from tarmac.check.gates.views.objects.selectors import Selectors, labels_of, selects

#: The label that every namespace has of itself.
NAMESPACE = "kubernetes.io/metadata.name"
#: A block of one documentation address stands for no network.
NOWHERE = "192.0.2.0/32"


class Policies:
    """All policies of a tree, asked about one connection at a time."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._selectors = Selectors(artifacts, "podSelector")
        self._of: dict[str, list[NetworkPolicy]] = {}

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
        limiting = [policy for policy in self._held(target) if "Ingress" in policy.types]
        listed = [rule.peers for policy in limiting for rule in policy.ingress]
        for ends in listed if limiting else [()]:
            for end in ends or (None,):
                plain = labels_of(dig(end, "podSelector"))
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

    def _held(self, peer: Peer) -> list[NetworkPolicy]:
        """List the policies that hold a pod."""
        if peer.labels is None or peer.address:
            return []
        if peer.name not in self._of:
            found = map(NetworkPolicy, self._selectors.of(peer.labels))
            own = [policy for policy in found if policy.namespace == peer.namespace]
            self._of[peer.name] = own
        return self._of[peer.name]

    def _passes(
        self, own: Peer, other: Peer, direction: str, port: int, names: Mapping[str, int]
    ) -> bool:
        limiting = [policy for policy in self._held(own) if direction in policy.types]
        for policy in limiting:
            for rule in policy.egress if direction == "Egress" else policy.ingress:
                if _on(rule.ports, port, names) and _with(rule.peers, other, own):
                    return True
        return not limiting


def _on(ports: tuple[PolicyPort, ...], port: int, names: Mapping[str, int]) -> bool:
    if not ports:
        return True
    for opened in ports:
        if opened.protocol != "TCP":
            continue
        first = names.get(opened.first) if isinstance(opened.first, str) else opened.first
        last = first if opened.last is None else opened.last
        if opened.first is None or (first and last and first <= port <= last):
            return True
    return False


def _with(rules: tuple[Fields, ...], other: Peer, own: Peer) -> bool:
    return not rules or any(_is(rule, other, own.namespace) for rule in rules)


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Read a network as an API server does, which takes 10.10.0.0/0 for 0.0.0.0/0."""
    return ipaddress.ip_network(text, strict=False)


def _is(rule: Fields, other: Peer, namespace: str) -> bool:
    if "ipBlock" in rule:
        if not other.address:
            return False
        address = ipaddress.ip_address(other.address)
        block = rule["ipBlock"]
        return address in network(block.get("cidr", NOWHERE)) and not any(
            address in network(excluded) for excluded in block.get("except") or ()
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
