"""Values of published charts, read from assets/observability/values."""

from __future__ import annotations

from typing import Any

from tarmac.render import texts
from tarmac.render.texts import Values


def chart_values(chart: str, values: Values) -> dict[str, Any]:
    """Read what differs from a chart's own values, with these in the place of placeholders."""
    found: dict[str, Any] = texts.filled_asset(f"observability/values/{chart}.yaml", values)
    return found
