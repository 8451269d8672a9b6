"""What Argo CD follows is there: a path that is not leaves an Application that never syncs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tarmac.gates import _argo
from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig
from tarmac.report import Finding

FORMS = {"helm": "charts/", "kustomize": "kustomize/"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield forms that are not rendered, and sources without files."""
    settings = subject.plan.settings
    form = settings.gitops.source if settings.gitops else "tree"
    if form != "tree" and form not in settings.packaging:
        what = (
            f"`source: {form}` is followed and not rendered; write `packaging: [{form}]`, "
            "or another source"
        )
        yield Finding(subject.at("gitops"), what)
    paths = {each.path for each in subject.artifacts}
    for app in _argo.applications(subject):
        for source in app.sources:
            if source.get("chart"):
                continue
            folder = _argo.in_tree(subject, source)
            if folder is None:
                what = (
                    f"{app.title} reads {source.get('path')}, which is outside of "
                    f"{_argo.home(subject)}; name a folder there"
                )
                yield Finding(app.artifact.path, what)
                continue
            names = dig(source, "helm", "valueFiles") or ()
            missing = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
            missing = [path for path in missing if path not in paths]
            if missing:
                what = f"{app.title} reads values that are not there ({missing[0]}); render them"
                yield Finding(app.artifact.path, what)
            elif not _argo.files(subject, source) and f"{folder}/Chart.yaml" not in paths:
                what = f"{app.title} reads {source.get('path')}, where no object is; correct it"
                yield Finding(app.artifact.path, what)


GATE = Gate(
    id="GIT001",
    title="What Argo CD follows is in the tree, in the form that is rendered",
    phase="gitops",
    source="an Application whose path is not there stays Unknown, and nothing is deployed",
    check=check,
    looks_at="path, valueFiles, include and exclude of each Application, those of sets among them. "
    "It takes the tree to be where `gitops.path` says.",
)
