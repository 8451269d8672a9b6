"""Programs that an environment's objects need in the cluster, and the charts that install them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.gitops.parts import environment
from tarmac.render.kubernetes.parts import vault_access
from tarmac.render.observability.charts.used import HOMES, STACK, number, used

#: Kinds of the Argo family that Argo CD does not bring itself.
ROLLOUTS = ("Rollout", "AnalysisTemplate", "ClusterAnalysisTemplate", "Experiment")


def releases(program: str) -> Iterator[str]:
    """List a program's releases, for the script: release, namespace, chart's repository, chart."""
    for release in _charts()[program]:
        yield " ".join(release[key] for key in ("name", "namespace", "repository", "chart"))


def signals(plan: ClusterPlan) -> dict[str, str]:
    """List the releases that keep signals beside Prometheus, with the version of each chart."""
    space = plan.settings.monitoring
    charts = (chart for chart in used(plan) if chart != STACK)
    return {f"{chart} {space} {HOMES[chart]} {chart}": number(chart) for chart in charts}


def _charts() -> dict[str, Any]:
    charts: dict[str, Any] = texts.filled_asset("gitops/charts.yaml", {})
    return charts


def serves_ingresses(plan: ClusterPlan) -> bool:
    """Tell whether the mesh needs pods for Ingresses: for a Gateway it makes them itself."""
    way = plan.settings.ingress
    return way.kind == "ingress" and way.controller == plan.settings.mesh


def programs(plan: ClusterPlan, objects: Iterable[Artifact]) -> dict[str, str]:
    """List what must be there before, with its version: by the objects' kinds."""
    catalogue = versions.read()
    found = set()
    for artifact in objects:
        api = catalogue.apis.get(artifact.data["apiVersion"])
        if artifact.data["kind"] in ROLLOUTS:
            found.add("argo-rollouts")
        elif api is not None and api.chart:
            found.add(api.chart)
    if plan.cloud and plan.cloud.dns and plan.cloud.dns.records_role:
        found.add("external-dns")
    if plan.settings.mesh:
        found.add(plan.settings.mesh)
        if serves_ingresses(plan):
            found.add("istio-gateway")
    if plan.settings.gatekeeper:
        found.add("gatekeeper")
    if vault_access.is_installed(plan):
        found |= {"cert-manager", "vault"}
    if environment.settings(plan).updater:
        found.add("argocd-image-updater")
    names = [chart for chart in _charts() if chart in {*found, "argo-cd"}]
    return {name: catalogue.charts[name].version.removeprefix("v") for name in names}
