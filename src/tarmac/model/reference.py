"""References in env values: `${stores.orders-db.url}`; every one of a service or store is an edge.

Found here, resolved by `plan.references`; `$${` writes a literal `${`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_PATTERN = re.compile(r"\$\$\{|\$\{([^{}]*)\}")


@dataclass(frozen=True)
class Reference:
    """`${root.name.output}`; `root` is services, stores, volumes, broker or system."""

    root: str
    name: str
    output: str
    source: str


@lru_cache(maxsize=1 << 14)
def split(value: str) -> tuple[str | Reference, ...]:
    """Split a value into literal text and references, in order.

    Raises:
        ValueError: something in `${...}` that has not the form of a reference.
    """
    if "${" not in value:
        return (value,) if value else ()
    pieces: list[str | Reference] = []
    position = 0
    for match in _PATTERN.finditer(value):
        pieces.append(value[position : match.start()])
        position = match.end()
        if match[0] == "$${":
            pieces.append("${")
            continue
        steps = match[1].split(".")
        if len(steps) == 2:  # ${system.name}, ${broker.url}
            pieces.append(Reference(steps[0], steps[0], steps[1], match[0]))
        elif len(steps) == 3:
            pieces.append(Reference(steps[0], steps[1], steps[2], match[0]))
        else:
            raise ValueError(
                f"'{match[0]}' is not a reference; write ${{stores.NAME.url}}, "
                "${services.NAME.address} or ${system.name}"
            )
    pieces.append(value[position:])
    if any(isinstance(piece, str) and piece != "${" and "${" in piece for piece in pieces):
        raise ValueError("'${' has no end; close it with '}', or write '$${' for the characters")
    return tuple(piece for piece in pieces if piece != "")
