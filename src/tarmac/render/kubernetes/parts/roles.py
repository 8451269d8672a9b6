"""Which people may do what in a system's namespace: the matrix that Roles are written from.

Tests ask it with `kubectl auth can-i`'s questions. Workloads stand in no row: none asks the API for
anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: Role -> what it is for.
ROLES = {
    "viewer": "Sees everything but Secrets: for dashboards and readers.",
    "developer": "Sees everything but Secrets; goes into pods only where nothing is at stake.",
    "operator": "On call: restarts, scales, looks into pods; nothing else, and reads no Secrets.",
}
#: Environments in which nothing is at stake; one of any other name is taken for production.
OPEN = ("dev", "development", "kind", "local", "test")

LOOK = ("get", "list", "watch")


@dataclass(frozen=True)
class Row:
    """Some resources of an API group, and the verbs of each role there."""

    group: str
    resources: tuple[str, ...]
    viewer: tuple[str, ...] = ()
    developer: tuple[str, ...] = ()
    operator: tuple[str, ...] = ()
    #: Verbs of a developer where nothing is at stake.
    developer_open: tuple[str, ...] = ()

    def verbs(self, role: str, environment: str) -> tuple[str, ...]:
        """List what a role may do with them in an environment."""
        found: tuple[str, ...] = getattr(self, role)
        if role == "developer" and environment in OPEN:
            found = tuple(dict.fromkeys((*found, *self.developer_open)))
        return found


def _seen(group: str, *resources: str) -> Row:
    return Row(group, resources, LOOK, LOOK, LOOK)


#: The matrix. What no row has is not allowed: Secrets, roles, quotas and policies to change.
MATRIX = (
    _seen("", "configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims"),
    _seen("", "resourcequotas", "serviceaccounts", "services"),
    Row("", ("pods",), LOOK, LOOK, (*LOOK, "delete"), (*LOOK, "delete")),
    Row("", ("pods/log",), ("get",), ("get",), ("get",)),
    Row("", ("pods/portforward",), (), (), ("create",), ("create",)),
    Row("", ("pods/exec",), (), (), ("create",), ("create",)),
    # The images have no shell: `kubectl debug` brings one.
    Row("", ("pods/ephemeralcontainers",), (), (), ("update", "patch"), ("update", "patch")),
    # Restarting one is a patch of its template.
    Row("apps", ("deployments", "statefulsets"), LOOK, LOOK, (*LOOK, "patch"), (*LOOK, "patch")),
    Row("apps", ("deployments/scale", "statefulsets/scale"), (), (), ("get", "patch", "update")),
    _seen("apps", "controllerrevisions", "replicasets"),
    Row("autoscaling", ("horizontalpodautoscalers",), LOOK, LOOK, (*LOOK, "patch")),
    _seen("batch", "cronjobs"),
    Row("batch", ("jobs",), LOOK, LOOK, (*LOOK, "delete"), (*LOOK, "create", "delete")),
    _seen("discovery.k8s.io", "endpointslices"),
    _seen("gateway.networking.k8s.io", "gateways", "httproutes"),
    _seen("metrics.k8s.io", "pods"),
    _seen("networking.k8s.io", "ingresses", "networkpolicies"),
    _seen("policy", "poddisruptionbudgets"),
)


def group(system: str, role: str) -> str:
    """Name the group of people that has a role: `shop:developers`."""
    return f"{system}:{role}s"


def rules(role: str, environment: str) -> list[dict[str, Any]]:
    """Write a role's rules: rows with the same verbs in one group stand together."""
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in MATRIX:
        if verbs := row.verbs(role, environment):
            together.setdefault((row.group, verbs), []).extend(row.resources)
    return [
        {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}
        for (group, verbs), resources in together.items()
    ]
