"""Policies of IAM in files of JSON, which Terraform or a script reads."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any

from tarmac.base.foreign.reading import mappings, places
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.terraform.conditions import of_json
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement


@lru_cache(maxsize=512)  # several gates ask
def of_text(path: str, text: str) -> tuple[PolicyStatement, ...]:
    """Read the statements of a policy, which are where their `Effect` is; none of another file."""
    data = json_object(text) or {}
    written = data.get("Statement")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if '"Effect"' in line]
    given = mappings(written if isinstance(written, list) else [written])
    if "Version" not in data or len(lines) != len(given):
        return ()
    return tuple(
        PolicyStatement(
            f"{path}:{line}",
            {str(name): _words(part) for name, part in one.items()},
            partial="${" in text or "{{" in text,
            conditions=tuple(of_json(one.get("Condition"))),
        )
        for line, one in zip(lines, given, strict=True)
    )


def _words(part: Any) -> tuple[str, ...]:
    """List the texts below a part, keys among them."""
    found = tuple(places([part]))
    keys = (str(step) for path, _ in found for step in path[1:] if isinstance(step, str))
    return tuple(dict.fromkeys(chain(keys, (text for _, text in found))))
