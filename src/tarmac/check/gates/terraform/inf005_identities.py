"""No policy allows everything, and no federated role is open to all of its provider's users."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.policies import PolicyStatement, statements

FEDERATED = "sts:AssumeRoleWithWebIdentity"
#: What names one user of a provider: `:sub` of tokens, `:amr` of Cognito's.
SUBJECTS = (":sub", ":amr", ":job_workflow_ref", ":repository")


def check(files: Files) -> Iterator[Finding]:
    """Yield statements that allow everything, and trust without a subject."""
    for statement in statements(files):
        if not statement.allows or statement.partial:
            continue
        if statement.has("Action", FEDERATED) and not _names_subject(statement):
            yield Finding(
                statement.where,
                "trusts every identity of the provider: its condition names no subject; compare "
                "`:sub` with the service account or the repository",
            )
        if statement.has("Action", "*") and statement.has("Resource", "*"):
            what = "allows every action on every resource; name what is done"
            yield Finding(statement.where, what, warning=True)
        if statement.has("Principal", "*") and not statement.parts.get("Condition"):
            what = "allows every account without a condition; name the accounts or services"
            yield Finding(statement.where, what, warning=True)


def _names_subject(statement: PolicyStatement) -> bool:
    said = statement.parts.get("Condition", ())
    return any(text.endswith(SUBJECTS) for text in said)


GATE = Gate(
    id="INF005",
    title="No policy allows everything, and trust in a provider names its subject",
    phase="security",
    source="https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html: "
    "without a condition on the subject any repository of GitHub, any pod of the cluster, gets the "
    "role",
    check=check,
    of_files=check,
    scope=counted_in_files("policy statements", statements),
    targets=("cluster",),
    reads="blocks `statement` of aws_iam_policy_document, and objects with Effect and Action. "
    "Statements with loops in them are not judged, nor are policies in files of JSON.",
)
