"""What a policy opens for a workload's pods, beside its declared edges: names, spans, keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tarmac.plan import spans
from tarmac.plan.cluster import AllowedConnection, ClusterPlan
from tarmac.render.kubernetes.parts.metadata import selector

#: The label that every namespace has by itself.
NAMESPACE = "kubernetes.io/metadata.name"
#: Networks that are not on the internet: the cluster's own, the cloud's, and the address at
#: which a cloud hands out its credentials.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
# Of Istio's control plane a sidecar needs only this: certificates and configuration, over TLS
# (istio.io: ports used by Istio). Between pods nothing else is open: a sidecar takes a connection
# over inside the pod, so what a policy sees is the service's own port. 15008 is ambient mode's.
ISTIOD_PORT = 15012


def tcp(*ports: int) -> list[dict[str, Any]]:
    """Write TCP ports."""
    return [{"protocol": "TCP", "port": port} for port in ports]


def pods(name: str) -> dict[str, Any]:
    """Select the pods of one name in the namespace."""
    return {"podSelector": {"matchLabels": selector(name)}}


def space(name: str, **labels: str) -> dict[str, Any]:
    """Select a namespace, or its pods with some labels."""
    peer: dict[str, Any] = {"namespaceSelector": {"matchLabels": {NAMESPACE: name}}}
    return {**peer, "podSelector": {"matchLabels": labels}} if labels else peer


def egress(
    plan: ClusterPlan, reached: Sequence[AllowedConnection], *, observed: bool, asks_for_keys: bool
) -> Iterator[dict[str, Any]]:
    """Yield what a workload may reach; keys are asked of the API server."""
    dns = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    yield {"to": [space("kube-system", **{"k8s-app": "kube-dns"})], "ports": dns}
    if observed and spans.trace_receiver(plan.settings):
        to = [space(plan.settings.monitoring)]
        yield {"to": to, "ports": tcp(spans.GRPC, spans.HTTP)}
    if plan.settings.mesh:
        yield {"to": [space("istio-system", app="istiod")], "ports": tcp(ISTIOD_PORT)}
    if asks_for_keys:
        # What a policy sees is an endpoint: the Service before it is resolved already.
        to = [{"ipBlock": {"cidr": plan.settings.api_network}}]
        yield {"to": to, "ports": tcp(plan.settings.api_server.port)}
    seen: set[tuple[str, int]] = set()
    for edge in reached:
        if edge.target_role == "managed":
            where = "managed"
            peer: dict[str, Any] = {"ipBlock": {"cidr": plan.settings.network}}
        elif edge.target_role == "external":
            block: dict[str, Any] = {"cidr": "0.0.0.0/0", "except": list(PRIVATE)}
            where, peer = "external", {"ipBlock": block}
        else:
            where, peer = edge.target, pods(edge.target)
        if (where, edge.port) not in seen:  # several stores may share a server's port
            seen.add((where, edge.port))
            yield {"to": [peer], "ports": tcp(edge.port)}
