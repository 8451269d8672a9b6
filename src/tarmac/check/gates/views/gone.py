"""What is no longer there, and since when: assets/gone.yaml, read once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from tarmac.check.gates.views.published import asset


def gone(name: str) -> Any:
    """Read a section. Raises KeyError."""
    return asset("gone.yaml")[name]


@lru_cache(maxsize=4096)
def gone_image(image: str, today: date) -> Mapping[str, Any] | None:
    """Find what is known of an image that its registry has no more; None where nothing is."""
    known = (one for one in gone("images") if one["since"] <= today)
    return next((one for one in known if re.fullmatch(one["image"], image)), None)
