"""What a role grants is granted: its rules can be asked, and its subjects exist."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.templated import is_templated
from tarmac.check.gates.views.objects.aggregated_roles import collected, uncollected
from tarmac.check.gates.views.objects.lost_grants import unknown_accounts
from tarmac.check.gates.views.objects.metadata import (
    kind_of,
    name_of,
    space_of,
    title,
)
from tarmac.check.gates.views.overlays.kustomizations import kustomization_files
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import kinds

#: Resources of no namespace: a Role, which is of one, grants none of them.
CLUSTER_WIDE = frozenset({
    "nodes", "persistentvolumes", "clusterroles", "clusterrolebindings",
    "storageclasses", "volumeattachments", "csidrivers", "csinodes", "priorityclasses",
    "runtimeclasses", "ingressclasses", "customresourcedefinitions", "apiservices",
    "mutatingwebhookconfigurations", "validatingwebhookconfigurations", "tokenreviews",
    "subjectaccessreviews", "selfsubjectaccessreviews", "certificatesigningrequests",
    "componentstatuses", "nodes/metrics", "nodes/stats", "nodes/proxy", "nodes/log",
    "clusterissuers", "clustersecretstores", "gatewayclasses",
})  # fmt: skip
#: Groups of the API server, and of the kinds above.
_KNOWN = frozenset({
    "", "*", "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "node.k8s.io",
    "networking.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "metrics.k8s.io",
    "admissionregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
    "certificates.k8s.io", "cert-manager.io", "external-secrets.io", "gateway.networking.k8s.io",
})  # fmt: skip
#: What is asked of these subresources; by another verb they are not.
SUBRESOURCES = {
    "pods/exec": ("create", "get"),
    "pods/attach": ("create", "get"),
    "pods/portforward": ("create", "get"),
    "pods/eviction": ("create",),
    "pods/log": ("get",),
    "serviceaccounts/token": ("create",),
}


def check(files: Files) -> Iterator[Finding]:
    """Yield rules by which nothing is granted, and bindings to accounts of another namespace."""
    for artifact in files.objects("Role", "ClusterRole"):
        for path, what in _rules(artifact):
            yield Finding(artifact.at(*path), f"{title(artifact)} {what}")
    yield from (*_of_bound(files), *collected(files), *uncollected(files))
    accounts: dict[str, set[str]] = {}
    for artifact in files.objects("ServiceAccount"):
        accounts.setdefault(name_of(artifact), set()).add(space_of(artifact))
    used = {(own.spec.account, space_of(own.artifact)) for own in pods(files)}
    yield from unknown_accounts(files, accounts)
    folders = {posixpath.dirname(one.path) for one in kustomization_files(files)}
    for artifact in files.objects("RoleBinding", "ClusterRoleBinding"):
        role = fields(artifact.data, "roleRef")
        if kind_of(artifact) == "ClusterRoleBinding" and string(role, "kind") == "Role":
            what = f"{title(artifact)} binds Role {string(role, 'name')}, which is of a namespace: "
            advice = "the API server refuses it; write a ClusterRole, or a RoleBinding"
            yield Finding(artifact.at("roleRef"), what + advice)
        for number, subject in numbered(artifact.data, "subjects"):
            yield from _subject(artifact, number, subject, accounts, used, folders)


def _rules(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    for number, rule in numbered(artifact.data, "rules"):
        path: Path = ("rules", number)
        verbs = set(map(str, items(rule, "verbs")))
        asked = [str(one) for one in items(rule, "resources")]
        groups = set(map(str, items(rule, "apiGroups")))
        for place, resource in enumerate(asked):
            if kind_of(artifact) == "Role" and resource in CLUSTER_WIDE and groups <= _KNOWN:
                what = f"grants {resource}, which are of no namespace, so it grants nothing of them"
                yield (*path, "resources", place), f"{what}; write a ClusterRole, and bind it"
            needed = SUBRESOURCES.get(resource)
            # What other resources of the rule are asked for by other verbs.
            if needed and "*" not in verbs and not verbs & set(needed):
                what = f"grants {', '.join(sorted(verbs))} of {resource}, which is asked for by "
                yield (*path, "verbs"), f"{what}{needed[0]}; add it"
        if items(rule, "resourceNames"):
            for verb in ("create", "deletecollection"):
                if verb == "create" in verbs and asked == ["serviceaccounts"]:
                    what = "grants create of serviceaccounts by name, and what is created by the"
                    advice = "name of an account is its token; write serviceaccounts/token"
                    yield (*path, "resources", 0), f"{what} {advice}"
                elif verb in verbs and any("/" not in one for one in asked):
                    what = f"grants {verb} of named objects only, and a request to {verb} has no"
                    yield (*path, "verbs"), f"{what} name; write a rule without resourceNames"


def _of_bound(files: Files) -> Iterator[Finding]:
    """Yield ClusterRoles of what has no namespace that are bound in namespaces only."""
    bound: dict[str, set[str]] = {}
    for binding in files.objects("RoleBinding", "ClusterRoleBinding"):
        role = fields(binding.data, "roleRef")
        if string(role, "kind") == "ClusterRole":
            bound.setdefault(string(role, "name"), set()).add(kind_of(binding))
    for artifact in files.objects("ClusterRole"):
        if bound.get(name_of(artifact)) != {"RoleBinding"}:
            continue
        for number, rule in numbered(artifact.data, "rules"):
            asked = [str(one) for one in items(rule, "resources")]
            groups = set(map(str, items(rule, "apiGroups")))
            if asked and set(asked) <= CLUSTER_WIDE and groups <= _KNOWN:
                what = f"{title(artifact)} grants {', '.join(asked)}, which are of no namespace"
                where = artifact.at("rules", number)
                yield Finding(where, f"{what}, by a RoleBinding only; write a ClusterRoleBinding")


def _subject(
    artifact: Artifact,
    number: int,
    subject: object,
    accounts: dict[str, set[str]],
    used: set[tuple[str | None, str]],
    folders: set[str],
) -> Iterator[Finding]:
    if string(subject, "kind") != "ServiceAccount":
        return
    name, given = string(subject, "name"), string(subject, "namespace")
    space = given or space_of(artifact)
    there = accounts.get(name, set())
    where = artifact.at("subjects", number)
    if not given and kind_of(artifact) == "ClusterRoleBinding":
        what = f"{title(artifact)} names ServiceAccount {name} without its namespace"
        # A kustomization writes it where it sets the namespace of all.
        is_set = posixpath.dirname(artifact.path) in folders
        # A release's own values fill in what a template leaves empty.
        is_set = is_set or (is_templated(artifact) and "namespace" in fields(subject))
        yield Finding(where, f"{what}, which the API server refuses; write it", warning=is_set)
    elif there and "" not in there and space and space not in there:
        what = f"{title(artifact)} grants its role to ServiceAccount {name} of {space}, which is of"
        yield Finding(where, f"{what} {', '.join(sorted(there))}; write that namespace")
    elif given and not there and (name, given) not in used:
        spaces = {space for account, space in used if account == name and space}
        if spaces:
            what = f"{title(artifact)} grants its role to ServiceAccount {name} of {given}, and the"
            yield Finding(where, f"{what} pods that run as it are of {', '.join(sorted(spaces))}")


GATE = Gate(
    id="SEC013",
    title="Roles grant what they say, to accounts that exist",
    phase="security",
    source="https://kubernetes.io/docs/reference/access-authn-authz/rbac: a rule on what has no "
    "namespace, in a Role, and a subject of another namespace are taken and grant nothing",
    check=check,
    of_files=check,
    scope=kinds("roles and bindings", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"),
    targets=("cluster",),
    reads="rules of Roles and ClusterRoles by verb, resource and name; subjects of bindings beside "
    "the ServiceAccounts and pods of these files; labels by which roles collect others.",
)
