"""Fields of which an API server refuses one because of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tarmac.base.foreign.reading import at_each, dig, items
from tarmac.check.gates.views.objects.server_values import Refusal, steps
from tarmac.model.value import amount


def beside(data: Any, at: Sequence[str], rule: Mapping[str, Any]) -> Iterator[Refusal]:
    """Yield fields that others rule out, and objects without a field that others require."""
    for path, holder in at_each(data, at):
        if not isinstance(holder, Mapping):
            continue
        if not all(_is_one(holder, key, of) for key, of in rule["when"].items()):
            continue
        beside = ", ".join(f"{k} {dig(holder, k)}" for k, of in rule["when"].items() if _says(of))
        given = f" beside {beside}" if beside else ""
        for below, value in at_each(holder, steps(rule["refuse"])) if "refuse" in rule else ():
            if value not in (None, [], {}, ""):
                yield Refusal((*path, *below), f"is refused{given}: {rule['why']}; remove it")
        if "need" in rule and not _has(holder, rule["need"]):
            needed = rule["need"].replace("\\", "").replace("|", " or ")
            yield Refusal(path, f"needs {needed}{given}: {rule['why']}; write it")


def _says(wanted: Sequence[Any]) -> bool:
    return not {"any", "none"} & set(map(str, wanted))


def _is_one(holder: Any, key: str, wanted: Sequence[Any]) -> bool:
    value = dig(holder, *_numbers(steps(key)))
    return ("none" in wanted) if value in (None, "") else ("any" in wanted or value in wanted)


def _numbers(steps: Sequence[str]) -> Iterator[str | int]:
    return (int(step) if step.isdigit() else step for step in steps)


def _has(holder: Any, places: str) -> bool:
    """Tell whether one of some places is there; one of a list's items, in each of them."""
    return any(_has_all(holder, steps(place)) for place in places.split("|"))


def _has_all(holder: Any, steps: Sequence[str]) -> bool:
    if "-" not in steps:
        found = dig(holder, *_numbers(steps))
        return found is not None and (found != "" or steps[0] in ("data", "stringData"))
    at = steps.index("-")
    return all(_has_all(one, steps[at + 1 :]) for one in items(holder, *steps[:at]))


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
