"""NetworkPolicies of files without a plan, beside the pods and Services that they are about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.peers import Peer
from tarmac.check.gates.views.network.policies import NAMESPACE, Policies
from tarmac.check.gates.views.objects.indexes import PodIndex
from tarmac.check.gates.views.objects.metadata import metadata, space_of, title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy, PolicyRule
from tarmac.check.gates.views.objects.selectors import Selectors, labels_of
from tarmac.check.gates.views.pods.pods import Pods, pods

#: The key of a direction's rules in a policy.
KEYS = {"Ingress": "ingress", "Egress": "egress"}


@dataclass(frozen=True)
class PolicySpace:
    """What is applied to one namespace: policies, and the pods that they may select."""

    artifacts: tuple[Artifact, ...]
    kept: tuple[Pods, ...]

    @cached_property
    def policies(self) -> tuple[NetworkPolicy, ...]:
        """Its policies."""
        return tuple(map(NetworkPolicy, self.artifacts))

    @cached_property
    def evaluated(self) -> Policies:
        """All of them, to be asked about a connection."""
        return Policies(self.artifacts)

    def rules(self, direction: str) -> Iterator[tuple[NetworkPolicy, Path, PolicyRule]]:
        """Yield the rules of a direction, with the place of each in its policy."""
        for policy in self.policies:
            found = policy.ingress if direction == "Ingress" else policy.egress
            for number, rule in enumerate(found):
                yield policy, ("spec", KEYS[direction], number), rule

    def limiting(self, own: Pods, direction: str) -> list[NetworkPolicy]:
        """List the policies that limit some pods in a direction; without one they are open."""
        found = map(NetworkPolicy, self._selectors.of(own.labels))
        return [policy for policy in found if direction in policy.types]

    @cached_property
    def _selectors(self) -> Selectors:
        return Selectors(self.artifacts, "podSelector")

    def chosen(self, selector: Fields) -> list[Pods]:
        """List the pods that a selector finds."""
        return self._index.selected(selector)

    def lets_others_in(self, rule: PolicyRule, own: Pods) -> bool:
        """Tell whether a rule opens to another namespace, or to pods that no file has."""
        namespace = space_of(own.artifact)
        return not rule.peers or any(
            _leaves(peer, namespace) or (is_own_pods(peer) and not self.chosen(peer["podSelector"]))
            for peer in rule.peers
        )

    @cached_property
    def _index(self) -> PodIndex:
        return PodIndex(self.kept)


def policy_spaces(files: Files) -> list[PolicySpace]:
    """List the namespaces that have policies; a folder is one where files name none."""
    policies: dict[tuple[str, str], list[Artifact]] = {}
    for artifact in files.objects("NetworkPolicy"):
        policies.setdefault(_key(artifact), []).append(artifact)
    kept: dict[tuple[str, str], list[Pods]] = {}
    for own in pods(files) if policies else ():
        kept.setdefault(_key(own.artifact), []).append(own)
    return [PolicySpace(tuple(found), tuple(kept.get(key, ()))) for key, found in policies.items()]


def _key(artifact: Artifact) -> tuple[str, str]:
    space = space_of(artifact)
    return (space, "") if space else ("", artifact.path.rpartition("/")[0])


def peer_of(own: Pods) -> Peer:
    """Make an end of a connection of some pods."""
    # What no file places in a namespace, its policies do not either.
    space: str = metadata(own.artifact).namespace  # type: ignore[assignment]
    return Peer(title(own.artifact), own.labels, space, ports=own.ports)


def is_own_pods(peer: Fields) -> bool:
    """Tell whether a peer is some pods of the policy's own namespace, by their labels."""
    return "namespaceSelector" not in peer and bool(labels_of(peer.get("podSelector")))


def _leaves(peer: Fields, namespace: str) -> bool:
    """Tell whether a peer may be outside of a namespace."""
    selector = peer.get("namespaceSelector")
    if selector is None:
        return "ipBlock" in peer
    return labels_of(selector).get(NAMESPACE) != namespace or not namespace
