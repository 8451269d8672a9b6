"""No policy allows everything, and no federated role is open to more than its own subjects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.conditions import TrustCondition
from tarmac.check.gates.views.terraform.policies import statements
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement

FEDERATED = "sts:AssumeRoleWithWebIdentity"
#: What names one user of a provider: `:sub` of tokens, `:amr` of Cognito's.
SUBJECTS = (":sub", ":amr", ":job_workflow_ref", ":repository")
_WILD = re.compile(r"[*?]")
#: Subjects by their kind: what stands before the first pattern must end where a name does.
_PLACES = (
    (re.compile(r"repo:([^/]*)(/.*)?"), "organisation"),
    (re.compile(r"repository_owner:([^:]*)(:.*)?"), "owner"),
    (re.compile(r"project_path:([^/]*)(/.*)?"), "group"),
    (re.compile(r"organization:([^:]*)(:.*)?"), "organisation"),
    (re.compile(r"system:serviceaccount:([^:]*)(:.*)?"), "namespace"),
)
#: A condition on a field that a variable names.
_OPEN = re.compile(r":\$\{[^}]*\}$")


def check(files: Files) -> Iterator[Finding]:
    """Yield statements that allow everything, and trust in more than its own subjects."""
    for statement in statements(files):
        if not statement.allows or statement.partial:
            continue
        # Only trust is of a role, and names no resource: to others it is one right more.
        if statement.has("Action", FEDERATED) and not {"Resource", "NotResource"} & {
            *statement.parts
        }:
            yield from _trust(statement)
        if statement.has("Action", "*") and statement.has("Resource", "*"):
            what = "allows every action on every resource; name what is done"
            yield Finding(statement.where, what, warning=True)
        if statement.has("Principal", "*") and not statement.parts.get("Condition"):
            what = "allows every account without a condition; name the accounts or services"
            yield Finding(statement.where, what, warning=True)


def _trust(statement: PolicyStatement) -> Iterator[Finding]:
    if not _names_subject(statement):
        yield Finding(
            statement.where,
            "trusts every identity of the provider: its condition names no subject; compare "
            "`:sub` with the service account or the repository",
        )
        return
    asked = [one for one in statement.conditions if one.key.endswith(":sub")]
    for one in asked:
        yield from _subjects(statement, one)
    said = statement.parts.get("Condition", ())
    is_other = any(text.endswith((":aud", ":amr", ":azp")) for text in said)
    if asked and not is_other:
        what = "asks for no audience, so a token for any client of the provider is taken"
        advice = "compare `:aud` with sts.amazonaws.com"
        yield Finding(statement.where, f"{what}; {advice}", warning=True)


def _subjects(statement: PolicyStatement, asked: TrustCondition) -> Iterator[Finding]:
    for value in asked.values:
        if asked.is_pattern and "$" not in value and (wide := _too_wide(value)):
            what = f"trusts {value}, which is {wide}"
            yield Finding(statement.where, f"{what}; write the name to its end")


def _too_wide(value: str) -> str:
    """Say whose subjects a pattern takes beside its own; "" where it takes no others."""
    if value.strip("*") == "":
        return "every subject of the provider"
    for pattern, kind in _PLACES:
        if (found := pattern.fullmatch(value)) and (name := found[1]) and _WILD.search(name):
            if name.strip("*?") == "":
                return f"every {kind}'s"
            return f"any {kind}'s whose name fits {name}"
    return ""


def _names_subject(statement: PolicyStatement) -> bool:
    said = statement.parts.get("Condition", ())
    return any(text.endswith(SUBJECTS) or _OPEN.search(text) for text in said)


GATE = Gate(
    id="INF005",
    title="No policy allows everything, and trust in a provider names its subject",
    phase="security",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html: "
    "without a condition on the subject any repository of GitHub, any pod of the cluster, gets the "
    "role",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("policy statements", statements),
    targets=("cluster",),
    reads="blocks `statement` of aws_iam_policy_document, objects with Effect and Action, and "
    "policies in files of JSON: subjects and audiences of trust, by how they are compared. "
    "Statements with loops in them are not judged.",
)
