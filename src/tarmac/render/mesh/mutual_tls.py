"""Mutual TLS between all pods: what is not encrypted and identified is refused."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

NOTES = (
    "Plain text is refused at every port of every pod with a sidecar. The kubelet's probes reach",
    "the sidecar, which asks the container. A client outside of the mesh gets no answer, so",
    "Prometheus scrapes with a certificate of the mesh, and the ingress is one of its gateways.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the namespace's PeerAuthentication, where there is a mesh."""
    if plan.settings.mesh:
        spec = {"spec": {"mtls": {"mode": "STRICT"}}}
        yield an_object(
            plan, "security.istio.io/v1", "PeerAuthentication", "default", spec, notes=NOTES
        )


RENDERER = Renderer(
    id="istio-mtls",
    phase="mesh",
    title="PeerAuthentication: STRICT mutual TLS in the whole namespace",
    render=render,
)
