"""ARNs of secrets without the characters that AWS adds to their names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement

_SECRET = re.compile(r"arn:[\w-]+:secretsmanager:[^:]*:[^:]*:secret:([\w/+=.@-]+)")
_ADDED = re.compile(r".*-[A-Za-z0-9]{6}")


def secret_arns(statement: PolicyStatement) -> Iterator[str]:
    """Yield the resources of a statement that are the ARN of no secret."""
    for written in statement.parts.get("Resource", ()) if statement.allows else ():
        found = _SECRET.fullmatch(written)
        if found and not _ADDED.fullmatch(found[1]):
            what = f"names the secret {found[1]} without the end of its ARN, which AWS makes of a"
            said = f"{what} hyphen and six characters: it matches no secret"
            yield f"{said}; write {found[1]}-??????"
