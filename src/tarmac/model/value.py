"""The small types of the model: names, durations and the strict base of every mapping.

A validator raises ValueError with what is wrong with its value, as the rest of a sentence that
begins with the value's name: `is 'soon'; write a number and its unit`.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from tarmac.base.written import SECONDS, WrittenFloat, WrittenInt, amount, as_written, shown

_DURATION = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
NAME = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"
TOPIC = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
PACKAGE = r"^[a-z_][a-z0-9_]*$"
#: The first label of a host name; empty for the domain itself.
HOST_LABEL = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"
#: A part of a recording rule's name.
RULE = r"^[a-z][a-z0-9_]*$"
DATABASE = r"^[A-Za-z][A-Za-z0-9_-]*$"


class StrictModel(BaseModel):
    """A mapping of the file: unknown keys are errors, nothing is converted, nothing changes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and (match := _DURATION.match(value)):
        seconds = float(match[1]) * SECONDS[match[2]]
        if 0 < seconds < math.inf:
            return seconds
        raise ValueError(f"is {shown(value)}; write a finite duration greater than zero")
    raise ValueError(
        f"is {shown(value)}; write a number and its unit, e.g. 200ms, 2s, 15m, 6h or 30d"
    )


def _signed_seconds(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(("+", "-")):
        return -_seconds(value[1:]) if value[0] == "-" else _seconds(value[1:])
    return _seconds(value)


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _plain(value: Any) -> Any:
    if value is None:
        raise ValueError('has no value; write "" for an empty one')
    if isinstance(value, dict | tuple):
        raise ValueError(f"is {shown(value)}; write text, a number, true or false")
    return as_written(value) if isinstance(value, WrittenInt | WrittenFloat) else value


def _amount(value: Any) -> Any:
    if value is None or isinstance(value, bool | dict | tuple):
        raise ValueError(f"is {shown(value)}; write an amount, e.g. 0.5, 500m or 256Mi")
    amount(value)
    return value


def _flag_or_name(value: Any) -> Any:
    if not isinstance(value, bool | str):
        raise ValueError(f"is {shown(value)}; write true, or a name")
    return value


#: Seconds, written with a unit: 200ms, 2s, 30d.
Duration = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
#: The same with a sign: `-10m`.
SignedDuration = Annotated[float, BeforeValidator(_signed_seconds, json_schema_input_type=str)]
#: A service, store or other thing of the system; it becomes a DNS name in a cluster.
Name = Annotated[str, StringConstraints(pattern=NAME)]
HostLabel = Annotated[str, StringConstraints(pattern=HOST_LABEL)]
Topic = Annotated[str, StringConstraints(pattern=TOPIC)]
#: Lower case too: `npm_config_cache` and `http_proxy` are variables of programs that exist.
EnvName = Annotated[str, StringConstraints(pattern=ENV_NAME)]
EnvValue = Annotated[
    str | int | float | bool,
    BeforeValidator(_plain, json_schema_input_type=str | int | float | bool),
]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
#: What a service may use of a machine.
Amount = Annotated[
    str | int | float, BeforeValidator(_amount, json_schema_input_type=str | int | float)
]
FlagOrName = Annotated[
    bool | str, BeforeValidator(_flag_or_name, json_schema_input_type=bool | str)
]
#: One string, or a list of them.
OneOrMore = Annotated[
    tuple[str, ...],
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
]
