"""Connections that a policy allows, beside the policies of the other end; questions to DNS."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.views.objects.metadata import title
from tarmac.gates.views.objects.network_policies import NetworkPolicy, PolicyRule
from tarmac.gates.views.objects.pods import Pods
from tarmac.gates.views.policy_spaces import PolicySpace, is_own_pods, peer_of
from tarmac.gates.views.reading import Path
from tarmac.gates.views.resolvers import is_resolver
from tarmac.report import Finding

OTHER = {"Ingress": "Egress", "Egress": "Ingress"}
DNS = 53


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
            if held and "" not in held:
                name = min(held)
                way = "in from" if inwards else "out to"
                what = f"lets {title(selected[0].artifact)} {way} {title(others[0].artifact)}"
                yield Finding(
                    policy.artifact.at(*path, "from" if inwards else "to", number),
                    f"{title(policy.artifact)} {what} on port {opened.first}, and the policies of "
                    f"{name} have no {OTHER[direction].lower()} rule for it; add one, or remove "
                    "this",
                )


def without_names(space: PolicySpace, own: Pods) -> Iterator[Finding]:
    """Yield pods that may call others by name, and may not ask for an address."""
    limiting = space.limiting(own, "Egress")
    rules = [(policy, rule) for policy in limiting for rule in policy.egress]
    calling = [policy for policy, rule in rules if any(map(is_own_pods, rule.peers))]
    if calling and not any(_answers(rule) for _, rule in rules):
        yield Finding(
            calling[0].artifact.at("spec", "egress"),
            f"{title(own.artifact)} may reach other pods, and no policy lets it ask DNS (UDP 53 in "
            "kube-system), so it finds none by name; add an egress rule",
        )


def _answers(rule: PolicyRule) -> bool:
    is_open = not rule.ports or any(
        opened.protocol == "UDP"
        and (
            opened.first is None
            or isinstance(opened.first, str)
            or opened.first <= DNS <= (opened.last or opened.first)
        )
        for opened in rule.ports
    )
    return is_open and (not rule.peers or any(map(is_resolver, rule.peers)))
