"""What sends requests to pods: Services, and the Ingresses, routes and monitors before them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import at_each, dig, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.monitors import Monitor
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.objects.selectors import Selectors
from tarmac.check.gates.views.objects.services import Service, ServicePort
from tarmac.check.gates.views.pods.pods import Pods

#: Where objects whose requests come from another namespace name a Service, and in it the port.
_BACKENDS = {
    "Ingress": (
        "spec.rules.-.http.paths.-.backend.service",
        (("port", "number"), ("port", "name")),
    ),
    "HTTPRoute": ("spec.rules.-.backendRefs.-", (("port",),)),
}


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
