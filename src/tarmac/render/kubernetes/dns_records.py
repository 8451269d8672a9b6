"""Values of ExternalDNS, which makes the records of an environment's hosts in its zone."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.renderer import Renderer

#: By the kind of the ingress: what ExternalDNS reads hosts and addresses of.
SOURCES = {"gateway": "gateway-httproute", "ingress": "ingress"}
NOTES = (
    "helm upgrade --install external-dns external-dns",
    "  --repo https://kubernetes-sigs.github.io/external-dns --version 1.21.1",
    "  --namespace external-dns --create-namespace --values external-dns.yaml",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the chart's values, where ExternalDNS makes the records."""
    cloud = plan.cloud
    if cloud is None or cloud.dns is None or cloud.dns.records_role is None:
        return
    given = {
        "source": SOURCES[plan.settings.ingress.kind],
        "zone": cloud.dns.zone,
        "cluster": f"{cloud.project}-{plan.environment}",
        "role": cloud.dns.records_role,
        "region": cloud.region,
    }
    content = texts.filled_asset("gitops/external-dns.yaml", given)
    yield Artifact("dns/values/external-dns.yaml", content, plan.model, NOTES)


RENDERER = Renderer(
    id="dns-records",
    phase="kubernetes",
    title="Values for the chart of ExternalDNS",
    render=render,
)
