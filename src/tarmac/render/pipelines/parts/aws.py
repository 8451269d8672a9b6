"""AWS policies of a pipeline: the identity provider, the trust of each role, what it may do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
#: The roadmap's. AWS verifies GitHub by its own list of authorities and asks for one all the same:
#: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html
THUMBPRINT = "6938fd4d98bab03faadb97b34396831e3780aea1"


def provider() -> dict[str, Any]:
    """Return which issuer of identities an account believes (`--cli-input-json`)."""
    return {
        "Url": f"https://{ISSUER}",
        "ClientIDList": [AUDIENCE],
        "ThumbprintList": [THUMBPRINT],
    }


def trust(account: str, subjects: list[str]) -> dict[str, Any]:
    """Return which jobs may assume a role: this repository's, on these branches or environments."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": AUDIENCE},
            # The only pattern is that of versions' tags; without one it is equality.
            "StringLike": {f"{ISSUER}:sub": subjects},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def allow(what: Iterable[str], where: list[str] | str) -> dict[str, Any]:
    """Make one statement."""
    return {"Effect": "Allow", "Action": list(what), "Resource": where}


def permissions(*statements: dict[str, Any]) -> dict[str, Any]:
    """Make a policy of statements, and of the login that each command begins with."""
    # A login has no resource of its own: AWS takes it for all or none.
    login = allow(["ecr:GetAuthorizationToken"], "*")
    return {"Version": "2012-10-17", "Statement": [login, *statements]}
