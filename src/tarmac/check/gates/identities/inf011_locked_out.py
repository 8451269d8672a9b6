"""A service control policy leaves a way into the accounts that it holds."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.policies import statements
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement
from tarmac.check.gates.views.terraform.settings import settings

POLICY = "aws_organizations_policy"
REGION, MFA, PRINCIPAL = "aws:RequestedRegion", "aws:MultiFactorAuthPresent", "aws:Principal"
#: The region of services that have one for all; what signs in and out is among them.
GLOBAL = "us-east-1"
ENTERING = ("*", "sts:*", "sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:AssumeRole*")
#: Services that a list of exceptions from a region's rule must have.
EXCEPTED = ("iam", "sts")


def check(files: Files) -> Iterator[Finding]:
    """Yield denials that hold for the pipeline as well."""
    for statement in _denials(files):
        if what := _locks_out(statement):
            yield Finding(statement.where, what)


def _denials(files: Files) -> list[PolicyStatement]:
    """List denials for every resource and login."""
    holding = {one.file for one in settings(files) if one.path[:2] == ("resource", POLICY)}
    return [
        statement
        for statement in statements(files)
        if statement.where.rpartition(":")[0] in holding
        if not statement.allows and not statement.partial and statement.has("Resource", "*")
        if not any(text.startswith(PRINCIPAL) for text in statement.parts.get("Condition", ()))
    ]


def _locks_out(statement: PolicyStatement) -> str:
    """Say how a statement keeps the pipeline out; empty: it does not."""
    conditions = statement.parts.get("Condition", ())
    exempt = "exempt its role by a condition on aws:PrincipalArn"
    if REGION in conditions:
        if GLOBAL in conditions:
            return ""
        said = f"outside of {GLOBAL}, where IAM and STS are for all regions"
        if statement.has("Action", "*"):
            return f"denies everything {said}; write NotAction with the global services"
        if "NotAction" in statement.parts and (missing := _unexcepted(statement)):
            return f"denies {missing} {said}; add `{missing}:*` to NotAction"
        return ""
    if not statement.has("Action", *ENTERING):
        return ""
    if MFA in conditions:
        return f"denies every login without MFA, and a pipeline has none; {exempt}"
    if conditions:
        return ""
    if statement.has("Action", "*"):
        return f"denies everything to every login, the pipeline's as well; {exempt}"
    return f"denies every role's login, the pipeline's as well; {exempt}"


def _unexcepted(statement: PolicyStatement) -> str:
    """Name a service that signs in and that the exceptions lack; empty where none is missing."""
    excepted = {action.partition(":")[0] for action in statement.parts["NotAction"]}
    return next((name for name in EXCEPTED if name not in excepted), "")


GATE = Gate(
    id="INF011",
    title="Service control policies do not lock out the pipeline",
    phase="security",
    source="https://docs.aws.amazon.com/organizations/latest/userguide/"
    "orgs_manage_policies_scps_examples.html: a policy holds for every login of an account, its "
    "administrators as well, and only the management account can take it back",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("denials of service control policies", _denials),
    targets=("cluster",),
    reads="statements with `Effect`, `Action` or `NotAction` in files with an "
    "aws_organizations_policy. Regions and actions that are computed are not judged.",
)
