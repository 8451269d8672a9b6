"""Accounts: each workload has its own service account, without rights in the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, flag, items, text
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.objects.metadata import named, title
from tarmac.check.gates.views.objects.references import Reference, reference, reference_to
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted

#: ClusterRoles that every cluster has.
BUILT_IN = ("admin", "edit", "view", "cluster-admin")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield shared and missing accounts, unused tokens, and bindings to missing objects."""
    accounts = named(subject, "ServiceAccount")
    bound = set(_bound(subject))
    owners: dict[str, str] = {}
    for own in pods(subject):
        path, name = own.artifact.path, own.spec.account or "default"
        pod = f"{own.kind} {own.name}"
        if name == "default":
            yield Finding(
                path, f"{pod} runs as the namespace's default account; name one of its own"
            )
            continue
        if name not in accounts:
            yield Finding(
                path, f"{pod} runs as ServiceAccount {name}, which does not exist; add it"
            )
        owner = owners.setdefault(name, own.workload)
        if owner != own.workload:
            yield Finding(
                path,
                f"{pod} runs as {name}, as {owner} does: they share its rights; give it its own",
            )
        if name not in bound and own.spec.mounts_token(account_mounts_token(accounts.get(name))):
            yield Finding(
                path,
                f"{pod} has a token of the cluster without any rights; set "
                "automountServiceAccountToken: false",
            )
    yield from _dangling(subject)


def _bound(subject: Subject) -> Iterator[str]:
    for binding in bindings(subject):
        for grantee in binding.grantees:
            if grantee.is_account:
                yield str(grantee.name)


def _dangling(subject: Subject) -> Iterator[Finding]:
    accounts = named(subject, "ServiceAccount")
    roles = set(map(reference_to, subject.objects("Role", "ClusterRole")))
    for binding in bindings(subject):
        path, which, role = binding.artifact.path, title(binding.artifact), binding.role
        builtin = role.kind == "ClusterRole" and role.name in BUILT_IN
        if not builtin and role not in roles:
            yield Finding(path, f"{which} gives {role.kind} {role.name}, which does not exist")
        for grantee in binding.grantees:
            ours = grantee.is_account and grantee.is_in(subject.plan.namespace)
            if ours and grantee.name not in accounts:
                what = f"{which} is for ServiceAccount {grantee.name}, which does not exist"
                yield Finding(path, what)


def _judged(subject: Subject) -> list[object]:
    return [*pods(subject), *bindings(subject)]


class Grantee:
    """A service account, user or group that gets a role."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str | None:
        """Its name."""
        return text(self.data, "name")

    @property
    def is_account(self) -> bool:
        """Whether it is a service account."""
        return text(self.data, "kind") == "ServiceAccount"

    def is_in(self, namespace: str) -> bool:
        """Tell whether it is in a namespace, which it is where it names none."""
        return bool(self.data.get("namespace", namespace) == namespace)


class Binding:
    """A RoleBinding or ClusterRoleBinding."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def role(self) -> Reference:
        """The role that it gives."""
        return reference(fields(self.artifact.data, "roleRef"))

    @property
    def grantees(self) -> tuple[Grantee, ...]:
        """What it gives the role to."""
        return tuple(map(Grantee, items(self.artifact.data, "subjects")))


def bindings(files: Files) -> Iterator[Binding]:
    """Yield the bindings of roles, in the namespace and in the cluster."""
    return map(Binding, files.objects("RoleBinding", "ClusterRoleBinding"))


def account_mounts_token(account: Artifact | None) -> bool | None:
    """Read whether pods of a service account get a token; None where it does not say."""
    return flag(account.data, "automountServiceAccountToken") if account else None


GATE = Gate(
    id="SEC004",
    title="Each workload has its own service account, without an unused token",
    phase="security",
    source="CIS Kubernetes Benchmark 5.1.5 and 5.1.6",
    check=check,
    scope=counted("pods and bindings", _judged),
    reads="serviceAccountName and automountServiceAccountToken of all pods, ServiceAccounts, "
    "roles and their bindings.",
)
