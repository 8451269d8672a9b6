"""The paths that Argo CD follows exist: without one an Application never syncs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.argo.applications import applications
from tarmac.check.gates.views.argo.trees import files, home, in_tree
from tarmac.check.gates.views.scope import counted

FORMS = {"helm": "charts/", "kustomize": "kustomize/"}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield forms that are not rendered, and sources without files."""
    settings = subject.plan.settings
    form = settings.gitops.source if settings.gitops else "tree"
    if form != "tree" and form not in settings.packaging:
        what = f"`source: {form}` is not rendered; write `packaging: [{form}]`, or another source"
        yield Finding(subject.at("gitops"), what)
    paths = {artifact.path for artifact in subject.artifacts}
    for app in applications(subject):
        for source in app.sources:
            if source.chart:
                continue
            folder = in_tree(subject, source)
            if folder is None:
                what = (
                    f"{app.title} reads {source.path}, which is outside of "
                    f"{home(subject)}; name a folder there"
                )
                yield Finding(app.artifact.path, what)
                continue
            named = (posixpath.join(folder, name) for name in source.value_files)
            missing = [path for path in map(posixpath.normpath, named) if path not in paths]
            if missing:
                what = f"{app.title} reads missing values files ({missing[0]}); render them"
                yield Finding(app.artifact.path, what)
            elif not files(subject, source) and f"{folder}/Chart.yaml" not in paths:
                what = f"{app.title} reads {source.path}, which has no objects; correct it"
                yield Finding(app.artifact.path, what)


def _sources(subject: Subject) -> Iterator[object]:
    if (settings := subject.plan.settings.gitops) is not None and settings.source != "tree":
        yield settings
    for app in applications(subject):
        yield from app.sources


GATE = Gate(
    id="GIT001",
    title="Every Application reads a rendered path of the tree",
    phase="gitops",
    source="an Application whose path does not exist stays Unknown, and nothing is deployed",
    check=check,
    scope=counted("sources of Applications", _sources),
    reads="path, valueFiles, include and exclude of each Application, those of sets among them. "
    "The tree is assumed to be at `gitops.path`.",
)
