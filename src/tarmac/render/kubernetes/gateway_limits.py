"""The limits of the public services before them all, where Istio's gateway leads to these."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.ingress_limits import ingress_limits
from tarmac.render.kubernetes.parts.envoy_limits import patches
from tarmac.render.kubernetes.parts.hosts import hosts
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

NOTES = (
    "Requests are counted by the address that the gateway sees. Keep the client's: with",
    "`externalTrafficPolicy: Local`, or a load balancer that speaks the proxy protocol. Each pod",
    "of the gateway counts for itself. A body without Content-Length is counted by the service.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the patches of the gateway, in its namespace; none where another controller leads."""
    settings = plan.settings.ingress
    public = list(hosts(plan))
    if settings.controller != "istio" or not public:
        return
    # Without a certificate there is no other port; with one, plain requests are limited as well.
    ports = (80, 443) if settings.tls else (80,)
    name = f"{plan.namespace}-limits"
    wanted = [f"{host}:{port}" for host in public for port in ports]
    found = list(patches(ingress_limits(plan), f"tarmac.{name}", wanted))
    if found:
        body = {"spec": {"configPatches": found}}
        yield an_object(
            plan,
            "networking.istio.io/v1alpha3",
            "EnvoyFilter",
            name,
            body,
            namespace=settings.namespace,
            notes=NOTES,
        )


RENDERER = Renderer(
    id="k8s-gateway-limits",
    phase="kubernetes",
    title="Limits of bodies and rates in Istio's gateway, as the public services have them",
    render=render,
)
