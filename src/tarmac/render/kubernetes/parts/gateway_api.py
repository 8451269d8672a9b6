"""The ingress by the Gateway API: a Gateway where its pods are, and a route for each host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.analysis import rollout_controller
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts import identity
from tarmac.render.kubernetes.parts.hosts import hosts
from tarmac.render.kubernetes.parts.metadata import an_object

API = "gateway.networking.k8s.io/v1"


def _listeners(plan: ClusterPlan) -> Iterator[dict[str, Any]]:
    own = {"matchLabels": {"kubernetes.io/metadata.name": plan.namespace}}
    allowed = {"allowedRoutes": {"namespaces": {"from": "Selector", "selector": own}}}
    tls = plan.settings.ingress.tls
    for number, host in enumerate(hosts(plan)):
        plain = {"hostname": host, "port": 80, "protocol": "HTTP", **allowed}
        yield {"name": f"http-{number}", **plain}
        if tls:
            certificate = {
                "mode": "Terminate",
                "certificateRefs": [{"kind": "Secret", "name": tls}],
            }
            secure = {"hostname": host, "port": 443, "protocol": "HTTPS", "tls": certificate}
            yield {"name": f"https-{number}", **secure, **allowed}


def gateway(plan: ClusterPlan) -> Artifact:
    """Make the gateway, where its pods and the certificate are; only this namespace uses it."""
    settings = plan.settings.ingress
    spec = {"gatewayClassName": settings.controller, "listeners": list(_listeners(plan))}
    name, body = f"{plan.namespace}-gateway", {"spec": spec}
    return an_object(plan, API, "Gateway", name, body, namespace=settings.namespace)


def _route(plan: ClusterPlan, name: str, host: str, listener: str, rules: list[Any]) -> Artifact:
    parent = {
        "name": f"{plan.namespace}-gateway",
        "namespace": plan.settings.ingress.namespace,
        "sectionName": listener,
    }
    spec = {"parentRefs": [parent], "hostnames": [host], "rules": rules}
    return an_object(plan, API, "HTTPRoute", name, {"spec": spec})


def route_name(host: str) -> str:
    """Name the route of a host."""
    return host.replace(".", "-")


def backends(plan: ClusterPlan, service: str, port: int) -> list[dict[str, Any]]:
    """List where a rule leads: to a service, or to its two revisions.

    The weights are those between two canaries; during one, they are the controller's.
    """
    if rollout_controller(plan, service) != "argo":
        return [{"name": service, "port": port}]
    weights = {identity.stable(service): 100, identity.canary(service): 0}
    return [{"name": name, "port": port, "weight": weight} for name, weight in weights.items()]


def routes(plan: ClusterPlan) -> Iterator[Artifact]:
    """Make each host's route; without encryption it only says where to go."""
    secure = plan.settings.ingress.tls is not None
    for number, (host, paths) in enumerate(hosts(plan).items()):
        name = route_name(host)
        rules = [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": backends(plan, service, port),
            }
            for path, service, port in paths
        ]
        yield _route(plan, name, host, f"http{'s' if secure else ''}-{number}", rules)
        if secure:
            redirect = {"scheme": "https", "statusCode": 301}
            moved = [{"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]}]
            yield _route(plan, f"{name}-to-https", host, f"http-{number}", moved)
