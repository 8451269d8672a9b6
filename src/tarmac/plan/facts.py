"""What a machine offers, gathered first by `local` and saved; the plan only reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.stores._kind import Offer


@dataclass(frozen=True)
class Facts:
    """One machine and one copy of a system on it."""

    namespace: str
    #: Interpreter for kit services, by service; "" is the one for all others.
    pythons: Mapping[str, str]
    #: Port by key (`plan.ports`); the one that was free when it was gathered.
    ports: Mapping[str, int]
    #: What was found for each store kind in use.
    offers: Mapping[str, Offer]
    #: The folder of `tarmac.yaml`, absolute.
    folder: str
    #: The port that the model named for each key when these were gathered.
    preferred: Mapping[str, int | None] = field(default_factory=dict)
    host: str = "127.0.0.1"
    fast_stores: bool = False
    #: The kit's own folder: an edit there concerns every kit service.
    kit_sources: tuple[str, ...] = ()
    #: Variables of the user's own that every process gets: PATH, HOME, certificates, proxies.
    environ: Mapping[str, str] = field(default_factory=dict)
