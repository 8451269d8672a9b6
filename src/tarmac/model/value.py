"""The small types of the model: names, durations and the strict base of every mapping.

A validator raises ValueError with what is wrong with its value, as the rest of a sentence that
begins with the value's name: `is 'soon'; write a number and its unit`.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

_DURATION = re.compile(r"^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)$")
#: Kubernetes: Resource units; powers of two, then of ten.
_UNITS = {
    **{unit: Decimal(1024) ** n for n, unit in enumerate(("", "Ki", "Mi", "Gi", "Ti", "Pi"))},
    **{unit: Decimal(1000) ** n for n, unit in enumerate(("", "k", "M", "G", "T", "P"))},
    "m": Decimal("0.001"),
}
#: Digits and powers of ten enough for every byte that there is: more cost time, and memory.
_AMOUNT = re.compile(
    rf"([+-]?(?:[0-9]{{1,30}}(?:\.[0-9]{{0,30}})?|\.[0-9]{{1,30}})(?:[eE][+-]?[0-9]{{1,2}})?)"
    rf"({'|'.join(sorted(_UNITS, key=len, reverse=True))})"
)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: Those and Prometheus's longer ones; a year has 365 days.
_ALL_SECONDS = {**_SECONDS, "w": 604800.0, "y": 31536000.0}
_PARTS = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_ALL_SECONDS)})")

NAME = r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$"
TOPIC = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
ENV_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"
PACKAGE = r"^[a-z_][a-z0-9_]*$"
#: The first label of a host name; empty for the domain itself.
HOST_LABEL = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"
DATABASE = r"^[a-z][a-z0-9_]*$"


class WrittenInt(int):
    """A whole number of a file that remembers how it is written: `007`."""

    text: str

    @classmethod
    def of(cls, text: str) -> int:
        """Read a number; a plain int where the text says no more than it."""
        number = cls(text)
        number.text = text
        return int(text) if str(int(text)) == text else number


class WrittenFloat(float):
    """A number of a file that remembers how it is written: `1.10` is no `1.1` in a variable."""

    text: str

    @classmethod
    def of(cls, text: str) -> float:
        """Read a number; a plain float where the text says no more than it."""
        number = cls(text)
        number.text = text
        return float(text) if str(float(text)) == text else number


class StrictModel(BaseModel):
    """A mapping of the file: unknown keys are errors, nothing is converted, nothing changes."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def as_written(value: Any) -> str:
    """Return a scalar as it is written in the file, without quotes."""
    if isinstance(value, WrittenInt | WrittenFloat):
        return value.text
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def shown(value: Any) -> str:
    """Show a value for an error, on one short line."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple | list):
        return "a list"
    if value is None:
        return "empty"
    text = repr(value) if isinstance(value, str) else as_written(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _seconds(value: Any) -> Any:
    if isinstance(value, str) and (match := _DURATION.match(value)):
        seconds = float(match[1]) * _SECONDS[match[2]]
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


def duration(seconds: float, unit: str = "") -> str:
    """Write a duration as Prometheus and Kubernetes read it: `1h30m`.

    Args:
        unit: write it in this one alone, `90m`; in seconds where that leaves a rest.
    """
    left, found = round(seconds), ""
    if unit:
        many, rest = divmod(left, round(_SECONDS[unit]))
        return f"{left}s" if rest else f"{many}{unit}"
    for suffix in ("d", "h", "m", "s"):
        many, left = divmod(left, round(_SECONDS[suffix]))
        found += f"{many}{suffix}" if many else ""
    return found or "0s"


def seconds(written: str) -> float:
    """Read a duration of Prometheus or Kubernetes: `1h30m`, `1.5s`; 0 for what is none."""
    return sum((float(many) * _ALL_SECONDS[unit] for many, unit in _PARTS.findall(written)), 0.0)


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


def amount(written: Any) -> Decimal:
    """Read an amount: cores or bytes. Raises ValueError for what is none."""
    text = as_written(written).strip()
    if (match := _AMOUNT.fullmatch(text)) is None:
        what = text if len(text) <= 40 else f"{text[:40]}..."
        raise ValueError(f"'{what}' is not an amount; write e.g. 250m or 256Mi")
    return Decimal(match[1]) * _UNITS[match[2]]


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
