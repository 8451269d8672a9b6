"""Rights are named: no role and no project of Argo CD grants `*`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tarmac.gates.gate import Gate
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.metadata import title
from tarmac.gates.views.objects.wildcards import GRANTING, wildcards
from tarmac.gates.views.scope import kinds
from tarmac.report import Finding


def check(files: Files) -> Iterator[Finding]:
    """Yield grants of everything."""
    for artifact in files.objects(*GRANTING):
        for path, what in wildcards(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")


def of_files(files: Files) -> Iterator[Finding]:
    """Yield the same of files, where a role of an administrator may be meant."""
    yield from (replace(finding, warning=True) for finding in check(files))


GATE = Gate(
    id="SEC011",
    title="Roles and projects grant no wildcard",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/rbac-good-practices: `*` grants what "
    "there is today and every kind that an operator adds tomorrow",
    check=check,
    of_files=of_files,
    scope=kinds("roles and projects", *GRANTING),
    targets=("cluster",),
    reads="verbs, resources and apiGroups of Roles and ClusterRoles, and sourceRepos of "
    "AppProjects. Bindings of a role are not followed.",
)
