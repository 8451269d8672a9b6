"""Durations as Prometheus and Alertmanager write them."""

from __future__ import annotations

import re
from typing import Any

from tarmac.base.written import seconds

_WHOLE = re.compile(r"(\d+(\.\d+)?(ms|s|m|h|d|w|y))+")


def duration_s(value: Any) -> float | None:
    """Read a duration in seconds; None for what is none, e.g. a number without a unit."""
    written = str(value)
    return seconds(written) if _WHOLE.fullmatch(written) or written == "0" else None
