"""Projects allow their Applications: project, destination and kinds of objects agree."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.argo.applications import App, applications
from tarmac.check.gates.views.argo.projects import Project, project_of
from tarmac.check.gates.views.argo.trees import objects
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, metadata, name_of, title
from tarmac.check.gates.views.scope import counted


def check(subject: Subject) -> Iterator[Finding]:
    """Yield Applications that their project forbids, and projects that allow too much."""
    for app in applications(subject):
        project = project_of(subject, app)
        if project is None:
            what = (
                f"{app.title} belongs to project '{app.project}', which does not exist; "
                "add an AppProject (`default` allows everything)"
            )
            yield Finding(app.artifact.path, what)
            continue
        for source in app.sources:
            if source.repository not in project.repositories:
                what = f"does not allow {source.repository}, which {app.title} reads; add it"
                yield Finding(project.artifact.path, what)
        yield from _objects(subject, app, project)
    for artifact in subject.objects("AppProject"):
        yield from _wide(Project(artifact))


def _objects(subject: Subject, app: App, project: Project) -> Iterator[Finding]:
    path, said = project.artifact.path, set()
    wide, own = set(project.cluster_kinds), set(project.namespace_kinds)
    if app.space not in project.namespaces:
        yield Finding(path, f"does not allow namespace {app.space} of {app.title}; add it")
    for artifact in objects(subject, app):
        group, kind = group_of(artifact), kind_of(artifact)
        space = metadata(artifact).namespace
        if (group, kind) not in (own if space else wide) and kind not in said:
            said.add(kind)
            where = "namespace" if space else "cluster"
            what = (
                f"does not allow {title(artifact)} of {app.title}; add "
                f"`{{group: '{group}', kind: {kind}}}` to {where}ResourceWhitelist"
            )
            yield Finding(path, what)
        if space and space not in {*project.namespaces, app.space}:
            yield Finding(
                path,
                f"does not allow namespace {space}, where {title(artifact)} is; add it",
            )


def _wide(project: Project) -> Iterator[Finding]:
    lists = {
        "sourceRepos": project.repositories,
        "destinations": project.namespaces,
        "clusterResourceWhitelist": [kind for _, kind in project.cluster_kinds],
        "namespaceResourceWhitelist": [kind for _, kind in project.namespace_kinds],
    }
    for name, values in lists.items():
        if "*" in values:
            own = name_of(project.artifact)
            what = f"AppProject {own} allows `*` in {name}; name what is rendered"
            yield Finding(project.artifact.path, what)


def _judged(subject: Subject) -> list[object]:
    return [*applications(subject), *subject.objects("AppProject")]


GATE = Gate(
    id="GIT002",
    title="Each Application's project allows what it applies, and no wildcard",
    phase="gitops",
    source="Argo CD does not sync what a project does not allow, and `default` allows everything; "
    "https://argo-cd.readthedocs.io/en/stable/user-guide/projects",
    check=check,
    scope=counted("Applications and their projects", _judged),
    reads="project, repository, destination and the kind and namespace of each object that an "
    "Application applies. A kind that is allowed but no longer rendered is not reported.",
)
