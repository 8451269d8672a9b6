"""Objects that a chart's templates make: what its own values leave open, others may give."""

from __future__ import annotations

from typing import Any

from tarmac.base.artifact import Artifact


def is_templated(artifact: Artifact) -> bool:
    """Tell whether a template of a chart makes an object."""
    return "templates/" in artifact.built_by


def is_cut(artifact: Artifact, value: Any) -> bool:
    """Tell whether a template's text lacks the part before or after a sign, as in `orders-`."""
    return is_templated(artifact) and isinstance(value, str) and value != value.strip("-._/")
