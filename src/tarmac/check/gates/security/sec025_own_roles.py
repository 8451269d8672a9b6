"""A role of AWS is not assumed by what has it already."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import kind_of, metadata, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_ANNOTATION = "eks.amazonaws.com/role-arn"
_ISSUERS = ("Issuer", "ClusterIssuer")
_STORES = ("SecretStore", "ClusterSecretStore")


def check(files: Files) -> Iterator[Finding]:
    """Yield roles that a controller is to assume, and that an account here has."""
    asked = list(_judged(files))
    had = dict(_had(files)) if asked else {}
    for artifact, path, role in asked:
        if role in had:
            what = (
                f"{title(artifact)} is to assume {role.rpartition('/')[2]}, which {had[role]} has"
            )
            said = f"{what} already: AWS refuses that where the role does not trust itself; leave"
            yield Finding(artifact.at(*path), f"{said} `role` out", warning=True)


def _had(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the roles that accounts of a cluster have."""
    for one in files.objects("ServiceAccount"):
        if role := metadata(one).annotations.get(_ANNOTATION):
            yield str(role), title(one)
    for one in files.objects("ClusterConfig"):
        for given in items(one.data, "iam", "podIdentityAssociations"):
            if role := string(given, "roleARN"):
                yield role, f"ServiceAccount {string(given, 'serviceAccountName')}"
        for given in items(one.data, "iam", "serviceAccounts"):
            if role := string(given, "attachRoleARN"):
                yield role, f"ServiceAccount {string(given, 'metadata', 'name')}"


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, Path, str]]:
    """Yield the roles that issuers and stores name, each with its place."""
    for one in files.objects(*_ISSUERS, *_STORES):
        if kind_of(one) in _STORES:
            if role := string(one.data, "spec", "provider", "aws", "role"):
                yield one, ("spec", "provider", "aws", "role"), role
            continue
        for number, solver in numbered(one.data, "spec", "acme", "solvers"):
            if role := string(solver, "dns01", "route53", "role"):
                at: Path = ("spec", "acme", "solvers", number, "dns01", "route53", "role")
                yield one, at, role


GATE = Gate(
    id="SEC025",
    title="A role of AWS is not assumed by what has it already",
    phase="security",
    source="https://aws.amazon.com/blogs/security/announcing-an-update-to-iam-role-trust-policy-"
    "behavior: a role that assumes itself has to be trusted by its own policy",
    check=check,
    of_files=check,
    scope=counted_in_files("roles to assume", _judged),
    targets=("cluster",),
    reads="roles of issuers of cert-manager and of stores of External Secrets, beside those of "
    "ServiceAccounts and of eksctl's ClusterConfig.",
)
