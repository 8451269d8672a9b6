"""Rights in the cluster: service accounts, roles and their bindings."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.objects.references import Reference, reference
from tarmac.gates.views.reading import Fields, fields, flag, items, text


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
