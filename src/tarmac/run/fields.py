"""How one object differs from another, a line for each field; what a Secret holds is not shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

#: Controllers write one where another leaves the field out.
_NOTHING: tuple[object, ...] = (None, {}, [])
LONGEST_VALUE = 60


def differences(live: Any, wanted: Any, where: str = "", *, secret: bool = False) -> Iterator[str]:
    """Yield a line for each field that is another one: what is there -> what is wanted."""
    if live == wanted or (live in _NOTHING and wanted in _NOTHING):
        return
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        for key in sorted({*live, *wanted}):
            part = f"{where}.{key}" if where else key
            yield from differences(live.get(key), wanted.get(key), part, secret=secret)
    elif isinstance(live, list) and isinstance(wanted, list) and len(live) == len(wanted):
        for number, (one, other) in enumerate(zip(live, wanted, strict=True)):
            part = f"{where}[{_name(other, number)}]"
            yield from differences(one, other, part, secret=secret)
    elif secret and where.startswith(("data", "stringData")):
        yield f"{where}: another value"
    else:
        yield f"{where}: {short(live)} -> {short(wanted)}"


def _name(item: Any, number: int) -> str:
    return str(item["name"]) if isinstance(item, Mapping) and "name" in item else str(number)


def short(value: Any) -> str:
    """Write a value on one line, for a person."""
    text = "nothing" if value is None else str(value).replace("\n", "\\n")
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
