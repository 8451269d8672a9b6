"""Numbers of which an API server wants one to be below another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tarmac.base.foreign.reading import at_each, dig
from tarmac.base.written import amount
from tarmac.check.gates.views.objects.server_values import Refusal, steps


def below(data: Any, at: Sequence[str], pairs: Sequence[Sequence[Any]]) -> Iterator[Refusal]:
    """Yield numbers that are not below their bounds."""
    for path, holder in at_each(data, at):
        for low, high, least in pairs:
            value, bound = dig(holder, *steps(low)), dig(holder, *steps(high))
            is_number = all(isinstance(one, int) for one in (value, bound))
            if is_number and value >= max(bound, least):
                what = f"is {value}, and must be below {high} ({bound}); lower it"
                yield Refusal((*path, *steps(low)), what)


def ordered(data: Any, at: Sequence[str], pairs: Sequence[Sequence[str]]) -> Iterator[Refusal]:
    """Yield lower bounds that are above their upper ones."""
    for path, holder in at_each(data, at):
        for low, high in pairs:
            most = dig(holder, *steps(high))
            for below, least in at_each(holder, steps(low)):
                if _is_above(least, most):
                    yield Refusal((*path, *below), f"is {least}, above {high} ({most}); lower it")


def _is_above(least: Any, most: Any) -> bool:
    try:
        return None not in (least, most) and amount(least) > amount(most)
    except (ValueError, TypeError):
        return False
