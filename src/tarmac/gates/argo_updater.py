"""The image updater's rule can order the tags that there are; otherwise nothing ever moves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates import _argo
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig
from tarmac.report import Finding

PREFIX = "argocd-image-updater.argoproj.io/"
SEMVER = re.compile(r"v?\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield rules that do not fit the tags, or that cannot write what they find."""
    tags = {each.name: each.image for each in subject.plan.services}
    for app in _argo.applications(subject):
        annotations = dig(app.data, "metadata", "annotations") or {}
        said = {k.removeprefix(PREFIX): v for k, v in annotations.items() if k.startswith(PREFIX)}
        if "image-list" not in said:
            continue
        where = app.artifact.path
        rule = said.get("app.update-strategy", "semver")
        image = tags.get(_argo.service_of(subject, app) or "", "")
        tag = "" if "@" in image else image.rpartition(":")[2]
        if "@" in image and rule != "digest":
            what = f"{app.title}: `{rule}` orders tags, and the image is named by its digest"
            yield Finding(where, f"{what}; name a tag, or leave the updater out")
        elif rule == "semver" and tag and not SEMVER.fullmatch(tag):
            what = (
                f"{app.title}: `semver` cannot order the tag {tag}: it takes releases (1.4.0) "
                "only. Tag releases, or write `updater: newest-build`"
            )
            yield Finding(where, what)
        allowed = said.get("app.allow-tags", "")
        if rule == "newest-build" and not allowed.startswith("regexp:"):
            what = (
                f"{app.title}: `newest-build` without allow-tags takes whatever is pushed last, a "
                "cache or a branch too; name the pipeline's tags: regexp:^sha-[0-9a-f]{12}$"
            )
            yield Finding(where, what)
        if said.get("write-back-method", "argocd").partition(":")[0] != "git":
            what = (
                f"{app.title}: the updater writes into the cluster, not to git, so a rebuilt "
                "cluster runs something else; write `write-back-method: git`"
            )
            yield Finding(where, what)
        if any("helm" not in each and "kustomize/" not in str(each.get("path"))
               for each in app.sources[:1]):  # fmt: skip
            what = (
                f"{app.title}: the updater changes charts and kustomizations, and this is a plain "
                "folder; write `source: kustomize` or `source: helm`"
            )
            yield Finding(where, what)


GATE = Gate(
    id="GIT005",
    title="The image updater's rule fits the tags, and git is where it writes",
    phase="gitops",
    source="tags made of a commit's hash have no order, so `semver` never takes one (the shop's "
    "roadmap has both); https://argocd-image-updater.readthedocs.io",
    check=check,
    looks_at="the annotations of Applications beside the tags that the model says. What is in the "
    "registry is not looked at.",
)
