"""NetworkPolicies that say what is not read, is refused, or is written almost as elsewhere."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from tarmac.gates.views.objects.selectors import labels_of
from tarmac.gates.views.policies import NAMESPACE
from tarmac.gates.views.policy_spaces import KEYS, PolicySpace
from tarmac.gates.views.policy_widths import Fault

_ALIKE = 0.8
#: The key of a rule's peers, by its direction.
_PEERS = {"Ingress": "from", "Egress": "to"}


def ignored(space: PolicySpace) -> Iterator[Fault]:
    """Yield rules that an API server refuses, or that are not read."""
    for direction, key in KEYS.items():
        for policy in space.policies:
            if policy.types and direction not in policy.types and key in policy.spec:
                what = f"has rules for {key}, and its policyTypes do not name {direction}: they are"
                yield policy, ("spec", "policyTypes"), f"{what} not read; add it"
        for policy, path, rule in space.rules(direction):
            for number, peer in enumerate(rule.peers):
                if not peer:
                    what = "has a peer without a selector or an ipBlock, which is refused"
                    yield policy, (*path, _PEERS[direction], number), f"{what}; write one"


def misnamed(space: PolicySpace) -> Iterator[Fault]:
    """Yield namespaces that are named once, almost as another that policies name more often."""
    found = [
        (policy, (*path, _PEERS[direction], number, "namespaceSelector"), str(name))
        for direction in KEYS
        for policy, path, rule in space.rules(direction)
        for number, peer in enumerate(rule.peers)
        if (name := labels_of(peer.get("namespaceSelector")).get(NAMESPACE))
    ]
    times = Counter(name for _, _, name in found)
    often = [name for name, count in times.items() if count > 1]
    for policy, path, name in found:
        near = difflib.get_close_matches(name, often, 1, _ALIKE) if times[name] == 1 else []
        if near:
            yield policy, path, f"names the namespace {name} alone; did you mean {near[0]}?"
