"""Draws the seconds of a drill: visits good and failed, the p99 below, and the faults shaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

#: The drawing's size and parts, in its own units; the page scales it.
WIDTH, LEFT, BARS, GAP, LINE, FOOT, TOP = 900.0, 44.0, 120.0, 26.0, 80.0, 20.0, 28.0
HEIGHT = TOP + BARS + GAP + LINE + FOOT
#: Seconds between two numbers on the axis, so that there are a dozen at most.
STEPS = (1, 2, 5, 10, 30, 60, 300, 600, 3600)
NUMBERS = 12


def element(tag: str, *content: str | Element, **attributes: str) -> Element:
    """Make an element; of an attribute's name a final `_` is left out, and any other is a `-`."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value}
    made = Element(tag, named)
    for part in content:
        if isinstance(part, Element):
            made.append(part)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + part
        else:
            made.text = (made.text or "") + part
    return made


def faults(journal: Mapping[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Yield each fault of a journal with the seconds of its beginning and its end."""
    open_at: dict[str, float] = {}
    for event in journal["events"]:
        label, over, _ = event["what"].partition(" is over: ")
        if over and label in open_at:
            yield label, open_at.pop(label), event["at_s"]
        elif label in {f"{step['fault']} on {step['on']}" for step in journal["method"]}:
            open_at[label] = event["at_s"]


def timeline(journal: Mapping[str, Any]) -> Element:
    """Draw a journal's seconds, of which it has some."""
    seconds = journal["seconds"]
    wide = (WIDTH - LEFT) / len(seconds)
    most = max(second["good"] + second["failed"] for second in seconds) or 1
    slowest_s = max(second["p99_s"] for second in seconds) or 1
    floor, base = TOP + BARS, TOP + BARS + GAP + LINE
    parts: list[Element] = []
    for number, second in enumerate(seconds):
        x = LEFT + number * wide
        good, failed = (BARS * second[key] / most for key in ("good", "failed"))
        parts.append(_rect(x, floor - good, max(1.0, wide - 1), good, "good"))
        if failed:
            parts.append(_rect(x, floor - good - failed, max(1.0, wide - 1), failed, "failed"))
    for number, (label, first_s, last_s) in enumerate(faults(journal)):
        x, width = LEFT + first_s * wide, max(2.0, (last_s - first_s) * wide)
        shade = _rect(x, TOP, width, base - TOP, "fault")
        shade.append(element("title", label))
        parts += [shade, _text(min(x, WIDTH - 180), TOP - 5 - 11 * (number % 2), label)]
    points = " ".join(
        f"{LEFT + (n + 0.5) * wide:.1f},{base - LINE * second['p99_s'] / slowest_s:.1f}"
        for n, second in enumerate(seconds)
    )
    parts.append(element("polyline", points=points, class_="p99"))
    step = next((s for s in STEPS if len(seconds) / s <= NUMBERS), STEPS[-1])
    parts += [_text(LEFT + n * wide, HEIGHT - 5, f"{n} s") for n in range(0, len(seconds), step)]
    parts.append(_text(0, TOP + 10, f"{most}/s"))
    parts.append(_text(0, floor + GAP + 8, f"{1000 * slowest_s:.0f} ms"))
    parts += [
        element("line", x1=f"{LEFT}", x2=f"{WIDTH}", y1=f"{y}", y2=f"{y}", class_="axis")
        for y in (floor, base)
    ]
    label = "Visits per second, good and failed, and their p99; the time of each fault is shaded."
    size = f"0 0 {WIDTH:g} {HEIGHT:g}"
    drawing = element("svg", *parts, viewBox=size, role="img", aria_label=label)
    return element("figure", drawing, element("figcaption", label))


def _rect(x: float, y: float, width: float, height: float, kind: str) -> Element:
    sizes = {"x": x, "y": y, "width": width, "height": height}
    return element("rect", class_=kind, **{name: f"{size:.1f}" for name, size in sizes.items()})


def _text(x: float, y: float, text: str) -> Element:
    return element("text", text, x=f"{x:.1f}", y=f"{y:.1f}")
