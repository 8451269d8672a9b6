"""The certificate of the ingress, where the model names its issuer."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.hosts import hosts
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

NOTES = (
    "The ClusterIssuer is the platform's own, beside cert-manager. One that answers over HTTP",
    "(HTTP-01) starts a pod here that no policy lets in; by DNS (DNS-01) none is needed.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield a Certificate of all public hosts, which fills the Secret that the ingress reads."""
    way = plan.settings.ingress
    if not (way.tls and way.issuer and hosts(plan)):
        return
    spec = {
        "secretName": way.tls,
        "dnsNames": list(hosts(plan)),
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": way.issuer},
    }
    # A Gateway reads Secrets of its own namespace, which is that of its pods; Istio's gateway reads
    # those of an Ingress there, too.
    elsewhere = way.kind == "gateway" or way.controller == "istio"
    yield an_object(
        plan,
        "cert-manager.io/v1",
        "Certificate",
        way.tls,
        {"spec": spec},
        notes=NOTES,
        namespace=way.namespace if elsewhere else "",
    )


RENDERER = Renderer(
    id="k8s-certificates",
    phase="security",
    title="The Certificate of the ingress, which cert-manager renews",
    render=render,
)
