"""Grants to accounts that no file makes, beside pods that run as another one."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping

from tarmac.base.foreign.reading import fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, space_of, title
from tarmac.check.gates.views.pods.pods import Pods, pods

_DEFAULT = (None, "", "default")


def unknown_accounts(files: Files, accounts: Mapping[str, Collection[str]]) -> Iterator[Finding]:
    """Yield roles here that are granted to an unknown account, where all pods run as `default`.

    Args:
        accounts: the namespaces of each ServiceAccount, by name.
    """
    near: dict[tuple[str, str], list[Pods]] = {}
    for own in pods(files):
        near.setdefault((space_of(own.artifact), posixpath.dirname(own.artifact.path)), []).append(
            own
        )
    roles = {name_of(one) for one in files.objects("Role", "ClusterRole")}
    for artifact in files.objects("RoleBinding", "ClusterRoleBinding") if near else ():
        if string(fields(artifact.data, "roleRef"), "name") not in roles:
            continue
        for number, subject in numbered(artifact.data, "subjects"):
            name, space = string(subject, "name"), string(subject, "namespace")
            beside = near.get((space, posixpath.dirname(artifact.path)), [])
            is_account = string(subject, "kind") == "ServiceAccount" and name != "default"
            is_idle = bool(beside) and all(own.spec.account in _DEFAULT for own in beside)
            if space and is_account and name not in accounts and is_idle:
                what = (
                    f"{title(artifact)} grants its role to ServiceAccount {name}, which none here"
                )
                said = f"{what} makes, and {title(beside[0].artifact)} beside it runs as `default`:"
                where = artifact.at("subjects", number)
                yield Finding(where, f"{said} it gets none of it; name one account", warning=True)
