"""Argo CD Image Updater's annotations of a service: which tags it may take, and where it writes.

It needs tags that its rule can order. `semver` takes releases, which the release script tags;
`newest-build` takes what the pipeline pushes for each commit, whose names say nothing of their
order, so the registry's dates do.
"""

from __future__ import annotations

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import environment

PREFIX = "argocd-image-updater.argoproj.io"
#: The tags that each rule may take.
TAGS = {
    "semver": r"^[0-9]+\.[0-9]+\.[0-9]+$",
    "newest-build": r"^sha-[0-9a-f]{12}$",
}
NOTES = {
    "semver": (
        "The updater takes releases only (1.4.0). A tag made of a commit's hash (sha-0123456789ab)",
        "has no order, so `semver` would never move on: tag a release, or write `newest-build`.",
    ),
    "newest-build": (
        "The updater takes the image that was built last, among the pipeline's tags: sha- and the",
        "first twelve digits of the commit. `semver` cannot order these.",
    ),
}
#: It is one of two that could write an environment's images; both together would undo each other.
ALONE = (
    "It writes `.argocd-source-*.yaml` beside the source, which no render touches: do not promote",
    "images into this environment as well.",
)


def annotated(plan: ClusterPlan, name: str) -> dict[str, str]:
    """Give an Application's annotations; none where nothing updates it.

    Args:
        name: the service's, or what stands for it in the template of a set.
    """
    settings = environment.settings(plan)
    if settings.updater is None:
        return {}
    found = {
        "image-list": f"app={environment.registry(plan)}/{name}",
        "app.update-strategy": settings.updater,
        "app.allow-tags": f"regexp:{TAGS[settings.updater]}",
        "write-back-method": "git",
        "git-branch": settings.revision,
    }
    if settings.source == "kustomize":
        found["app.kustomize.image-name"] = name
    if settings.source == "helm":
        found |= {"app.helm.image-name": "image.repository", "app.helm.image-tag": "image.tag"}
    return {f"{PREFIX}/{key}": value for key, value in found.items()}


def notes(plan: ClusterPlan) -> tuple[str, ...]:
    """State the rule, for the reader of an Application that is not updated."""
    rule = environment.settings(plan).updater
    return (*NOTES[rule], *ALONE) if rule else ()
