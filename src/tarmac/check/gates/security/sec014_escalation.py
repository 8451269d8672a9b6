"""No pod's account can make itself an administrator: bindings are followed to those that run so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import kinds

_RBAC, _ALL = "rbac.authorization.k8s.io", "*"


class Power(NamedTuple):
    """What makes of an account another one with more rights."""

    group: str
    resources: frozenset[str]
    verbs: frozenset[str]
    why: str
    #: It is so in all of a cluster, and in one namespace not.
    is_wide: bool = False


_ROLES = frozenset({"roles", "clusterroles"})
POWERS = (
    Power(_RBAC, _ROLES, frozenset({"escalate"}), "may write roles with rights that it lacks"),
    Power(_RBAC, _ROLES, frozenset({"bind"}), "may bind roles with rights that it lacks"),
    Power(
        "", frozenset({"users", "groups", "serviceaccounts"}), frozenset({"impersonate"}),
        "may act as any of them",
    ),
    Power(
        "", frozenset({"serviceaccounts/token"}), frozenset({"create"}),
        "may get a token of any account", is_wide=True,
    ),
    Power(
        "", frozenset({"nodes/proxy"}), frozenset({"create", "get"}),
        "may run commands in any pod of a node", is_wide=True,
    ),
    Power(
        "certificates.k8s.io", frozenset({"certificatesigningrequests/approval"}),
        frozenset({"update", "patch"}), "may approve a certificate of an administrator",
        is_wide=True,
    ),
)  # fmt: skip


class Grant(NamedTuple):
    """A role, and the pods that have it by a binding."""

    role: Artifact
    own: Pods
    is_wide: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield rules by which the code of a pod becomes an administrator."""
    told = set[str]()
    for grant in _grants(files):
        for path, what in _faults(grant):
            where = grant.role.at(*path)
            text = f"{title(grant.role)} lets {grant.own.kind} {grant.own.name} {what}"
            if where not in told:
                told.add(where)
                yield Finding(where, text)


def _grants(files: Files) -> Iterator[Grant]:
    roles = {
        (kind_of(one), space_of(one) if kind_of(one) == "Role" else "", name_of(one)): one
        for one in files.objects("Role", "ClusterRole")
    }
    if not roles:
        return
    running: dict[tuple[str, str], Pods] = {}
    for own in pods(files):
        running.setdefault((space_of(own.artifact), str(own.spec.account or "default")), own)
    for binding in files.objects("RoleBinding", "ClusterRoleBinding"):
        named = fields(binding.data, "roleRef")
        kind, space = string(named, "kind"), space_of(binding)
        role = roles.get((kind, space if kind == "Role" else "", string(named, "name")))
        for subject in items(binding.data, "subjects") if role is not None else ():
            if string(subject, "kind") != "ServiceAccount":
                continue
            account = string(subject, "name")
            places = (string(subject, "namespace") or space, "")
            found = next((running[p, account] for p in places if (p, account) in running), None)
            if found is not None and role is not None:
                yield Grant(role, found, kind_of(binding) == "ClusterRoleBinding")


def _faults(grant: Grant) -> Iterator[tuple[Path, str]]:
    for number, rule in numbered(grant.role.data, "rules"):
        groups, resources, verbs = (
            set(map(str, items(rule, key))) for key in ("apiGroups", "resources", "verbs")
        )
        if {_ALL} & groups & resources or items(rule, "resourceNames"):
            continue  # SEC011 says the first
        for power in POWERS:
            is_of = {power.group, _ALL} & groups and (power.resources | {_ALL}) & resources
            has = power.verbs & verbs or _ALL in verbs
            if is_of and has and (grant.is_wide or not power.is_wide):
                told = ", ".join(sorted(power.verbs & verbs)) or "do everything with"
                of = ", ".join(sorted(power.resources & resources)) or "all of its group"
                what = f"{told} {of}: it {power.why}, so its code has every right"
                yield ("rules", number), f"{what}; name the verbs that it needs"


GATE = Gate(
    id="SEC014",
    title="No pod's account can give itself every right",
    phase="security",
    source="https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-"
    "risks: these verbs are as good as an administrator's",
    check=check,
    of_files=check,
    scope=kinds("bindings", "RoleBinding", "ClusterRoleBinding"),
    targets=("cluster",),
    reads="rules of roles, by the bindings and accounts of these files, for pods that run as them; "
    "rules with resourceNames are left out. Whether a controller needs such a right is not known.",
)
