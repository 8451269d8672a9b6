"""Roles of AWS in a folder of Terraform, with all that gives them rights there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import DOCUMENT_OF, Resources, argument

_ELSEWHERE = re.compile(r"managed_policy_arns|inline_policy")
#: A policy that AWS keeps, as it stands in a text: the last word of its path.
_OF_AWS = re.compile(r'"arn:[^"]*:iam::aws:policy/(?:[\w-]+/)?([\w-]+)"')


class ManagedPolicy(NamedTuple):
    """A policy of AWS' own that is attached to a role."""

    name: str
    where: str


class Role(NamedTuple):
    """A role whose policies are all written here."""

    name: str
    #: Where it is given a right: the blocks with its policies.
    given: tuple[TerraformBlock, ...]
    #: What AWS keeps, by its name.
    managed: tuple[ManagedPolicy, ...]

    @property
    def text(self) -> str:
        """All that its policies say."""
        return "\n".join(block.text for block in self.given)


def roles(root: Resources) -> Iterator[Role]:
    """Yield the roles of a folder whose policies are all known."""
    inline = _by_role(root, "aws_iam_role_policy")
    attached = _by_role(root, "aws_iam_role_policy_attachment")
    for role in root.of("aws_iam_role"):
        given, managed = list(inline.get(role.names[2], ())), list[ManagedPolicy]()
        is_known = True
        for one in attached.get(role.names[2], ()):
            line, text = argument(one, "policy_arn")
            policy, of_aws = (
                root.named(one, "policy_arn", "aws_iam_policy"),
                _OF_AWS.fullmatch(text),
            )
            if of_aws is not None:
                managed.append(ManagedPolicy(of_aws[1], f"{one.file}:{line}"))
            given += [policy] if policy is not None else []
            is_known = is_known and (policy is not None or of_aws is not None)
        for block in list(given):
            for name in DOCUMENT_OF.findall(block.text):
                given += [root.documents[name]] if name in root.documents else []
                is_known = is_known and name in root.documents
        if (given or managed) and is_known and not _ELSEWHERE.search(role.text):
            yield Role(role.names[2], tuple(given), tuple(managed))


def _by_role(root: Resources, kind: str) -> dict[str, list[TerraformBlock]]:
    """Group the resources of a kind by the names of the roles that they are for."""
    found: dict[str, list[TerraformBlock]] = {}
    for one in root.of(kind):
        if (role := root.named(one, "role", "aws_iam_role")) is not None:
            found.setdefault(role.names[2], []).append(one)
    return found
