"""What Prometheus scrapes: ServiceMonitors and PodMonitors, and the settings of its chart."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, flag, items, port, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import Metadata, metadata
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.objects.services import Service

#: The values of the chart that installs Prometheus.
STACK = "observability/values/kube-prometheus-stack.yaml"
#: What Prometheus knows of each container of a pod, whatever a Service names.
_OF_CONTAINERS = "__meta_kubernetes_pod_container_"
#: Labels that operators give to what they make, which is in no file.
_OF_OPERATORS = frozenset(
    {"rook_cluster", "strimzi.io/cluster", "cnpg.io/cluster", "common.k8s.elastic.co/type"}
)


class Endpoint:
    """A port that is scraped."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def port(self) -> str | None:
        """Its name at the Service."""
        return text(self.data, "port")

    @property
    def asked(self) -> int | str | None:
        """The port of the pods, or its name."""
        found = (port(self.data, key) for key in ("targetPort", "portNumber"))
        return next((one for one in found if one is not None), self.port)

    @property
    def is_of_containers(self) -> bool:
        """Whether it keeps containers by their ports or names: those that a mesh adds, too."""
        return any(
            text(rule, "action") == "keep"
            and any(str(label).startswith(_OF_CONTAINERS) for label in items(rule, "sourceLabels"))
            for rule in items(self.data, "relabelings")
        )


class Monitor:
    """A ServiceMonitor or PodMonitor."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def metadata(self) -> Metadata:
        """What it says of itself."""
        return metadata(self.artifact)

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """What it scrapes of Services."""
        return tuple(map(Endpoint, items(self.artifact.data, "spec", "endpoints")))

    @property
    def pod_endpoints(self) -> tuple[Endpoint, ...]:
        """What it scrapes of pods."""
        return tuple(map(Endpoint, items(self.artifact.data, "spec", "podMetricsEndpoints")))

    @property
    def spaces(self) -> set[str] | None:
        """The namespaces that it looks into, "" for one that is not named; None: all."""
        chosen = fields(self.artifact.data, "spec", "namespaceSelector")
        if flag(chosen, "any"):
            return None
        return set(items(chosen, "matchNames") or (self.metadata.namespace or "",))

    def finds(self, service: Service) -> bool:
        """Tell whether it selects a Service where that is; what an operator makes is another."""
        if self.spaces is not None and (service.metadata.namespace or "") not in self.spaces:
            return False
        selector = fields(self.artifact.data, "spec", "selector")
        if _OF_OPERATORS & fields(selector, "matchLabels").keys():
            return False
        return selects(selector, service.metadata.labels)


class StackValues:
    """The values of the chart kube-prometheus-stack."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def spec(self) -> Fields:
        """What they say of Prometheus itself."""
        return fields(self.artifact.data, "prometheus", "prometheusSpec")

    @property
    def retention(self) -> str:
        """How long metrics are kept; empty: the chart's default."""
        return str(dig(self.spec, "retention") or "")

    @property
    def monitors(self) -> Fields:
        """The selector of the monitors that are read; empty: not written."""
        return fields(self.spec, "serviceMonitorSelector")

    @property
    def selects_own_release(self) -> bool:
        """Whether without a selector only the chart's own monitors are read."""
        return bool(self.spec.get("serviceMonitorSelectorNilUsesHelmValues", True))

    @property
    def namespaces(self) -> Fields:
        """The selector of the namespaces whose monitors are read."""
        return fields(self.spec, "serviceMonitorNamespaceSelector")


def stack_values(files: Files) -> StackValues | None:
    """Find the values of the chart that installs Prometheus."""
    found = (artifact for artifact in files.artifacts if artifact.path == STACK)
    return next(map(StackValues, found), None)
