"""Values in the words of a review: short, on one line, nothing of them read as Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from tarmac.base.launch import (
    CommandProbe,
    ExchangeProbe,
    GrpcProbe,
    HttpProbe,
    Secret,
    TcpProbe,
    redact,
)
from tarmac.plan.cluster import MountedFile, Scale

#: Characters of a value that are shown.
LONGEST = 120
#: Of these, around what is not the same in a long one.
AROUND = 20
_AMOUNT = re.compile(r"([0-9.]+(?:[eE][0-9]+)?)([a-zA-Z]*)$")
_UNITS = {"": 1.0, "m": 0.001, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGT", start=1)}


def code(value: Any) -> str:
    """Write a value as code, which a forge shows as it stands; a long one is cut in its middle."""
    written = " ".join(text(value).split()) or '""'
    if len(written) > LONGEST:
        half = LONGEST // 2
        written = f"{written[:half]} ... {written[-half:]}"
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", written)), default=0))
    gap = " " if "`" in written else ""
    return f"{fence}{gap}{written}{gap}{fence}"


def moved(old: Any, new: Any) -> str:
    """Write the old and the new value; of long ones the difference and its surroundings."""
    before, after = (" ".join(text(value).split()) for value in (old, new))
    if max(len(before), len(after)) > LONGEST:
        start = _same(before, after)
        end = _same(before[start:][::-1], after[start:][::-1])
        before, after = (_around(written, start, len(written) - end) for written in (before, after))
    return f"{code(before)} -> {code(after)}"


def _same(one: str, other: str) -> int:
    """Count the first characters that are the same."""
    shorter = min(len(one), len(other))
    return next((n for n in range(shorter) if one[n] != other[n]), shorter)


def _around(written: str, start: int, end: int) -> str:
    first, last = max(0, start - AROUND), end + AROUND
    head, tail = "... " * (first > 0), " ..." * (last < len(written))
    return f"{head}{written[first:last]}{tail}"


def text(value: Any) -> str:
    """Write a value in full, each secret as its path."""
    match value:
        case None:
            return "nothing"
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Secret():
            return redact((value,))
        case tuple() if value and all(isinstance(part, str | Secret) for part in value):
            secret = any(isinstance(part, Secret) for part in value)
            return redact(value) if secret or len(value) == 1 else ", ".join(map(text, value))
        case Mapping():
            return ", ".join(f"{name} {text(item)}" for name, item in value.items())
        case tuple() | list():
            return ", ".join(map(text, value))
        case _:
            return _of_plan(value)


def _of_plan(value: Any) -> str:
    """Write one of the plan's own types."""
    match value:
        case HttpProbe(port, path):
            return f"GET {path} on port {port}"
        case GrpcProbe(port, service):
            return f"gRPC health {service} on port {port}".replace("  ", " ")
        case TcpProbe(port) | ExchangeProbe(port):
            return f"a connection to port {port}"
        case CommandProbe(argv):
            return " ".join(argv)
        case MountedFile():
            return f"{value.path}: {redact(value.content)}"
        case Scale():
            return scale(value)
        case BaseModel():
            return text(value.model_dump(exclude_none=True))
        case _:
            return str(value)


def scale(value: Scale) -> str:
    """Write how many there are."""
    if not value.automatic:
        return str(value.least)
    return f"{value.least} to {value.most}"


def listed(values: Iterable[Any], most: int = 8) -> str:
    """Write values as a list in a sentence."""
    every = list(values)
    shown = [text(value) for value in every[:most]]
    if len(every) > most:
        return f"{', '.join(shown)} and {len(every) - most} more"
    return ", ".join(shown[:-1]) + f" and {shown[-1]}" if len(shown) > 1 else "".join(shown)


def plural(number: int, what: str) -> str:
    """Write how many of something: `1 replica`, `2 replicas`."""
    ending = "" if number == 1 else "s"
    return f"{number} {what[:-1] + 'ies' if ending and what.endswith('y') else what + ending}"


def amount(value: str) -> float:
    """Read an amount of Kubernetes: `250m`, `256Mi`; not a number where it is none."""
    match = _AMOUNT.match(value)
    unit = _UNITS.get(match[2]) if match else None
    return float(match[1]) * unit if match and unit is not None else math.nan


def major(version: str) -> str:
    """Cut a version's first number out; the version itself where it has none."""
    found = re.search(r"\d+", version)
    return found[0] if found else version
