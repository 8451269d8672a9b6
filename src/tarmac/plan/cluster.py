"""The plan of a system in a cluster: its workloads, allowed connections and secrets.

Plain data, the same for every renderer and gate; `plan.deploy` computes it. No other module
computes a name, a port, a variable or an address.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Literal

from tarmac.base.launch import File, Hook, Probe, Secret, Text, is_leased, is_secret
from tarmac.plan.catalogue import Catalogue
from tarmac.plan.timing import PlannedCall, Timing

if TYPE_CHECKING:
    from tarmac.model.delivery import Delivery
    from tarmac.model.environment import Environment, Resources
    from tarmac.model.objective import Objective
    from tarmac.plan.cloud import CloudInfrastructure, CloudOrganization, CloudRole
    from tarmac.plan.leases import PlannedLease
    from tarmac.plan.settings import EnvVariable


@dataclass(frozen=True)
class Scale:
    """How many there are; an autoscaler decides where `most` is above `least`."""

    least: int
    most: int
    #: Percent of what is requested, above which there is one more; None: not looked at.
    cpu: int | None = None
    memory: int | None = None
    #: How many stay while nodes are emptied.
    stay: int = 0

    @property
    def automatic(self) -> bool:
        """Whether an autoscaler owns the number."""
        return self.most > self.least and (self.cpu or self.memory) is not None


@dataclass(frozen=True)
class PublicRoute:
    """A public address of a service: a host, and the path prefixes there that are its own."""

    host: str
    paths: tuple[str, ...]
    port: int


@dataclass(frozen=True)
class MountedFile:
    """A file in a container, by its whole path there; what it holds may be secret."""

    path: str
    content: Text

    @property
    def secret(self) -> bool:
        """Whether it holds a secret."""
        return is_secret(self.content)

    @property
    def leased(self) -> bool:
        """Whether it is renewed while its readers run."""
        return is_leased(self.content)


@dataclass(frozen=True)
class OneTimeTask:
    """Something that runs to its end in a container: a store's set-up, a service's task."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, Text] = field(default_factory=dict)
    files: tuple[MountedFile, ...] = ()
    #: Cron's five fields, UTC; without: once before the rollout.
    schedule: str = ""


@dataclass(frozen=True)
class ExporterSidecar:
    """What exposes the metrics of a store, in its pod."""

    #: As assets/signals.yaml calls it.
    id: str
    #: The program beside the server; empty where the server itself has metrics.
    image: str = ""
    env: Mapping[str, Text] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    #: A folder with the alerts and panels of its metrics.
    assets: Traversable | None = None


