"""Draws figures of drills: one bar for each, beside what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from tarmac.drill.report.timeline import element

#: In units of the drawing, which the page scales: a bar is so long at most.
WIDTH, LEFT, LONGEST, ROW, BAR, TOP = 900.0, 330.0, 400.0, 26.0, 14.0, 8.0
#: Characters of a label.
LABEL = 46


@dataclass(frozen=True)
class Bar:
    """A figure."""

    label: str
    value: float
    #: As it is written behind the bar.
    text: str
    #: Up to where, or from where on, it is fine; None: nothing was asked for.
    asked: float | None = None
    is_good: bool = True


def bars(figures: Sequence[Bar], about: str) -> Element:
    """Draw bars from a common zero; a mark stands at what was asked for."""
    most = max((max(one.value, one.asked or 0.0) for one in figures), default=0.0) or 1.0
    height = 2 * TOP + ROW * len(figures)
    parts = [part for row, one in enumerate(figures) for part in _bar(one, row, LONGEST / most)]
    axis = {"x1": LEFT, "x2": LEFT, "y1": TOP, "y2": height - TOP}
    parts.append(element("line", class_="axis", **_units(axis)))
    size = f"0 0 {WIDTH:g} {height:g}"
    return element("svg", *parts, viewBox=size, role="img", aria_label=about)


def _bar(one: Bar, row: int, scale: float) -> Iterable[Element]:
    y = TOP + row * ROW
    kind = "good" if one.is_good else "failed"
    long = max(1.0, one.value * scale)
    label = one.label if len(one.label) <= LABEL else f"{one.label[: LABEL - 3]}..."
    yield element("text", label, **_units({"x": 0.0, "y": y + BAR - 2}))
    sizes = {"x": LEFT, "y": y, "width": long, "height": BAR}
    yield element("rect", class_=kind, **_units(sizes))
    if one.asked is not None:
        x = LEFT + one.asked * scale
        mark = {"x1": x, "x2": x, "y1": y - 3, "y2": y + BAR + 3}
        yield element("line", class_="asked", **_units(mark))
    end = LEFT + max(long, (one.asked or 0.0) * scale) + 8
    yield element("text", one.text, **_units({"x": end, "y": y + BAR - 2}))


def _units(sizes: dict[str, float]) -> dict[str, str]:
    return {name: f"{size:.1f}" for name, size in sizes.items()}
