"""A role of AWS trusts the service account whose annotation names it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import metadata, name_of, space_of, title
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.resources import DOCUMENT_OF, resources_of

_ANNOTATION = "eks.amazonaws.com/role-arn"
_ARN = re.compile(r"arn:aws[\w-]*:iam::\S*:role/(?:[\w+=,.@-]+/)*([\w+=,.@-]+)")
_NAME = re.compile(r'^[ \t]*name\s*=\s*"([^"$]+)"', re.MULTILINE)
_TRUST = re.compile(r"^[ \t]*assume_role_policy\s*=", re.MULTILINE)
_SUBJECT = re.compile(r'"system:serviceaccount:([^"]*)"')


def check(files: Files) -> Iterator[Finding]:
    """Yield accounts whose pods get no credentials: the role that they name trusts others."""
    roles = dict(_roles(files))
    for artifact in _judged(files):
        space, role = space_of(artifact), _role(artifact)
        trusted = roles.get(role)
        if not trusted or not space:
            continue
        own = f"{space}:{name_of(artifact)}"
        if not any(re.fullmatch(_pattern(one), own) for one in trusted):
            what = f"{title(artifact)} names the role {role}, which trusts {', '.join(trusted)}"
            where = artifact.at("metadata", "annotations", _ANNOTATION)
            yield Finding(
                where, f"{what} and not {own}: its pods get no credentials; write it there"
            )


def _roles(files: Files) -> Iterator[tuple[str, list[str]]]:
    """Yield the roles whose trusted accounts are written, by their names."""
    for root in resources_of(files):
        for role in root.of("aws_iam_role"):
            name, trust = _NAME.search(role.text), _TRUST.search(role.text)
            if name is None or trust is None:
                continue
            named = DOCUMENT_OF.search(role.text, trust.start())
            holder = root.documents.get(named[1]) if named else role
            subjects = list(dict.fromkeys(_SUBJECT.findall(holder.text))) if holder else []
            if subjects and not any("$" in one for one in subjects):
                yield name[1], subjects


def _pattern(subject: str) -> str:
    return re.escape(subject).replace(r"\*", ".*").replace(r"\?", ".")


def _role(artifact: Artifact) -> str:
    found = _ARN.fullmatch(str(metadata(artifact).annotations.get(_ANNOTATION, "")))
    return found[1] if found else ""


def _judged(files: Files) -> list[Artifact]:
    return [one for one in files.objects("ServiceAccount") if _role(one)]


GATE = Gate(
    id="INF019",
    title="A role trusts the service account that names it",
    phase="security",
    source="https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html: "
    "the account names the role and the role the account; where they differ, AWS refuses the pods",
    check=check,
    of_files=check,
    scope=counted_in_files("service accounts with a role", _judged),
    targets=("cluster",),
    reads="eks.amazonaws.com/role-arn of ServiceAccounts beside aws_iam_role and its policy, as "
    "far as both are written as texts. Roles that a module makes are not known.",
)
