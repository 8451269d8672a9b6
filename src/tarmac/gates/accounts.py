"""Accounts: each workload is somebody of its own to the cluster, and may do nothing there."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, name_of, named, pods, title
from tarmac.report import Finding


def check(subject: Subject) -> Iterator[Finding]:
    """Yield shared, missing and idle-handed identities, and bindings that lead nowhere."""
    accounts = named(subject, "ServiceAccount")
    bound = set(_bound(subject))
    owners: dict[str, str] = {}
    for own in pods(subject):
        path, name = own.artifact.path, own.spec.get("serviceAccountName") or "default"
        who = f"{own.kind} {own.name}"
        if name == "default":
            yield Finding(
                path, f"{who} runs as the namespace's default account; name one of its own"
            )
            continue
        if name not in accounts:
            yield Finding(path, f"{who} runs as ServiceAccount {name}, which is not there; add it")
        owner = owners.setdefault(name, own.workload)
        if owner != own.workload:
            yield Finding(
                path,
                f"{who} runs as {name}, as {owner} does: their rights are one; give it its own",
            )
        if name not in bound:
            told = dig(getattr(accounts.get(name), "data", {}), "automountServiceAccountToken")
            if own.spec.get("automountServiceAccountToken", told) is not False:
                yield Finding(
                    path,
                    f"{who} is given a token of the cluster that it has no rights with; set "
                    "automountServiceAccountToken: false",
                )
    yield from _dangling(subject)


def _bound(subject: Subject) -> Iterator[str]:
    for binding in subject.objects("RoleBinding", "ClusterRoleBinding"):
        for each in binding.data.get("subjects") or ():
            if each.get("kind") == "ServiceAccount":
                yield str(each.get("name"))


def _dangling(subject: Subject) -> Iterator[Finding]:
    accounts = named(subject, "ServiceAccount")
    roles = {(each.data["kind"], name_of(each)) for each in subject.objects("Role", "ClusterRole")}
    for binding in subject.objects("RoleBinding", "ClusterRoleBinding"):
        role = binding.data.get("roleRef") or {}
        builtin = role.get("kind") == "ClusterRole" and role.get("name") in (
            "admin", "edit", "view", "cluster-admin",
        )  # fmt: skip
        if not builtin and (role.get("kind"), role.get("name")) not in roles:
            yield Finding(
                binding.path,
                f"{title(binding)} gives {role.get('kind')} {role.get('name')}, which is not there",
            )
        for each in binding.data.get("subjects") or ():
            space = each.get("namespace", subject.plan.namespace)
            ours = each.get("kind") == "ServiceAccount" and space == subject.plan.namespace
            if ours and each.get("name") not in accounts:
                yield Finding(
                    binding.path,
                    f"{title(binding)} is for ServiceAccount {each.get('name')}, which is missing",
                )


GATE = Gate(
    id="SEC004",
    title="Each workload has an account of its own, without a token it has no use for",
    phase="security",
    source="CIS Kubernetes Benchmark 5.1.5 and 5.1.6",
    check=check,
    looks_at="serviceAccountName and automountServiceAccountToken of all pods, ServiceAccounts, "
    "roles and their bindings.",
)
