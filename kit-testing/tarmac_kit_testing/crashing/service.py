"""A service as it is hosted by a World: its parts, its variables and what it is bound to.

Given by tests. It opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tarmac_kit.chassis import Part
from tarmac_kit.conventions import env_prefix

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

#: Rows that a database begins with: SQL, or a function that writes them.
Seed = str | Callable[["Connection"], Any]


@dataclass(frozen=True)
class HostedService:
    """One service of a World."""

    name: str
    parts: Sequence[Part]
    #: Its own settings; the names of databases, roles and topics are set besides.
    env: Mapping[str, str] = field(default_factory=dict)
    #: Variable -> the name of the database whose URL it gets; "" is one of the service's own name.
    #: Services that give the same name share it.
    databases: Mapping[str, str] = field(default_factory=lambda: {"DATABASE_URL": ""})
    #: What its first database begins with.
    seed: Seed = ""
    #: Role -> the service that plays it.
    calls: Mapping[str, str] = field(default_factory=dict)
    publishes: Sequence[str] = ()
    consumes: Sequence[str] = ()
    #: Called in the process of the service before it starts: a fault that a test puts in.
    prepare: Callable[[], None] = lambda: None

    @property
    def stores(self) -> dict[str, str]:
        """Its databases' names by variable."""
        return {variable: name or self.name for variable, name in self.databases.items()}

    def environ(self, urls: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of its process; `urls` are those of the databases, by name."""
        return {
            "SERVICE_NAME": self.name,
            "LOG_LEVEL": "warning",
            "PUBLISHES": ",".join(self.publishes),
            "CONSUMES": ",".join(self.consumes),
            **{f"{env_prefix(role)}_URL": f"http://{name}" for role, name in self.calls.items()},
            **{variable: urls[name] for variable, name in self.stores.items()},
            **self.env,
        }
