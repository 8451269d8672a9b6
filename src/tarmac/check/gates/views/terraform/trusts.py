"""Statements of AWS that trust a principal by an action which it cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement

#: What takes roles for pods of EKS.
_PODS = "pods.eks.amazonaws.com"


def wrong_trust(statement: PolicyStatement) -> Iterator[str]:
    """Yield what is wrong with the action by which a statement trusts a principal."""
    if statement.has("Principal", "Federated") and statement.allows:
        actions = statement.parts.get("Action", ())
        if actions == ("sts:AssumeRole",):
            what = "trusts a provider of identities by sts:AssumeRole, which its tokens cannot use"
            yield f"{what}; write sts:AssumeRoleWithWebIdentity"
    if statement.has("Principal", _PODS) and statement.allows and not statement.partial:
        actions = statement.parts.get("Action", ())
        if "sts:AssumeRole" in actions and not statement.has("Action", "sts:TagSession", "sts:*"):
            what = f"trusts {_PODS} by sts:AssumeRole alone, and it takes a role with session tags:"
            yield f"{what} no pod gets credentials; write sts:TagSession, too"
