"""Accounts: each workload has its own service account, without rights in the cluster."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.gate import Gate, Subject
from tarmac.gates.views.objects import dig, name_of, named, pods, title
from tarmac.gates.views.scope import counted
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield shared and missing accounts, unused tokens, and bindings to missing objects."""
    accounts = named(subject, "ServiceAccount")
    bound = set(_bound(subject))
    owners: dict[str, str] = {}
    for own in pods(subject):
        path, name = own.artifact.path, own.spec.get("serviceAccountName") or "default"
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
        if name not in bound:
            told = dig(getattr(accounts.get(name), "data", {}), "automountServiceAccountToken")
            if own.spec.get("automountServiceAccountToken", told) is not False:
                yield Finding(
                    path,
                    f"{pod} has a token of the cluster without any rights; set "
                    "automountServiceAccountToken: false",
                )
    yield from _dangling(subject)


def _bound(subject: Subject) -> Iterator[str]:
    for binding in subject.objects("RoleBinding", "ClusterRoleBinding"):
        for account in binding.data.get("subjects") or ():
            if account.get("kind") == "ServiceAccount":
                yield str(account.get("name"))


def _dangling(subject: Subject) -> Iterator[Finding]:
    accounts = named(subject, "ServiceAccount")
    roles = {
        (artifact.data["kind"], name_of(artifact))
        for artifact in subject.objects("Role", "ClusterRole")
    }
    for binding in subject.objects("RoleBinding", "ClusterRoleBinding"):
        role = binding.data.get("roleRef") or {}
        builtin = role.get("kind") == "ClusterRole" and role.get("name") in (
            "admin", "edit", "view", "cluster-admin",
        )  # fmt: skip
        if not builtin and (role.get("kind"), role.get("name")) not in roles:
            yield Finding(
                binding.path,
                f"{title(binding)} gives {role.get('kind')} {role.get('name')}, which does not "
                "exist",
            )
        for grantee in binding.data.get("subjects") or ():
            name, space = grantee.get("name"), grantee.get("namespace", subject.plan.namespace)
            ours = grantee.get("kind") == "ServiceAccount" and space == subject.plan.namespace
            if ours and name not in accounts:
                yield Finding(
                    binding.path,
                    f"{title(binding)} is for ServiceAccount {name}, which does not exist",
                )


def _judged(subject: Subject) -> list[object]:
    return [*pods(subject), *subject.objects("RoleBinding", "ClusterRoleBinding")]


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
