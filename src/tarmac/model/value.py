"""The small types of the model: names, durations and the strict base of every mapping."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)(ms|s|m|h|d)$")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Strict(BaseModel):
    """A mapping of the file: unknown keys are errors, nothing is converted, nothing changes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and (match := _DURATION.match(value)):
        return float(match[1]) * _SECONDS[match[2]]
    raise ValueError("write a number and its unit, e.g. 200ms, 2s, 15m, 6h or 30d")


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


#: Seconds, written with a unit: 200ms, 2s, 30d.
Duration = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
#: A service, store or other thing of the system; it becomes a DNS name in a cluster.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")]
Topic = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
EnvValue = str | int | float | bool
#: One string, or a list of them.
OneOrMore = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
]
