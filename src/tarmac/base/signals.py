"""The catalogue of what is measured: metrics, their labels and buckets, by exporter.

A leaf: renderers of rules and panels take names from it, gates ask it whether a name is exported.
The data and their sources are in assets/signals.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

FILE = files("tarmac") / "assets" / "signals.yaml"
#: What a histogram or a summary is stored as, behind its name.
SERIES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


@dataclass(frozen=True)
class Signal:
    """One metric."""

    name: str
    type: Literal["counter", "gauge", "histogram", "summary"]
    #: Its own labels, and those that come with the scrape; `le` of a histogram's buckets too.
    labels: frozenset[str]
    exporter: str
    #: The upper bounds of a histogram, without +Inf.
    buckets: tuple[float, ...] = ()
    #: The parts of a service that export it; every service of the kit where there is none.
    parts: tuple[str, ...] = ()
    #: The kinds of stores that its exporter is for; empty for one that is for no store.
    stores: tuple[str, ...] = ()
    #: The chart of others that brings its exporter; empty for one that no chart brings.
    chart: str = ""
    #: Why nothing that is rendered brings its exporter; empty where something does.
    absent: str = ""
    #: The kinds of objects that its exporter is there for, of a program that makes them true.
    kinds: tuple[str, ...] = ()
    #: The mesh whose proxies export it.
    mesh: str = ""
    #: Of what counts messages that wait at a broker: the labels that name the queue.
    backlog: tuple[str, ...] = ()
    #: It is there as soon as its exporter is.
    present: bool = False
    #: It is 1 while a store's server answers its exporter.
    answers: bool = False


@cache
def read() -> Mapping[str, Signal]:
    """Read the catalogue: series as a query names them (`..._bucket` too) -> their metric."""
    found: dict[str, Signal] = {}
    for exporter, said in yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader).items():
        for name, metric in said["metrics"].items():
            buckets = tuple(map(float, metric.get("buckets", ())))
            signal = Signal(
                name=name,
                type=metric["type"],
                labels=frozenset(
                    {*said["targets"], *metric["labels"], *(["le"] if buckets else [])}
                ),
                exporter=exporter,
                buckets=buckets,
                parts=tuple(metric.get("parts", ())),
                stores=tuple(said.get("stores", ())),
                chart=said.get("chart", ""),
                absent=said.get("absent", ""),
                kinds=tuple(said.get("kinds", ())),
                mesh=said.get("mesh", ""),
                backlog=tuple(metric.get("backlog", ())),
                present=said.get("present") == name,
                answers=said.get("answers") == name,
            )
            for series in (name + end for end in SERIES.get(signal.type, ("",))):
                found[series] = signal
    return found
