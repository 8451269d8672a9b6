"""Declared edges. Start order, credentials, policies and dashboards follow them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tarmac.model.reference import Reference, split

Kind = Literal["call", "store", "publish", "consume", "broker", "external", "entry"]
#: Edges that lead to the broker; `broker` itself is that of a service that names no topics.
BROKER_KINDS = ("publish", "consume", "broker")
#: The source of the edges from the entry to public services.
ENTRY = "entry"


@dataclass(frozen=True, order=True)
class Edge:
    """`source` (a service or the entry) uses `target` (a service, store, topic or external)."""

    source: str
    target: str
    kind: Kind
    #: The slot, for a store bound to one.
    slot: str = ""


def references(value: object) -> tuple[Reference, ...]:
    """List the references of an env value; none where it is not well formed or not text."""
    if not isinstance(value, str):
        return ()
    try:
        return tuple(piece for piece in split(value) if isinstance(piece, Reference))
    except ValueError:
        return ()
