"""Amounts of memory, disk and processors that no container means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, fields, items, text
from tarmac.base.written import amount

#: Amounts of bytes, of which any has a million.
SIZES = frozenset({"memory", "storage", "sizeLimit"})
SMALLEST = 1000**2
#: Groups whose operators read amounts in units of their program: of Java `m` is a mebibyte.
_OWN_UNITS = ("flink.apache.org/",)
#: A container that asks for so many has lost the `m` of its unit.
MOST_CORES = 100
#: Metrics that are there without a pod: an autoscaler for them may have none.
OUTER = ("External", "Object")
#: Amounts of a container, or what a namespace gives one.
_OF_CONTAINERS = frozenset({"requests", "limits", "default", "defaultRequest"})
#: What a scheduler keeps for a container; 0 is nothing.
_ASKED = ("requests", "defaultRequest")
#: Amounts: none is below zero.
AMOUNTS = frozenset({"requests", "limits", "hard", "default", "defaultRequest", "max", "min"})


def gives_defaults(limits: Artifact) -> bool:
    """Tell whether a LimitRange gives containers what they do not say themselves."""
    return any(
        fields(limit, "default") and fields(limit, "defaultRequest")
        for limit in items(limits.data, "spec", "limits")
    )


def is_amount(path: Path) -> bool:
    """Tell whether the value at a path is an amount."""
    return len(path) > 1 and (path[-2] in AMOUNTS or path[-1] in SIZES)


def asked_amounts(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    """Yield amounts of `resources` at any depth: of pods of an operator, or in a chart's values."""
    if not str(data.get("apiVersion")).startswith(_OWN_UNITS):
        yield from _asked_amounts(data, ())


def _asked_amounts(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            here = (*path, str(key))
            for which in ("requests", "limits") if key == "resources" else ():
                for name, own in fields(part, which).items():
                    yield (*here, which, str(name)), own
            yield from _asked_amounts(part, here)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _asked_amounts(part, (*path, number))


def wrong_amount(path: Path, value: Any) -> str:
    """Return what is wrong with an amount; empty: nothing."""
    try:
        found = amount(value)
    except ValueError:
        return ""  # VAL001 and OBJ005 say so
    if found < 0:
        return f"is {value}, but an amount cannot be negative; write it"
    if found == 0 and path[-1] == "memory" and path[-2] in _ASKED:
        return ""  # without it the limit would be asked for
    is_size = str(path[-1]).rpartition(".")[2] in SIZES
    # A volume for a small file may have a small limit, where its unit is written.
    is_meant = path[-1] == "sizeLimit" and str(value).endswith(("k", "Ki"))
    if is_size and found < SMALLEST and not is_meant:
        return f"is {value}, which is {found} bytes; write the unit, e.g. 512Mi"
    if path[-1] == "cpu" and path[-2] in _OF_CONTAINERS and found >= MOST_CORES:
        return f"is {value}, more cores than a node has; write thousandths, e.g. 200m"
    return ""


def unless(data: Any, path: Path) -> str:
    """Say when a server takes a number all the same; empty: never."""
    is_outer = any(text(one, "type") in OUTER for one in items(data, "spec", "metrics"))
    is_least = path == ("spec", "minReplicas") and is_outer
    return ", unless the cluster has the feature HPAScaleToZero" if is_least else ""
