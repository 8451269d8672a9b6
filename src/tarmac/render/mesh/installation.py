"""The installation of Istio: values of its charts, and the same as a profile for istioctl."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.kubernetes.parts.sidecars import hub
from tarmac.render.renderer import Renderer

PROFILE, ISTIOD = "mesh/profile.yaml", "mesh/istiod.yaml"
CHARTS = "https://istio-release.storage.googleapis.com/charts"
PROFILE_NOTES = (
    "With istioctl; or the charts with values/istiod.yaml, as bootstrap/start.sh installs them:",
    "both say the same, and one undoes what the other installed.",
    "istioctl install --filename mesh/profile.yaml",
)


def values(mesh: str) -> dict[str, Any]:
    """Read what differs from the values of the chart istiod."""
    found: dict[str, Any] = texts.filled_asset(ISTIOD, {"hub": hub(mesh)})
    return found


def profile(plan: ClusterPlan, mesh: str, version: str) -> dict[str, Any]:
    """Write the profile: components, and the values that the chart is given."""
    way = plan.settings.ingress
    by_ingress = way.kind == "ingress" and way.controller == mesh
    given = {
        "name": plan.environment,
        "hub": hub(mesh),
        "version": version,
        "ingress": ({"space": way.namespace},) if by_ingress else (),
        "gateway": texts.given(not by_ingress),
    }
    found: dict[str, Any] = texts.filled_asset(PROFILE, given)
    own = values(mesh)
    found["spec"] |= {"meshConfig": own["meshConfig"], "values": {"pilot": own["pilot"]}}
    return found


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield both, where there is a mesh."""
    mesh = plan.settings.mesh
    if mesh is None:
        return
    version = versions.read().charts[mesh].version
    notes = (
        f"helm upgrade --install istiod istiod --repo {CHARTS} --version {version}",
        "  --namespace istio-system --values mesh/values/istiod.yaml",
    )
    yield Artifact("mesh/values/istiod.yaml", values(mesh), plan.model, notes)
    yield Artifact(PROFILE, profile(plan, mesh, version), plan.model, PROFILE_NOTES)


RENDERER = Renderer(
    id="istio-installation",
    phase="mesh",
    title="Values for Istio's charts, and the same as a profile for istioctl",
    render=render,
)