@dataclass(frozen=True)
class Workload:
    """What a cluster keeps running: a service, a store or the broker."""

    name: str
    role: Literal["service", "store", "broker"]
    #: What it is, for a reader: `tarmac_catalog + tarmac_inventory`, `PostgreSQL`.
    about: str
    #: The image with its registry and tag or digest.
    image: str
    #: Where the model says so: `file:line:col`.
    place: str
    #: Where it listens, by the port's name.
    ports: Mapping[str, int]
    env: Mapping[str, EnvVariable]
    scale: Scale
    resources: Resources
    #: The user that it runs as, by number.
    user: int
    #: Passes while the process works at all; None: nothing can be asked.
    live: Probe | None
    #: Passes when it can do its work.
    ready: Probe | None
    #: Distributions that are mounted in its process; empty for one that is not of the kit.
    parts: tuple[str, ...] = ()
    #: It keeps tables of its own in a database, which its parts' migrations make.
    migrates: bool = False
    #: Extras of the kit that its bindings need.
    extras: tuple[str, ...] = ()
    #: Where `/metrics` is; None where there is none.
    metrics: int | None = None
    #: What gives them, of a store.
    exporter: ExporterSidecar | None = None
    #: What its variables say of timeouts, retries and its end, as numbers.
    timing: Timing = field(default_factory=Timing)
    #: Seconds between SIGTERM and the moment when it stops to accept; then to SIGKILL.
    drain_s: float = 0.0
    grace_s: float = 30.0
    #: What asks it to end: of a pod, its image says which.
    stop_signal: str = "SIGTERM"
    #: What runs beside it when it has started, before it is asked to end, and to ask it.
    after_start: Hook | None = None
    before_stop: Hook | None = None
    stop_command: Hook | None = None
    #: The number that people know a port by, where its image listens on another one: by that one.
    known_ports: Mapping[int, int] = field(default_factory=dict)
    #: The command, where it is not the image's own.
    argv: tuple[str, ...] = ()
    files: tuple[MountedFile, ...] = ()
    #: Folders that outlive it, by name.
    volumes: Mapping[str, str] = field(default_factory=dict)
    #: The size of each volume.
    disk: str = "10Gi"
    #: The most connections that it accepts; 0: too many to count.
    connections: int = 0
    #: Folders that it writes to besides those and /tmp; nothing in them outlives it.
    scratch: tuple[str, ...] = ()
    #: It takes no folder of data that is another user's, even if it may write there.
    owns_data: bool = False
    routes: tuple[PublicRoute, ...] = ()
    once: tuple[OneTimeTask, ...] = ()
    #: Folders, relative to the system's file, that its image is built from.
    sources: tuple[str, ...] = ()
    #: The repository that builds its image, where that is not the system's own.
    repository: str = ""
    #: Seconds that a value of a secret is used, by the variable that has it.
    rotations: Mapping[str, float] = field(default_factory=dict)
    #: Services for each of which it has a caller token.
    caller_tokens: tuple[str, ...] = ()
    #: It asks the API server for the keys by which it verifies its callers' tokens.
    caller_keys: bool = False


@dataclass(frozen=True)
class ManagedStore:
    """A store on a server that the cloud keeps."""

    name: str
    kind: str
    #: The server that several may share.
    server: str
    port: int
    #: How many connections that server accepts, as the environment says; None: not given.
    connections: int | None = None
    #: The password of that server's administrator, where Terraform or Pulumi makes the server: they
    #: write it down, where the server stands, and the passwords of its users.
    admin: Secret | None = None

    @property
    def made(self) -> bool:
        """Whether Terraform or Pulumi makes the server."""
        return self.admin is not None


#: Connections that no service's pool has: PostgreSQL keeps 3 for its administrator; then a person,
#: a backup, an exporter, the set-up's and the migrations' Jobs.
RESERVE = 10


@dataclass(frozen=True)
class ConnectionUse:
    """How many connections of a store a service takes at most."""

    service: str
    store: str
    #: Of one pod: its pools when they are full, and what is open beside them.
    per_pod: int
    #: Pods at their most, those of a rolling update or a canary among them.
    pods: int

    @property
    def most(self) -> int:
        """All pods together."""
        return self.per_pod * self.pods


@dataclass(frozen=True)
class StoreHealthCheck:
    """How the readiness of a service tells whether it reaches a store."""

    kind: str
    #: The name of the kit's check; empty where none asks it.
    check: str
    #: A service is not ready without it.
    needed: bool


@dataclass(frozen=True)
class AllowedConnection:
    """A connection that must work, because the model declares its edge; all others must not."""

    #: A workload; `world` for what the ingress lets in.
    source: str
    #: A workload, a managed store or an external.
    target: str
    port: int
    target_role: Literal["service", "store", "broker", "managed", "external"]
    #: Where the model declares it.
    place: str


