"""A program's account is not the administrator of its cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import space_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: What sets up a cluster, or is made for its administrators.
_MEANT = re.compile(
    r"(?i)admin|flux|argo-?cd|argocd|helm|install|crossplane|terraform|tofu|pulumi|provision|tiller"
    r"|velero|kustomize|operator|rancher|gitops|deployer|bootstrap|cluster-api|capi|sveltos|fleet"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield bindings of cluster-admin to accounts that pods here run as."""
    running: dict[tuple[str, str], Pods] = {}
    for own in pods(files):
        running.setdefault((str(own.spec.account or "default"), space_of(own.artifact)), own)
    for binding, number, subject in _judged(files):
        name = string(subject, "name")
        used = running.get((name, string(subject, "namespace")))
        if used is not None and not _MEANT.search(f"{name} {used.name} {space_of(used.artifact)}"):
            what = f"{title(binding)} makes ServiceAccount {name} the administrator of the cluster,"
            said = f"{what} so an intruder in {title(used.artifact)} has all of it; write a role"
            where = binding.at("subjects", number)
            yield Finding(where, f"{said} with what it asks for", warning=True)


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, int, Fields]]:
    """Yield the accounts that are bound to cluster-admin."""
    for binding in files.objects("ClusterRoleBinding"):
        if string(fields(binding.data, "roleRef"), "name") == "cluster-admin":
            for number, subject in numbered(binding.data, "subjects"):
                if string(subject, "kind") == "ServiceAccount":
                    yield binding, number, subject


GATE = Gate(
    id="SEC022",
    title="A program's account is not the administrator of its cluster",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege: "
    "cluster-admin is for people who need it, and for no workload",
    check=check,
    of_files=check,
    scope=counted_in_files("administrators of a cluster", _judged),
    targets=("cluster",),
    reads="ClusterRoleBindings of cluster-admin beside the pods that run as their accounts, but "
    "for what sets up clusters by its name.",
)
