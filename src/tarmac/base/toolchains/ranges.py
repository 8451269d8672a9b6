"""Ranges of versions, as npm, Python, Poetry, Ruby and Cargo write them. Pure."""

from __future__ import annotations

import re

Version = tuple[int, ...]
#: From the first version on, below the second; None: without end.
Range = tuple[Version, Version | None]

_BOUND = re.compile(r"(>=|<=|~>|~=|===?|!=|\^|~|>|<|=)?\s*v?(\d{1,9}(?:\.\d{1,9})*)(?:\.[*xX])*")
_HYPHEN = re.compile(r"(\d[\w.]*)\s+-\s+(\d[\w.]*)")


def version(text: str) -> Version:
    """Read the numbers of a version, three at least; () where there are none."""
    found = re.search(r"\d{1,9}(?:\.\d{1,9})*", text)
    numbers = tuple(int(part) for part in found[0].split(".")) if found else ()
    return numbers + (0,) * (3 - len(numbers)) if numbers else ()


def ranges(text: str) -> tuple[Range, ...]:
    """Read the ranges of which a version has to be in one; none for what is not understood."""
    found = []
    for choice in re.split(r"\s*\|\|?\s*", _HYPHEN.sub(r">=\1 <=\2", text)):
        low: Version = ()
        high: Version | None = None
        bounds = [b for b in _BOUND.findall(choice) if b[0] != "!="]
        for operator, numbers in bounds:
            start, end = _of(operator, tuple(int(part) for part in numbers.split(".")))
            low = max(low, start)
            high = end if high is None else high if end is None else min(high, end)
        if not bounds:
            return ()
        found.append((low, high))
    return tuple(found)


def fits(number: Version, wanted: tuple[Range, ...]) -> bool:
    """Tell whether a version is in one of the ranges."""
    return any(low <= number and (high is None or number < high) for low, high in wanted)


def _of(operator: str, numbers: Version) -> Range:
    after = (*numbers[:-1], numbers[-1] + 1)
    if operator == ">=":
        return numbers, None
    if operator == ">":
        return after, None
    if operator in ("<", "<="):
        return (), numbers if operator == "<" else after
    if operator == "^":
        significant = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
        return numbers, (*numbers[:significant], numbers[significant] + 1)
    if operator == "~":
        kept = numbers[:2]
        return numbers, (*kept[:-1], kept[-1] + 1)
    if operator in ("~>", "~=") and len(numbers) > 1:
        kept = numbers[:-1]
        return numbers, (*kept[:-1], kept[-1] + 1)
    return numbers, after
