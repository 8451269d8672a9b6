"""Roles of AWS are mapped to users of a cluster by the ARN that it compares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import fields, mappings, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import name_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_NAME = "aws-auth"
_WITH_PATH = re.compile(r"(arn:[\w-]+:iam::\d*:role)/((?:[\w+=,.@-]+/)+)([\w+=,.@-]+)")


class MappedRole(NamedTuple):
    """A role in the mapping of a cluster."""

    artifact: Artifact
    arn: str


def check(files: Files) -> Iterator[Finding]:
    """Yield roles with a path, which no identity has."""
    for one in _mapped(files):
        if found := _WITH_PATH.fullmatch(one.arn):
            what = f"{title(one.artifact)} maps {one.arn} with the path {found[2]}, which the"
            said = f"{what} identity of a caller does not have: it is Unauthorized; write"
            where = one.artifact.at("data", "mapRoles")
            yield Finding(where, f"{said} {found[1]}/{found[3]}")


@once
def _mapped(files: Files) -> Iterator[MappedRole]:
    for artifact in files.objects("ConfigMap"):
        text = fields(artifact.data, "data").get("mapRoles")
        if name_of(artifact) == _NAME and isinstance(text, str):
            for entry in mappings(first(text)):
                if arn := string(entry, "rolearn"):
                    yield MappedRole(artifact, arn)


GATE = Gate(
    id="SEC049",
    title="Roles of AWS are mapped by the ARN that a cluster compares",
    phase="security",
    source="https://docs.aws.amazon.com/eks/latest/userguide/auth-configmap.html: the ARN of a "
    "role cannot include a path; https://github.com/kubernetes-sigs/aws-iam-authenticator/issues/268",
    check=check,
    of_files=check,
    scope=counted_in_files("roles in aws-auth", _mapped),
    targets=(),
    reads="mapRoles of the ConfigMap aws-auth. Judges files without a plan only.",
)
