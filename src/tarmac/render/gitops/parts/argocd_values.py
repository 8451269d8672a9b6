"""Values of the charts of Argo CD and its image updater."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.gitops.parts.argo_objects import NAMESPACE


def values(plan: ClusterPlan) -> Artifact:
    """Write the values of Argo CD's published chart."""
    content = texts.filled_asset("gitops/argo-cd.yaml", {"domain": plan.domain})
    watched = plan.settings.observability
    if watched and watched.metrics == "prometheus":
        content["controller"]["metrics"]["serviceMonitor"] = {"enabled": True}
    notes = (
        "The AppProject's roles say which users may sync; all others may read. Tracking by",
        "annotation: labels are copied by what makes pods of its own (Flagger's primaries).",
        "The first password is in the Secret argocd-initial-admin-secret: delete it after the",
        "first login, and set `configs.cm.admin.enabled: false` when single sign-on works.",
    )
    return Artifact("argocd/values/argo-cd.yaml", content, plan.model, notes)


def updater(plan: ClusterPlan) -> Artifact:
    """Write the values of the image updater's chart: it reads the Applications' annotations."""
    registry = (plan.settings.registry or plan.system).partition("/")[0]
    given = {"system": plan.system, "namespace": NAMESPACE, "registry": registry}
    content = texts.filled_asset("gitops/argocd-image-updater.yaml", given)
    notes = (
        "From 1.0 on the updater does what an ImageUpdater says: to read annotations. The script",
        "/scripts/login.sh is yours (`authScripts`): it prints USER:PASSWORD for the registry.",
        "Its commits need the right to push to the repository, as the only program besides CI's.",
    )
    return Artifact("argocd/values/argocd-image-updater.yaml", content, plan.model, notes)
