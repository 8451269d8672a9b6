"""Panels as data, from assets/dashboards and from the kinds of stores; its README.md says how."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from tarmac.plan.slo.indicator import USERS
from tarmac.render import texts
from tarmac.render.observability.boards.panels import RED, YELLOW, Panel, Query, Row
from tarmac.render.texts import Value, Values

FOLDER = files("tarmac") / "assets" / "dashboards"
#: A saturation from which to look closer, and one that hurts.
FULL = {0.8: YELLOW, 0.95: RED}
CLASSES = tuple({"class": first} for first in "2345")


def one(name: str, value: float | None) -> tuple[Mapping[str, str], ...]:
    """Make an item with a number, if there is one."""
    return () if value is None else ({name: repr(value)},)


def rows(file: Traversable, values: Values) -> tuple[Row, ...]:
    """Read the rows of a dashboard; one without a panel is left out."""
    found = _filled(file, values)["rows"]
    made = (Row(row["title"], tuple(map(_panel, row["panels"]))) for row in found)
    return tuple(row for row in made if row.panels)


def panels(file: Traversable, values: Values) -> tuple[Panel, ...]:
    """Read panels that are a part of a row; none where there is no such file."""
    return tuple(map(_panel, _filled(file, values)["panels"])) if file.is_file() else ()


def _filled(file: Traversable, values: Values) -> Any:
    every: dict[str, Value] = {"users": USERS, "classes": CLASSES, **values}
    return texts.filled(texts.read(file), every, file.name)


def _panel(found: dict[str, Any]) -> Panel:
    marks = FULL if found.get("marks") == "full" else found.get("marks")
    return Panel(
        title=found["title"],
        unit=found["unit"],
        queries=tuple(Query(query["expr"], query["legend"]) for query in found["queries"]),
        about=found["about"],
        kind=found.get("kind", "timeseries"),
        marks={_number(value): colour for value, colour in marks.items()} if marks else None,
        most=found.get("most"),
        stacked=found.get("stacked", False),
        width=found.get("width", 12),
        words=found.get("words"),
    )


def _number(value: float | str) -> float:
    return float(value) if isinstance(value, str) else value
