"""Draws a system's services and stores in columns, each edge as a curve; one picture, no script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from tarmac.drill.report.timeline import element
from tarmac.plan.graph import cycle, waves

WIDTH, HEIGHT, GAP_X, GAP_Y, EDGE = 150, 30, 60, 16, 8
#: A text is cut there; the page has the whole name.
LABEL = 20


def drawing(facts: Mapping[str, Any]) -> Element:
    """Draw callers left of what they call, and stores at the right."""
    at = _places(_columns(facts))
    lines = [
        (one["name"], to)
        for one in facts["services"]
        for to in (*one["calls"], *one["stores"], *one["externals"])
        if one["name"] in at and to in at
    ]
    right = max(x for x, _ in at.values()) + WIDTH
    below = max(y for _, y in at.values()) + HEIGHT
    parts = [_edge(at[source], at[target]) for source, target in lines]
    services = {one["name"] for one in facts["services"]}
    for name, place in at.items():
        parts += _frame(name, place, "service" if name in services else "store")
    about = f"{len(services)} services, {len(at) - len(services)} stores and externals"
    size = f"{-EDGE} {-EDGE} {right + 2 * EDGE} {below + 2 * EDGE}"
    return element(
        "svg", *parts, viewBox=size, role="img", aria_label=f"{about}, {len(lines)} edges"
    )


def _columns(facts: Mapping[str, Any]) -> list[list[str]]:
    calls = {one["name"]: one["calls"] for one in facts["services"]}
    # Services that call each other have no order: they stand in one column.
    columns = [sorted(calls)] if cycle(calls) else [list(wave) for wave in reversed(waves(calls))]
    ends = [*(store["name"] for store in facts["stores"]), *facts["externals"]]
    return [*columns, ends] if ends else columns


def _places(columns: list[list[str]]) -> dict[str, tuple[int, int]]:
    tallest = max(map(len, columns))
    found = {}
    for number, column in enumerate(columns):
        above = (tallest - len(column)) * (HEIGHT + GAP_Y) // 2
        for row, name in enumerate(column):
            found[name] = (number * (WIDTH + GAP_X), above + row * (HEIGHT + GAP_Y))
    return found


def _frame(name: str, place: tuple[int, int], kind: str) -> list[Element]:
    x, y = place
    label = name if len(name) <= LABEL else f"{name[: LABEL - 3]}..."
    sizes = {"x": str(x), "y": str(y), "width": str(WIDTH), "height": str(HEIGHT), "rx": "5"}
    frame = element("rect", class_=f"frame {kind}", **sizes)
    text = element("text", label, x=str(x + WIDTH // 2), y=str(y + 20), text_anchor="middle")
    return [frame, text]


def _edge(start: tuple[int, int], end: tuple[int, int]) -> Element:
    """Curve from a frame's right side to another's left side, which may be behind it."""
    x1, y1 = start[0] + WIDTH, start[1] + HEIGHT // 2
    x2, y2 = end[0], end[1] + HEIGHT // 2
    bend = max(40, abs(x2 - x1) // 2)
    return element(
        "path", class_="edge", d=f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    )
