"""Ports that Services, Ingresses, routes and monitors send requests to, and that policies close."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import at_each, dig, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitors import Monitor
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.network_policies import NetworkPolicy, PolicyRule
from tarmac.check.gates.views.objects.pods import RUNNING, Pods
from tarmac.check.gates.views.objects.selectors import Selectors
from tarmac.check.gates.views.objects.services import Service, ServicePort
from tarmac.check.gates.views.policy_spaces import PolicySpace, is_own_pods, leaves_namespace

#: Where objects whose requests come from another namespace name a Service, and in it the port.
_BACKENDS = {
    "Ingress": (
        "spec.rules.-.http.paths.-.backend.service",
        (("port", "number"), ("port", "name")),
    ),
    "HTTPRoute": ("spec.rules.-.backendRefs.-", (("port",),)),
}


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
        elif sender and not any(_may_send(space, rule, own) for rule in opened[port]):
            what = f"{which} from outside of its namespace, where {sender} is served from"
            yield f"{what}; add a rule for that"


def _opens(rule: PolicyRule, number: int, own: Pods) -> bool:
    return not rule.ports or any(
        opened.first is None
        or (own.port(opened.first) or opened.first) == number
        or (opened.last is not None and int(opened.first) <= number <= opened.last)
        for opened in rule.ports
    )


def _may_send(space: PolicySpace, rule: PolicyRule, own: Pods) -> bool:
    """Tell whether a rule opens to another namespace, or to pods that are not of these files."""
    namespace = space_of(own.artifact)
    return not rule.peers or any(
        leaves_namespace(peer, namespace)
        or (is_own_pods(peer) and not space.chosen(peer["podSelector"]))
        for peer in rule.peers
    )


class Senders:
    """What sends requests: Services to pods, and others to Services."""

    def __init__(self, files: Files) -> None:
        selecting = [one for one in map(Service, files.objects("Service")) if one.selector]
        self._services = {id(one.artifact): one for one in selecting}
        self._selectors = Selectors(
            (one.artifact for one in selecting), lambda one: {"matchLabels": Service(one).selector}
        )
        self._monitors = Selectors(files.objects("ServiceMonitor"), "selector")
        #: The objects that name a Service, with the ports of it that they name.
        self._ends: dict[tuple[str, str], list[tuple[Artifact, set[object]]]] = {}
        for kind, (place, numbers) in _BACKENDS.items():
            for artifact in files.objects(kind):
                for _, end in at_each(artifact.data, place.split(".")):
                    key = (text(end, "name") or "", space_of(artifact))
                    asked = {dig(end, *path) for path in numbers}
                    self._ends.setdefault(key, []).append((artifact, asked))

    def services(self, own: Pods) -> Iterator[Service]:
        """Yield the Services that send to some pods."""
        for artifact in self._selectors.of(own.labels):
            if space_of(artifact) == space_of(own.artifact):
                yield self._services[id(artifact)]

    def of(self, service: Service, port: ServicePort) -> str:
        """Name what reaches a port from another namespace; empty where nothing here does."""
        key = (service.metadata.name, service.metadata.namespace or "")
        for artifact, asked in self._ends.get(key, ()):
            if asked & {port.number, port.name}:
                return title(artifact)
        for monitor in map(Monitor, self._monitors.of(service.metadata.labels)):
            asked_names = {text(end.data, "port") for end in monitor.endpoints}
            if port.name in asked_names and monitor.finds(service):
                return title(monitor.artifact)
        return ""
