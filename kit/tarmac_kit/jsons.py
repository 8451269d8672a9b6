"""JSON of the values that services hold: UUID, datetime, Decimal, models, sets.

Used where the kit writes JSON: calls, database columns, events, cache. It reads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel


def to_json(value: Any) -> Any:
    """Return what `json` can write for `value`; raise TypeError for what has no clear form."""
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, frozenset | set | tuple):
        return sorted(value) if isinstance(value, frozenset | set) else list(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON; convert it first")


def dumps(value: Any) -> str:
    """Return `value` as compact JSON text."""
    return json.dumps(value, default=to_json, separators=(",", ":"))
