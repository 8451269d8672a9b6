"""NetworkPolicies open no more than the others of their namespace do, and all of it is read."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, Path, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.network.loose_networks import loose
from tarmac.check.gates.views.network.policies import NAMESPACE
from tarmac.check.gates.views.network.policy_spaces import KEYS, PolicySpace, policy_spaces
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy, PolicyRule
from tarmac.check.gates.views.objects.selectors import labels_of
from tarmac.check.gates.views.scope import counted_in_files

#: Where so many rules name what they allow, and at most this share does not, it was forgotten.
_FEW, _SHARE = 3, 0.2
#: Ports that are asked of any address: names, the web, the time.
_ANYWHERE = frozenset((53, 80, 123, 443))
#: A policy, the place in it, and what is wrong there.
Fault = tuple[NetworkPolicy, Path, str]

_ALIKE = 0.8
#: The key of a rule's peers, by its direction.
_PEERS = {"Ingress": "from", "Egress": "to"}


def check(files: Files) -> Iterator[Finding]:
    """Yield rules that open more than was meant, and rules that are not read."""
    for space in policy_spaces(files):
        for policy, path, what in (*ignored(space), *wide(space), *misnamed(space), *apart(space)):
            yield Finding(policy.artifact.at(*path), f"{title(policy.artifact)} {what}")


def ignored(space: PolicySpace) -> Iterator[Fault]:
    """Yield rules that an API server refuses, or that are not read."""
    for policy in space.policies:
        if "podSelector" not in policy.spec:
            what = "has no podSelector, so it selects every pod of its namespace"
            yield policy, ("spec",), f"{what}; write {{}} where that is meant"
    for direction, key in KEYS.items():
        for policy in space.policies:
            if any(map(is_mark, policy.types)):
                continue
            if policy.types and direction not in policy.types and key in policy.spec:
                what = f"has rules for {key}, and its policyTypes do not name {direction}: they are"
                yield policy, ("spec", "policyTypes"), f"{what} not read; add it"
        for policy, path, rule in space.rules(direction):
            for number, peer in enumerate(rule.peers):
                if not peer:
                    what = (
                        "has a peer without a selector or an ipBlock, which the API server rejects"
                    )
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


def apart(space: PolicySpace) -> Iterator[Fault]:
    """Yield two peers where one was meant: a namespace, and pods that its own namespace lacks."""
    for direction in KEYS:
        for policy, path, rule in space.rules(direction):
            wholes = [n for n, peer in enumerate(rule.peers) if set(peer) == {"namespaceSelector"}]
            for number, peer in enumerate(rule.peers):
                pods = peer.get("podSelector") or {}
                lost = set(peer) == {"podSelector"} and _chooses(pods) and not space.chosen(pods)
                if (
                    lost
                    and number - 1 in wholes
                    and _chooses(rule.peers[number - 1]["namespaceSelector"])
                ):
                    what = (
                        "opens to every pod of the namespaces of one peer, and to pods that its own"
                    )
                    place = (*path, _PEERS[direction], number)
                    yield policy, place, f"{what} namespace lacks; join the two items into one"


def wide(space: PolicySpace) -> Iterator[Fault]:
    """Yield rules that name no peer, no port or no pods where the others do."""
    for direction in KEYS:
        found = [
            (policy, path, rule)
            for policy, path, rule in space.rules(direction)
            if rule.peers or rule.ports
        ]
        for what, is_wide in _WIDE.items():
            faulty = [one for one in found if is_wide(one[2])]
            if len(found) >= _FEW and len(faulty) <= max(1, len(found) * _SHARE):
                way = "lets in" if direction == "Ingress" else "lets out"
                for policy, path, _ in faulty:
                    others = f"the other {len(found) - len(faulty)} rules of {KEYS[direction]} here"
                    yield policy, path, f"{way} {what}, which {others} name; name them"
    yield from _selectors(space)
    yield from _blocks(space)
    yield from loose(space)


def _selectors(space: PolicySpace) -> Iterator[Fault]:
    """Yield policies of all pods whose rules are of a few."""
    ruling = [one for one in space.policies if one.ingress or _beyond_names(one)]
    faulty = [one for one in ruling if not _chooses(one.selector)]
    if len(ruling) >= _FEW and len(faulty) <= max(1, len(ruling) * _SHARE):
        for policy in faulty:
            what = "selects every pod of the namespace, and gives all of them its rules, where "
            yield (
                policy,
                ("spec", "podSelector"),
                f"{what}the other {len(ruling) - len(faulty)} policies name pods; name its own",
            )


def _blocks(space: PolicySpace) -> Iterator[Fault]:
    """Yield ways to every address by a port that is not one of the open internet."""
    for policy, path, rule in space.rules("Egress"):
        opened = {one.first for one in rule.ports}
        for number, peer in enumerate(rule.peers):
            block = peer.get("ipBlock") or {}
            if str(block.get("cidr")).endswith("/0") and opened and not opened & _ANYWHERE:
                ports = ", ".join(map(str, opened))
                what = (
                    "allows egress to every address on port "
                    f"{ports}; write the network of the destination"
                )
                yield policy, (*path, "to", number, "ipBlock"), what


def _beyond_names(policy: NetworkPolicy) -> bool:
    """Tell whether it lets out more than questions to DNS."""
    return any({opened.first for opened in rule.ports} != {53} for rule in policy.egress)


def _no_peers(rule: PolicyRule) -> bool:
    asks_names = {opened.first for opened in rule.ports} == {53}
    return not rule.peers and not asks_names


def _no_ports(rule: PolicyRule) -> bool:
    return bool(rule.peers) and (
        not rule.ports or any(opened.first is None for opened in rule.ports)
    )


def _everyone(rule: PolicyRule) -> bool:
    return any(map(_is_everyone, rule.peers)) and {o.first for o in rule.ports} != {53}


def _is_everyone(peer: Fields) -> bool:
    selectors = [peer[key] for key in ("podSelector", "namespaceSelector") if key in peer]
    return bool(selectors) and not any(map(_chooses, selectors))


def _chooses(selector: Fields) -> bool:
    return bool(labels_of(selector) or items(selector, "matchExpressions"))


_WIDE = {
    "every pod and address, and names no peers": _no_peers,
    "on every port, and names none": _no_ports,
    "every pod, and names no labels": _everyone,
}


GATE = Gate(
    id="NET006",
    title="A policy opens no more than the others, and all of its rules are read",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/network-policies: an empty "
    "list of peers or ports allows all of them, and so does a list that was lost",
    check=check,
    of_files=check,
    scope=counted_in_files("policies", lambda files: files.objects("NetworkPolicy")),
    #: NET002 checks more of a plan.
    targets=(),
    reads="rules of all policies of a namespace, or of a folder where files name none. What most "
    "of them name and a few do not is a warning. Judges files without a plan only.",
)
