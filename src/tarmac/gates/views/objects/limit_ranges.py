"""LimitRanges: what containers get that say nothing."""

from __future__ import annotations

from tarmac.artifact import Artifact
from tarmac.gates.views.reading import fields, items


def gives_defaults(limits: Artifact) -> bool:
    """Tell whether a LimitRange gives containers what they do not say themselves."""
    return any(
        fields(limit, "default") and fields(limit, "defaultRequest")
        for limit in items(limits.data, "spec", "limits")
    )
