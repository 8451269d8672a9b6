"""What a server tells of itself while it runs, and how its kind asks for it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tarmac.catalog.stores.context import StoreContext

#: "": a number of what the name says; share: 0 to 1; s: seconds.
Unit = Literal["", "bytes", "share", "s"]


@dataclass(frozen=True)
class Statistic:
    """One figure of a server, e.g. `connections`, 12."""

    name: str
    value: float
    unit: Unit = ""


@dataclass(frozen=True)
class StoreStatistics:
    """Its own protocol, spoken with its administrator."""

    #: The name of the port on which it is spoken.
    port: str
    #: A dialogue without I/O (`ProtocolScript`) that returns a list of `Statistic`.
    ask: Callable[[StoreContext], Generator[Any, bytes, list[Statistic]]]


@dataclass(frozen=True)
class SqlStatistics:
    """A query over the kind's `sql_url`, whose rows are name, value and unit."""

    query: str
