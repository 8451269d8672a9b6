"""Input series of unit tests of rules, in promtool's notation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tarmac.plan.slo.indicator import number


@dataclass(frozen=True)
class Part:
    """A stretch of a series: one value, or what a counter gains in each step; nan: no sample."""

    value: float
    steps: int


@dataclass(frozen=True)
class Line:
    """One input series of a rule test."""

    series: str
    parts: tuple[Part, ...]
    #: Its parts are what is added in each step, from 0 on.
    counter: bool = False
    #: What a step adds is seen with the value after it, so that a part begins with what is there.
    late: bool = False


def values(line: Line) -> str:
    """Write a series' values: `0+10x5` are six values, from 0 to 50; `_x5` are none."""
    written, at = [], 0.0
    for part in line.parts:
        if part.steps <= 0:
            continue
        if math.isnan(part.value):
            written.append(f"_x{part.steps}")
            continue
        first, gain, many = (at if line.counter else part.value), 0.0, part.steps - 1
        if line.counter:
            gain = part.value
            at += gain * part.steps
            # What a step adds is seen at its end; the very first value is there at once.
            if not line.late and written:
                first += gain
            elif not line.late:
                many += 1
        written.append(f"{number(first)}+{number(gain)}x{many}")
    return " ".join(written)
