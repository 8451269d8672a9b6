"""Projects allow their Applications: project, destination and kinds of objects agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views import argo
from tarmac.gates.views.argo import App
from tarmac.gates.views.objects import dig, name_of, title
from tarmac.gates.views.scope import counted
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield Applications that their project forbids, and projects that allow too much."""
    for app in argo.applications(subject):
        project = argo.project_of(subject, app)
        if project is None:
            what = (
                f"{app.title} is of project '{app.spec.get('project')}', which does not exist; "
                "`default` allows everything: add an AppProject"
            )
            yield Finding(app.artifact.path, what)
            continue
        spec = project.data.get("spec") or {}
        for source in app.sources:
            if source.get("repoURL") not in (spec.get("sourceRepos") or ()):
                what = f"does not allow {source.get('repoURL')}, which {app.title} reads; add it"
                yield Finding(project.path, what)
        yield from _objects(subject, app, project, spec)
    for project in subject.objects("AppProject"):
        yield from _wide(project)


def _objects(
    subject: Subject, app: App, project: Artifact, spec: Mapping[str, Any]
) -> Iterator[Finding]:
    places = {destination.get("namespace") for destination in spec.get("destinations") or ()}
    wide, own = (
        {(e.get("group"), e.get("kind")) for e in spec.get(f"{scope}ResourceWhitelist") or ()}
        for scope in ("cluster", "namespace")
    )
    said = set()
    if app.space not in places:
        yield Finding(project.path, f"does not allow namespace {app.space} of {app.title}; add it")
    for artifact in argo.objects(subject, app):
        group, kind = artifact.data["apiVersion"].rpartition("/")[0], artifact.data["kind"]
        space = dig(artifact.data, "metadata", "namespace")
        if (group, kind) not in (own if space else wide) and kind not in said:
            said.add(kind)
            where = "namespace" if space else "cluster"
            what = (
                f"does not allow {title(artifact)} of {app.title}; add "
                f"`{{group: '{group}', kind: {kind}}}` to {where}ResourceWhitelist"
            )
            yield Finding(project.path, what)
        if space and space not in {*places, app.space}:
            yield Finding(
                project.path,
                f"does not allow namespace {space}, where {title(artifact)} is; add it",
            )


def _wide(project: Artifact) -> Iterator[Finding]:
    spec = project.data.get("spec") or {}
    lists = (
        ("sourceRepos", spec.get("sourceRepos") or ()),
        ("destinations", [e.get("namespace") for e in spec.get("destinations") or ()]),
        *(
            (f"{name}ResourceWhitelist", [e.get("kind") for e in spec.get(key) or ()])
            for name, key in (
                ("cluster", "clusterResourceWhitelist"),
                ("namespace", "namespaceResourceWhitelist"),
            )
        ),
    )
    for name, values in lists:
        if "*" in values:
            what = f"AppProject {name_of(project)} allows `*` in {name}; name what is rendered"
            yield Finding(project.path, what)


def _judged(subject: Subject) -> list[object]:
    return [*argo.applications(subject), *subject.objects("AppProject")]


GATE = Gate(
    id="GIT002",
    title="Each Application's project allows what it applies, and no wildcard",
    phase="gitops",
    source="what a project does not allow is not synced, and `default` allows everything; "
    "https://argo-cd.readthedocs.io/en/stable/user-guide/projects",
    check=check,
    scope=counted("Applications and their projects", _judged),
    reads="project, repository, destination and the kind and namespace of each object that an "
    "Application applies. A kind that is allowed and no longer rendered is not looked for.",
)
