"""The plan: what runs, with which settings, in which order. Plain data, read by every target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tarmac.launch import Launch, Secret, Text
from tarmac.model.edge import Edge


@dataclass(frozen=True)
class Seed:
    """A file of first data for a store that answers SQL, run once as one of its users."""

    file: str
    store: str
    url: Text
    #: The service whose tables it fills: it must be ready first.
    service: str


@dataclass(frozen=True)
class Node:
    """One process that runs: a service, a store or the broker."""

    name: str
    role: Literal["service", "store", "broker"]
    #: What it is, for a reader: `PostgreSQL 18.6 (embedded)`, `tarmac_orders`.
    about: str
    launch: Launch
    #: Must be ready before this one is started.
    after: tuple[str, ...] = ()
    #: Must be ready before this one counts as healthy.
    needs: tuple[str, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    #: Where a person or another program reaches it; empty for a worker.
    url: str = ""
    #: A page that a person can open.
    page: str = ""


@dataclass(frozen=True)
class Plan:
    """A system resolved for one environment and one machine."""

    system: str
    environment: str
    namespace: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    secrets: tuple[Secret, ...]
    seeds: tuple[Seed, ...]
    #: What a reader must know: a port that moved, a version that differs, durability given up.
    notes: tuple[str, ...]

    def node(self, name: str) -> Node:
        """Find a node. Raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)
