"""Quantities as Kubernetes writes them: `500m`, `0.5`, `1Gi`; one amount has several texts."""

from __future__ import annotations

import re
from decimal import Decimal

_QUANTITY = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?")
_TIMES = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTP", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTP", 1)},
}


def same_quantity(one: object, other: object) -> bool:
    """Tell whether two values are the same amount; false where one is none."""
    first, second = _amount(one), _amount(other)
    return first is not None and first == second


def _amount(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    found = _QUANTITY.fullmatch(str(value))
    return Decimal(found[1]) * _TIMES[found[2] or ""] if found else None
