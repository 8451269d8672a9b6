"""Connections that one NetworkPolicy allows are allowed by those of the other end, too."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import Path
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.network.policy_spaces import (
    PolicySpace,
    is_own_pods,
    peer_of,
    policy_spaces,
)
from tarmac.check.gates.views.network.resolvers import answers, asks_no_resolver, named_host
from tarmac.check.gates.views.network.senders import Senders
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy, PolicyRule
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.pods.pods import RUNNING, Pods
from tarmac.check.gates.views.scope import counted_in_files

OTHER = {"Ingress": "Egress", "Egress": "Ingress"}


def check(files: Files) -> Iterator[Finding]:
    """Yield connections that stop half-way, names that cannot be asked for, and closed ports."""
    spaces = policy_spaces(files)
    if not spaces:
        return
    senders = Senders(files)
    for space in spaces:
        yield from lost_resolvers(space)
        yield from half_connections(space)
        for own in space.kept:
            yield from without_names(space, own)
        for policy, what in closed_ports(senders, space):
            yield Finding(policy.artifact.at("spec"), what, warning="from outside" in what)


def _judged(files: Files) -> Iterator[NetworkPolicy]:
    for space in policy_spaces(files):
        yield from space.policies if space.kept else ()


def lost_resolvers(space: PolicySpace) -> Iterator[Finding]:
    """Yield rules for DNS that name pods which no cluster's DNS has."""
    for policy, path, rule in space.rules("Egress"):
        if lost := asks_no_resolver(rule):
            labels = ", ".join(f"{key}={value}" for key, value in lost.items())
            what = f"{title(policy.artifact)} lets pods ask DNS of pods with {labels}, which the"
            advice = "cluster's DNS does not have, so no name is found; write k8s-app: kube-dns"
            yield Finding(policy.artifact.at(*path, "to"), f"{what} {advice}", warning=True)


def half_connections(space: PolicySpace) -> Iterator[Finding]:
    """Yield connections that a policy allows, and those of the other end do not."""
    for direction in OTHER:
        for policy, path, rule in space.rules(direction):
            yield from _half(space, direction, policy, path, rule)


def _half(
    space: PolicySpace, direction: str, policy: NetworkPolicy, path: Path, rule: PolicyRule
) -> Iterator[Finding]:
    """Yield peers of a rule that are allowed here, and whose own policies allow it to none."""
    selected = space.chosen(policy.selector) if direction in policy.types else []
    for number, peer in enumerate(rule.peers):
        others = space.chosen(peer["podSelector"]) if is_own_pods(peer) else []
        pairs = [(own, other) for own in selected for other in others if own is not other]
        inwards = direction == "Ingress"
        for opened in rule.ports if pairs and policy.selector else ():
            ends = [pair if inwards else pair[::-1] for pair in pairs]
            asked = [(target, source, target.port(opened.first)) for target, source in ends]
            held = {
                space.evaluated.holds(peer_of(source), peer_of(target), port)
                for target, source, port in asked
                if port is not None and opened.protocol == "TCP"
            }
            others_of = {source if inwards else target for target, source in ends}
            is_open = any(_is_by_address(space, one, OTHER[direction]) for one in others_of)
            if held and "" not in held and not is_open:
                name = min(held)
                way = "in from" if inwards else "out to"
                what = f"lets {title(selected[0].artifact)} {way} {title(others[0].artifact)}"
                yield Finding(
                    policy.artifact.at(*path, "from" if inwards else "to", number),
                    f"{title(policy.artifact)} {what} on port {opened.first}, and the policies of "
                    f"{name} have no {OTHER[direction].lower()} rule for it; add one, or remove "
                    "this",
                )


def _is_by_address(space: PolicySpace, own: Pods, direction: str) -> bool:
    """Tell whether a policy opens addresses, which some networks take for those of pods, too."""
    for policy in space.limiting(own, direction):
        rules = policy.egress if direction == "Egress" else policy.ingress
        if any("ipBlock" in peer for rule in rules for peer in rule.peers):
            return True
    return False


def without_names(space: PolicySpace, own: Pods) -> Iterator[Finding]:
    """Yield pods that may call others by name, and may not ask for an address."""
    limiting = space.limiting(own, "Egress")
    rules = [(policy, rule) for policy in limiting for rule in policy.egress]
    if any(answers(rule) for _, rule in rules):
        return
    calling = [policy for policy, rule in rules if any(map(is_own_pods, rule.peers))]
    # One for a part of its traffic may be beside others that are kept elsewhere.
    is_whole = any(not policy.selector or "Ingress" in policy.types for policy in limiting)
    if rules and is_whole and not calling and (given := named_host(own)):
        what = f"{title(own.artifact)} is given {given}, and no policy lets it ask DNS (UDP 53 in"
        where = rules[0][0].artifact.at("spec", "egress")
        yield Finding(
            where, f"{what} kube-system), so it finds no host by name; add an egress rule"
        )
    if calling:
        yield Finding(
            calling[0].artifact.at("spec", "egress"),
            f"{title(own.artifact)} may reach other pods, and no policy lets it ask DNS (UDP 53 in "
            "kube-system), so it finds none by name; add an egress rule",
        )


def closed_ports(senders: Senders, space: PolicySpace) -> Iterator[tuple[NetworkPolicy, str]]:
    """Yield ports that others are sent to and no rule opens, with a policy that should."""
    for own in space.kept:
        limiting = space.limiting(own, "Ingress") if own.kind in RUNNING else []
        if limiting:
            # The one that names these pods most closely is the one to edit.
            policy = max(limiting, key=lambda one: len(str(one.selector)))
            rules = [rule for one in limiting for rule in one.ingress]
            for service in senders.services(own):
                for what in _closed(senders, space, own, rules, service):
                    yield policy, f"{title(policy.artifact)} blocks ingress to {what}"


def _closed(
    senders: Senders, space: PolicySpace, own: Pods, rules: list[PolicyRule], service: Service
) -> Iterator[str]:
    asked = {port: number for port in service.ports if (number := own.port(port.target))}
    opened = {
        port: [rule for rule in rules if _opens(rule, number, own)]
        for port, number in asked.items()
    }
    name = title(own.artifact)
    if asked and not any(opened.values()):
        yield f"{name}, where {title(service.artifact)} sends requests; add an ingress rule"
        return
    for port, number in asked.items():
        sender, which = senders.of(service, port), f"port {number} of {name}"
        if sender and not opened[port]:
            yield f"{which}, where {sender} sends requests; add an ingress rule"
        elif sender and not any(space.lets_others_in(rule, own) for rule in opened[port]):
            what = f"{which} from outside of its namespace, where {sender} is served from"
            yield f"{what}; add a rule for that"


def _opens(rule: PolicyRule, number: int, own: Pods) -> bool:
    return not rule.ports or any(
        opened.first is None
        or (own.port(opened.first) or opened.first) == number
        or (opened.last is not None and int(opened.first) <= number <= opened.last)
        for opened in rule.ports
    )


GATE = Gate(
    id="NET005",
    title="The policies of both ends allow each connection that one of them allows",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/services-networking/network-policies: both the "
    "egress policy of the source and the ingress policy of the destination must allow it",
    check=check,
    of_files=check,
    scope=counted_in_files("policies", _judged),
    #: NET002 checks more of a plan.
    targets=(),
    reads="rules with labels of pods that these files keep in the policy's namespace, by TCP port; "
    "whether DNS may be asked; whether anything may reach what Services, Ingresses, routes and "
    f"monitors name, of {', '.join(RUNNING)}. Judges files without a plan only.",
)
