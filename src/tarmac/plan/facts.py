"""What a machine offers, gathered first by `local` and saved; the plan only reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import ProviderCandidate, Size
    from tarmac.model.system import System


@dataclass(frozen=True)
class NewVersion:
    """How the instance of a service's new version differs from the others."""

    #: Variables with other values there.
    env: Mapping[str, str] = field(default_factory=dict)
    #: The system whose service it is; None: this one's.
    system: System | None = None
    #: The folder of that system's file, absolute.
    folder: str = ""


@dataclass(frozen=True)
class RunShape:
    """How the one who runs a system wants it run, as far as the plan depends on it."""

    #: Users connect to services and stores themselves, without wires between.
    direct: bool = False
    #: Instances by service, where it is not the model's number.
    scale: Mapping[str, int] = field(default_factory=dict)
    #: Services that are started elsewhere: they have everything but a process.
    without: frozenset[str] = frozenset()
    #: Services that were stopped while the rest runs.
    stopped: frozenset[str] = frozenset()
    #: Services and stores that are off: only ports and wires are planned for them.
    off: frozenset[str] = frozenset()
    #: Stores of those that were named to be left out, though services use them.
    left_out: frozenset[str] = frozenset()
    fast_stores: bool = False
    #: Spans of services are received and kept.
    telemetry: bool = False
    #: Programs of services that are not the kit's change no file but those of their own folders.
    read_only: bool = False
    #: By service: an instance of another version besides, that a drill sends requests to.
    versions: Mapping[str, NewVersion] = field(default_factory=dict)
    #: By service: variables that are others than the system's file says, as long as a drill lasts.
    overrides: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def absent(self) -> frozenset[str]:
        """What nothing here waits for: it is started elsewhere, or not at all."""
        return self.without | self.stopped | self.off


@dataclass(frozen=True)
class MachineFacts:
    """One machine and one copy of a system on it."""

    namespace: str
    #: Interpreter for kit services, by service; "" is the one for all others.
    pythons: Mapping[str, str]
    #: Port by key (`plan.ports`); the one that was free when it was gathered.
    ports: Mapping[str, int]
    #: What was found for each store, the broker among them as `broker`.
    offers: Mapping[str, ProviderCandidate]
    #: The folder of `tarmac.yaml`, absolute.
    folder: str
    #: The folder of this copy of the system, absolute: what is deleted with its data.
    home: str = ""
    #: Where programs find secrets that they open as files, if not below `home`: in a container.
    secret_files: str = ""
    #: The folder where services find their caller tokens, absolute; empty: none are issued.
    caller_tokens: str = ""
    #: Where the keys of caller tokens are, if not beside them: a cluster issues tokens by itself.
    caller_keys_url: str = ""
    #: The port that the model named for each key when these were gathered.
    preferred: Mapping[str, int | None] = field(default_factory=dict)
    #: The holder of a port that the model names, if not this system: `pid 4711 (node server.js)`.
    holders: Mapping[int, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    #: The name of that host in addresses for people and browsers: what frameworks let in by default
    #: (`ALLOWED_HOSTS`, CORS), and what the README of a repository names.
    public_host: str = "localhost"
    #: Where a service or store is found, if not on that host: its name in a cluster.
    hosts: Mapping[str, str] = field(default_factory=dict)
    #: Where a process is to listen.
    listen: str = "127.0.0.1"
    #: The address by which the world knows a service, if not by a port of that host.
    public_urls: Mapping[str, str] = field(default_factory=dict)
    #: How long a service goes on as before when it is stopped; None: as its wires need it.
    drain_delay_s: str | None = None
    #: How large each store's server is, where it is not a laptop's.
    sizes: Mapping[str, Size] = field(default_factory=dict)
    #: Seconds that a user of a store lives where a vault makes it; 0: users stay.
    lease_s: float = 0.0
    #: By store: the server that Terraform or Pulumi makes, and which writes down where it stands.
    made: Mapping[str, str] = field(default_factory=dict)
    #: Which passwords those are: each number has its own.
    passwords: int = 1
    #: The same of a user of a store here, by store and service: 0 is the one that it began with.
    rotated: Mapping[tuple[str, str], int] = field(default_factory=dict)
    #: Stores are monitored: each has a user that only reads its state.
    watched: bool = False
    #: The interpreter that has Tarmac itself.
    python: str = "python3"
    shape: RunShape = RunShape()
    #: The kit's own folder: an edit there concerns every kit service.
    kit_sources: tuple[str, ...] = ()
    #: Variables by which a service sends its spans; none where nothing takes them.
    spans: Mapping[str, str] = field(default_factory=dict)
    #: One of the model's environments whose values are added; "": this machine.
    environment: str = ""
    #: Variables of the user's own that every process gets: PATH, HOME, certificates, proxies.
    environ: Mapping[str, str] = field(default_factory=dict)
    #: Variables with which a service's programs are of the version that its files ask for.
    toolchains: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: What its files ask for and this machine has not, each in a line.
    lacks: tuple[str, ...] = ()

    def host_of(self, name: str) -> str:
        """Find where a service or store is."""
        return self.hosts.get(name, self.host)
