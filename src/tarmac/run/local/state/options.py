"""The options of `up`: given by a verb or a test, sent to the supervisor, saved with its state.

Light, and without the model: the client imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class NewVersion:
    """How an instance differs that a service's new version is tried with."""

    #: Its system's file, absolute; empty: the others' own.
    file: str = ""
    #: Variables with other values there.
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How a system is to be run."""

    #: Absolute path of its `tarmac.yaml`.
    file: str
    namespace: str = "default"
    fast_stores: bool = False
    strict_ports: bool = False
    direct: bool = False
    watch: bool = False
    telemetry: bool = False
    #: HTTP requests on the wires are counted.
    inspect: bool = False
    #: Programs that are not the kit's find their files read-only, as in a container.
    read_only: bool = False
    #: A copy for a while: on any free ports, and deleted when it ends.
    temporary: bool = False
    scale: Mapping[str, int] = field(default_factory=dict)
    #: By service: an instance of another version besides, that a drill sends requests to.
    versions: Mapping[str, NewVersion] = field(default_factory=dict)
    #: By service: variables that are others than the system's file says, as long as a drill lasts.
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: By store: the bytes of a disk of its own, in memory, that a drill may fill.
    disks: Mapping[str, int] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    #: NAME=PROVIDER, of a store or a kind.
    providers: tuple[str, ...] = ()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Options:
        """Read them from JSON; keys that another version wrote are ignored."""
        known = {entry.name: data[entry.name] for entry in fields(cls) if entry.name in data}
        for name in ("without", "providers"):
            known[name] = tuple(known.get(name, ()))
        known["versions"] = {
            name: NewVersion(**version) for name, version in known.get("versions", {}).items()
        }
        return cls(**known)

    def as_data(self) -> dict[str, Any]:
        """Write them as data for JSON."""
        return asdict(self)
