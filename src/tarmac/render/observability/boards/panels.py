"""What a dashboard shows, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

GREEN, YELLOW, RED = "green", "yellow", "red"


@dataclass(frozen=True)
class Query:
    """One question to Prometheus, and how its answers are called."""

    expr: str
    legend: str = "__auto"


@dataclass(frozen=True)
class Panel:
    """One picture."""

    title: str
    #: As Grafana calls it: `s`, `reqps`, `percentunit`, `bytes`, `short`.
    unit: str
    queries: tuple[Query, ...]
    #: What it tells, and what to think of it.
    about: str
    kind: Literal["timeseries", "gauge", "stat"] = "timeseries"
    #: Where a colour begins, by value; drawn as lines over time.
    marks: Mapping[float, str] | None = None
    #: The axis begins at nothing, and ends here.
    most: float | None = None
    stacked: bool = False
    width: int = 12
    #: What a number is called: `0` -> `closed`.
    words: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Board:
    """One dashboard; its name is its file's."""

    name: str
    title: str
    about: str
    rows: tuple[Row, ...]
