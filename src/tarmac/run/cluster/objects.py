"""What is put into a cluster: the order of it, and how an object there differs from a new one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from tarmac.run import fields
from tarmac.run.cluster.kubectl import Object

SYSTEM = "app.kubernetes.io/part-of"
MANAGED = "app.kubernetes.io/managed-by"
COMPONENT = "app.kubernetes.io/component"

#: The waves of a deployment, in their order; each is ready before the next one begins.
WAVES = ("namespace", "settings", "stores", "set-up", "migrations", "tasks", "services", "the rest")
#: Of others' kinds, each object is what it is only once these are there.
_FIRST = ("Namespace", "CustomResourceDefinition", "PriorityClass", "StorageClass")
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_JOBS = {"setup": "set-up", "migration": "migrations"}
#: What acts on workloads, or leads traffic to them.
_LAST = (
    *("CronJob", "HorizontalPodAutoscaler", "Ingress", "Gateway", "HTTPRoute", "VirtualService"),
    *("ServiceMonitor", "PodMonitor", "PrometheusRule", "Canary", "Certificate"),
)
#: What a server adds to an object that it keeps.
_OF_THE_SERVER = (
    *("managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"),
)


@dataclass(frozen=True, order=True)
class ObjectId:
    """Which object one is, in a cluster."""

    kind: str
    name: str
    namespace: str
    api: str

    @classmethod
    def of(cls, found: Object) -> Self:
        """Read it of an object."""
        metadata = found["metadata"]
        return cls(
            found["kind"], metadata["name"], metadata.get("namespace", ""), found["apiVersion"]
        )

    @property
    def group(self) -> str:
        """Its kind's group, in which versions are the same objects."""
        return self.api.rpartition("/")[0]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Tells it from others, whatever version of its kind it is written in."""
        return self.kind, self.group, self.namespace, self.name

    @property
    def bare(self) -> dict[str, Any]:
        """An object that says no more than which one it is."""
        metadata = {"name": self.name, **({"namespace": self.namespace} if self.namespace else {})}
        return {"apiVersion": self.api, "kind": self.kind, "metadata": metadata}

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def wave(found: Object) -> str:
    """Return in which wave an object is applied."""
    kind = found["kind"]
    component = found["metadata"].get("labels", {}).get(COMPONENT, "")
    if kind in _FIRST:
        return "namespace"
    if kind == "Job":
        return _JOBS.get(component, "tasks")
    if kind in _WORKLOADS or kind == "Rollout":
        return "services" if component == "service" else "stores"
    return "the rest" if kind in _LAST else "settings"


def waves(objects: Sequence[Object]) -> Iterator[tuple[str, list[Object]]]:
    """Yield each wave that has objects, with them.

    A Rollout is not ready before the routes are there by which it divides requests.
    """
    listed: dict[str, list[Object]] = {name: [] for name in WAVES}
    divided = {name for found in objects if found["kind"] == "Rollout" for name in _routes(found)}
    for found in objects:
        early = found["kind"] == "HTTPRoute" and found["metadata"]["name"] in divided
        listed["services" if early else wave(found)].append(found)
    yield from ((name, held) for name, held in listed.items() if held)


def _routes(rollout: Object) -> Iterator[str]:
    """Name the routes by which a Rollout divides requests."""
    how = rollout["spec"].get("strategy", {}).get("canary", {}).get("trafficRouting", {})
    for plugin in how.get("plugins", {}).values():
        yield from (route["name"] for route in plugin.get("httpRoutes", ()))


def differences(live: Object, wanted: Object) -> list[str]:
    """Return in which fields an object there differs from what it would become, a line for each.

    What a Secret holds is not shown.
    """
    secret = wanted["kind"] == "Secret"
    return list(fields.differences(_essence(live), _essence(wanted), secret=secret))


def _essence(found: Object) -> dict[str, Any]:
    metadata = {k: v for k, v in found["metadata"].items() if k not in _OF_THE_SERVER}
    return {**{k: v for k, v in found.items() if k != "status"}, "metadata": metadata}
