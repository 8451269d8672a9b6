"""Projects of Argo CD allow what their Applications bring."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App, applications
from tarmac.check.gates.views.argo.followed import followed
from tarmac.check.gates.views.argo.projects import Project
from tarmac.check.gates.views.objects.metadata import (
    group_of,
    kind_of,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Kinds of the cluster itself, with their groups.
_OF_CLUSTER = {
    "ClusterRole": "rbac.authorization.k8s.io", "ClusterRoleBinding": "rbac.authorization.k8s.io",
    "CustomResourceDefinition": "apiextensions.k8s.io", "StorageClass": "storage.k8s.io",
    "PriorityClass": "scheduling.k8s.io", "IngressClass": "networking.k8s.io", "Namespace": "",
    "PersistentVolume": "", "ClusterIssuer": "cert-manager.io",
    "MutatingWebhookConfiguration": "admissionregistration.k8s.io",
    "ValidatingWebhookConfiguration": "admissionregistration.k8s.io",
}  # fmt: skip


#: A host that is never there stands for one that a registration of the cluster fills in.
_NO_HOST = re.compile(r"://[^/]*\.invalid(?:[:/]|$)")
#: Argo CD's own settings, and where it looks for Applications beside its own namespace.
_PARAMS, _WATCHED = "argocd-cmd-params-cm", "application.namespaces"


def check(files: Files) -> Iterator[Finding]:
    """Yield repositories, namespaces and kinds of objects that a project refuses."""
    for app, project in _judged(files):
        if any(map(_NO_HOST.search, map(str, project.repositories))):
            continue
        for source in app.sources:
            if not _is_allowed(source.repository or "", project.repositories):
                what = f"{app.title} reads {source.repository}, which project {app.project} does"
                where = project.artifact.at("spec", "sourceRepos")
                yield Finding(where, f"{what} not allow, so it is never synced; add it")
    yield from _destinations(files)
    yield from _homes(files)
    refused: dict[str, Finding] = {}
    projects = _projects(files)
    for one in followed(files) if projects else ():
        own = projects.get(str(one.app.project))
        for artifact in one.sent if own else ():
            kind = kind_of(artifact)
            if own and _OF_CLUSTER.get(kind) == group_of(artifact) and not _takes(own, kind):
                what = (
                    f"{one.app.title} brings {title(artifact)}, and project {one.app.project} has"
                )
                advice = f"no {kind} in clusterResourceWhitelist: each sync fails; add it"
                where = own.artifact.at("spec", "clusterResourceWhitelist")
                refused.setdefault(f"{where} {kind}", Finding(where, f"{what} {advice}"))
    yield from refused.values()


def _destinations(files: Files) -> Iterator[Finding]:
    """Yield namespaces that no project of an Application's project's name allows it to fill."""
    named: dict[str, list[Project]] = {}
    for artifact in files.objects("AppProject"):
        named.setdefault(name_of(artifact), []).append(Project(artifact))
    for app in applications(files) if named else ():
        own = [one for one in named.get(str(app.project), ()) if one.destinations]
        space = app.space
        if not own or not space or any(sign in f"{space}{app.project}" for sign in "{$*"):
            continue
        if not any(_is_allowed(space, _spaces(one)) for one in own):
            project = own[0]
            what = f"{app.title} fills the namespace {space}, and project {app.project} allows"
            shown = ", ".join(_spaces(project))
            where = app.at("spec", "destination", "namespace")
            advice = "so it is never synced; add it to its destinations"
            yield Finding(where, f"{what} {shown}, {advice}")


def _homes(files: Files) -> Iterator[Finding]:
    """Yield Applications of namespaces from which their project, or Argo CD, takes none."""
    named: dict[str, list[Artifact]] = {}
    for artifact in files.objects("AppProject"):
        named.setdefault(name_of(artifact), []).append(artifact)
    settings = {space_of(one): one for one in files.objects("ConfigMap") if name_of(one) == _PARAMS}
    for app in applications(files) if named else ():
        own, space = named.get(str(app.project), []), space_of(app.artifact)
        spaces = {space_of(one) for one in own}
        if not own or "" in spaces or not space or space in spaces or "{" in space:
            continue
        taken = [str(one) for project in own for one in Project(project).homes]
        params = [settings[one] for one in spaces & settings.keys()]
        watched = [string(one.data, "data", _WATCHED) for one in params]
        what = f"{app.title} is of the namespace {space}, and"
        if (taken or any(watched)) and not _is_among(space, taken):
            shown = f"takes Applications of {', '.join(taken)}" if taken else "has no others than"
            said = f"{what} project {app.project} {shown}"
            said = said if taken else f"{said} its own ({min(spaces)})"
            where = own[0].at("spec", *(("sourceNamespaces",) if taken else ()))
            yield Finding(where, f"{said}, so it is never synced; add it to sourceNamespaces")
        elif taken and all(watched) and watched and not _is_among(space, _listed(watched)):
            said = f"{what} Argo CD looks in {', '.join(watched)} alone, so it is never synced"
            yield Finding(params[0].at("data", _WATCHED), f"{said}; add it to {_WATCHED}")


def _listed(written: list[str]) -> list[str]:
    return [one.strip() for text in written for one in text.split(",")]


def _is_among(space: str, patterns: list[str]) -> bool:
    """Tell whether a namespace is one of those; of a regular expression, that it may be."""
    return any(one.startswith("/") or fnmatchcase(space, one) for one in patterns)


def _spaces(project: Project) -> tuple[str, ...]:
    """List the patterns of namespaces of a project; one without any allows none."""
    return tuple(str(one.get("namespace") or "") for one in project.destinations)


def _is_allowed(repository: str, patterns: tuple[str, ...]) -> bool:
    """Tell whether a repository is one of those, none of which begins with `!`."""
    own = repository.removesuffix(".git").rstrip("/")
    told = [(str(one).removeprefix("!"), str(one).startswith("!")) for one in patterns]
    matched = {no for one, no in told if fnmatchcase(own, one.removesuffix(".git").rstrip("/"))}
    return False in matched and True not in matched


def _takes(project: Project, kind: str) -> bool:
    return any(
        fnmatchcase(_OF_CLUSTER[kind], str(group or "")) and fnmatchcase(kind, str(allowed))
        for group, allowed in project.cluster_kinds
    )


def _projects(files: Files) -> dict[str, Project]:
    return {name_of(one): Project(one) for one in files.objects("AppProject")}


@once
def _judged(files: Files) -> Iterator[tuple[App, Project]]:
    projects = _projects(files)
    for app in applications(files) if projects else ():
        project = projects.get(str(app.project))
        if project is not None and (project.repositories or project.destinations):
            yield app, project


GATE = Gate(
    id="GIT010",
    title="Projects of Argo CD allow what their Applications bring",
    phase="gitops",
    source="https://argo-cd.readthedocs.io/en/stable/operator-manual/project-specification: kinds "
    "of the cluster are refused where they are not listed, and repositories, too",
    check=check,
    of_files=check,
    scope=counted_in_files("Applications of a project that is here", _judged),
    targets=(),
    reads="Applications beside their AppProject: their repositories and namespaces, those they "
    "are of, beside argocd-cmd-params-cm, and kinds of the cluster in folders that they follow "
    "here. GIT002 checks more of what is rendered.",
)