@dataclass(frozen=True)
class ClusterPlan:
    """A system resolved for one environment of a cluster."""

    system: str
    environment: str
    settings: Environment
    #: The team alone, as labels name it; the catalogue has the owner as the model writes it.
    owner: str
    domain: str
    namespace: str
    #: The model's file, as a reader of the repository would name it.
    model: str
    workloads: tuple[Workload, ...]
    managed: tuple[ManagedStore, ...]
    allowed: tuple[AllowedConnection, ...]
    #: What makes managed stores and their users: workloads whose one-time task alone runs here.
    setups: tuple[Workload, ...] = ()
    #: The users of stores with few connections.
    connects: tuple[ConnectionUse, ...] = ()
    #: What the model calls outside itself: name -> hosts.
    externals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    #: Where the code and the rendered files are, and what leads from one to the other.
    delivery: Delivery | None = None
    #: All environments of the system, this one too, in the model's order.
    environments: Mapping[str, Environment] = field(default_factory=dict)
    #: What Terraform makes for it; None: all of that is made elsewhere.
    cloud: CloudInfrastructure | None = None
    #: What service accounts may do in AWS, by workload; one that needs nothing there has no entry.
    roles: Mapping[str, CloudRole] = field(default_factory=dict)
    #: The accounts of all environments; None: they are made elsewhere.
    organization: CloudOrganization | None = None
    #: Of the code's own repository with Terragrunt: the plans of what Terraform makes.
    live: Mapping[str, ClusterPlan] = field(default_factory=dict)
    #: Users of stores that Vault makes for a while.
    leases: tuple[PlannedLease, ...] = ()
    #: Every store and the broker by name, wherever they run, and how services ask them.
    asked: Mapping[str, StoreHealthCheck] = field(default_factory=dict)
    #: The system as other teams see it.
    catalogue: Catalogue = field(default_factory=lambda: Catalogue("", "", (), ()))

    @cached_property
    def services(self) -> tuple[Workload, ...]:
        """The workloads that are services."""
        return tuple(workload for workload in self.workloads if workload.role == "service")

    @cached_property
    def public_hosts(self) -> tuple[str, ...]:
        """The hosts that visitors ask, sorted."""
        return tuple(sorted({route.host for one in self.services for route in one.routes}))

    @cached_property
    def own_services(self) -> tuple[Workload, ...]:
        """The services whose images the system's own repository builds."""
        return tuple(service for service in self.services if not service.repository)

    @cached_property
    def stores(self) -> tuple[Workload, ...]:
        """The workloads that keep data, the broker among them."""
        return tuple(workload for workload in self.workloads if workload.role != "service")

    @cached_property
    def with_setups(self) -> tuple[Workload, ...]:
        """The workloads and the set-ups: whatever has an account, and secrets of its own."""
        return (*self.workloads, *self.setups)

    @cached_property
    def calls(self) -> tuple[PlannedCall, ...]:
        """Every call between services, with the values of this environment."""
        return tuple(call for workload in self.services for call in workload.timing.calls)

    def workload(self, name: str) -> Workload:
        """Find a workload. Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Workload]:
        return {workload.name: workload for workload in self.workloads}


def secrets_of(workload: Workload) -> Iterator[Secret]:
    """Yield every secret that a workload or what runs once for it needs; one may come twice.

    Not users that live for a while only: nothing keeps them.
    """
    texts: list[Text] = [setting.value for setting in workload.env.values()]
    texts += [file.content for file in workload.files]
    texts += workload.exporter.env.values() if workload.exporter else ()
    for once in workload.once:
        texts += [*once.env.values(), *(file.content for file in once.files)]
    for value in texts:
        for part in value:
            if isinstance(part, Secret) and not part.is_leased:
                yield part


def mounted_files(files: tuple[File, ...], mounts: Mapping[str, str]) -> tuple[MountedFile, ...]:
    """Return where a container finds the files of a launch.

    Args:
        mounts: the path in the container, by that in the node's folder; `.` is the folder itself.
            A path that is whole is that in the container.
    """
    found = []
    for file in files:
        inside = mounts.get(file.path) or posixpath.join(mounts.get(".", ""), file.path)
        found.append(MountedFile(inside.removesuffix(":ro"), file.content))
    return tuple(found)
