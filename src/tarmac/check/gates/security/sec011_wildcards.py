"""Rights are named: no role and no project of Argo CD grants `*`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, title
from tarmac.check.gates.views.scope import kinds

GRANTING = ("Role", "ClusterRole", "AppProject")
_ALL = "*"
_LISTS = ("verbs", "resources", "apiGroups")


def check(files: Files) -> Iterator[Finding]:
    """Yield grants of everything."""
    for artifact in files.objects(*GRANTING):
        for path, what in wildcards(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files, where a role of an administrator may be meant."""
    yield from (replace(finding, warning=True) for finding in check(files))


def wildcards(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield where an object grants everything, and what of."""
    if kind_of(artifact) == "AppProject":
        # `default` comes with Argo CD, and allows everything on purpose.
        if _ALL in items(artifact.data, "spec", "sourceRepos") and name_of(artifact) != "default":
            yield ("spec", "sourceRepos"), "lets every repository be applied; name its own"
        return
    for number, rule in enumerate(items(artifact.data, "rules")):
        found = [key for key in _LISTS if _ALL in items(rule, key)]
        if found:
            what = f"grants every one of {', '.join(found)}; name those that it needs"
            yield ("rules", number, found[0]), what


GATE = Gate(
    id="SEC011",
    title="Roles and projects grant no wildcard",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/rbac-good-practices: `*` grants what "
    "there is today and every kind that an operator adds tomorrow",
    check=check,
    of_files=of_files,
    alone=True,
    scope=kinds("roles and projects", *GRANTING),
    targets=("cluster",),
    reads="verbs, resources and apiGroups of Roles and ClusterRoles, and sourceRepos of "
    "AppProjects. Bindings of a role are not followed.",
)
