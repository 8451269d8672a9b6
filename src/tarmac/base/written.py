"""Values as files write them: numbers that remember their text, Kubernetes amounts, durations."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

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
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: Those and Prometheus's longer ones; a year has 365 days.
_ALL_SECONDS = {**SECONDS, "w": 604800.0, "y": 31536000.0}
_PARTS = re.compile(rf"(\d+(?:\.\d+)?)({'|'.join(_ALL_SECONDS)})")


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


def duration(seconds: float, unit: str = "") -> str:
    """Write a duration as Prometheus and Kubernetes read it: `1h30m`.

    Args:
        unit: write it in this one alone, `90m`; in seconds where that leaves a rest.
    """
    left, found = round(seconds), ""
    if unit:
        many, rest = divmod(left, round(SECONDS[unit]))
        return f"{left}s" if rest else f"{many}{unit}"
    for suffix in ("d", "h", "m", "s"):
        many, left = divmod(left, round(SECONDS[suffix]))
        found += f"{many}{suffix}" if many else ""
    return found or "0s"


def seconds(written: str) -> float:
    """Read a duration of Prometheus or Kubernetes: `1h30m`, `1.5s`; 0 for what is none."""
    return sum((float(many) * _ALL_SECONDS[unit] for many, unit in _PARTS.findall(written)), 0.0)


def amount(written: Any) -> Decimal:
    """Read an amount: cores or bytes. Raises ValueError for what is none."""
    text = as_written(written).strip()
    if (match := _AMOUNT.fullmatch(text)) is None:
        what = text if len(text) <= 40 else f"{text[:40]}..."
        raise ValueError(f"'{what}' is not an amount; write e.g. 250m or 256Mi")
    return Decimal(match[1]) * _UNITS[match[2]]
