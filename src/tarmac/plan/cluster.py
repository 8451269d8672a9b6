"""The plan of a system in a cluster: its workloads, who may reach whom, what must be secret.

Plain data, the same for every renderer and gate; `plan.deploy` computes it. Nobody else computes a
name, a port, a variable or an address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from tarmac.launch import File, Probe, Secret, Text, is_secret
from tarmac.model.delivery import Delivery
from tarmac.model.environment import Environment, Resources
from tarmac.model.objective import Objective
from tarmac.plan.settings import Setting


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
class Route:
    """A public address of a service: a host, and the path prefixes there that are its own."""

    host: str
    paths: tuple[str, ...]
    port: int


@dataclass(frozen=True)
class Mounted:
    """A file in a container, by its whole path there; what it holds may be secret."""

    path: str
    content: Text

    @property
    def secret(self) -> bool:
        """Whether it holds a secret."""
        return is_secret(self.content)


@dataclass(frozen=True)
class Once:
    """Something that runs to its end in a container: a store's set-up, a service's task."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, Text] = field(default_factory=dict)
    files: tuple[Mounted, ...] = ()
    #: Cron's five fields, UTC; without: once before the rollout.
    schedule: str = ""


@dataclass(frozen=True)
class Exporter:
    """What tells how a store is, in its pod."""

    #: As assets/signals.yaml calls it.
    id: str
    #: The program beside the server; empty where the server itself tells it.
    image: str = ""
    env: Mapping[str, Text] = field(default_factory=dict)
    args: tuple[str, ...] = ()


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
    env: Mapping[str, Setting]
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
    #: Extras of the kit that what it is bound to asks for.
    extras: tuple[str, ...] = ()
    #: Where `/metrics` is; None where there is none.
    metrics: int | None = None
    #: What gives them, of a store.
    exporter: Exporter | None = None
    #: Seconds between SIGTERM and the moment when it stops to accept; then to SIGKILL.
    drain_s: float = 0.0
    grace_s: float = 30.0
    #: The command, where it is not the image's own.
    argv: tuple[str, ...] = ()
    files: tuple[Mounted, ...] = ()
    #: Folders that outlive it, by name.
    volumes: Mapping[str, str] = field(default_factory=dict)
    #: The size of each.
    disk: str = "10Gi"
    #: The most connections that it accepts; 0: so many that nobody counts them.
    connections: int = 0
    #: Folders that it writes to besides those and /tmp; nothing in them outlives it.
    scratch: tuple[str, ...] = ()
    #: It takes no folder of data that is another user's, even if it may write there.
    owns_data: bool = False
    routes: tuple[Route, ...] = ()
    once: tuple[Once, ...] = ()
    #: Folders, relative to the system's file, that its image is built from.
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Managed:
    """A store on a server that the cloud keeps."""

    name: str
    kind: str
    #: The server that several may share.
    server: str
    port: int
    #: How many connections that server accepts, as the environment says; None: nobody said.
    connections: int | None = None


@dataclass(frozen=True)
class Connects:
    """How many connections of a store a service takes at most."""

    service: str
    store: str
    #: Of one pod: its pools when they are full, and what is open beside them.
    each: int
    #: Pods at their most, those of a rolling update or a canary among them.
    pods: int

    @property
    def most(self) -> int:
        """All pods together."""
        return self.each * self.pods


@dataclass(frozen=True)
class Asked:
    """How the readiness of a service tells whether it reaches a store."""

    kind: str
    #: The name of the kit's check; empty where none asks it.
    check: str
    #: A service is not ready without it.
    needed: bool


@dataclass(frozen=True)
class Allowed:
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
    owner: str
    domain: str
    namespace: str
    #: The model's file, as a reader of the repository would name it.
    model: str
    workloads: tuple[Workload, ...]
    managed: tuple[Managed, ...]
    allowed: tuple[Allowed, ...]
    #: Who takes connections of the stores that have few of them.
    connects: tuple[Connects, ...] = ()
    #: What the model calls outside itself: name -> hosts.
    externals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objectives: tuple[Objective, ...] = ()
    #: Where the code and the rendered files are, and what leads from one to the other.
    delivery: Delivery | None = None
    #: All environments of the system, this one too, in the model's order.
    environments: Mapping[str, Environment] = field(default_factory=dict)
    #: Every store and the broker by name, wherever they run, and how services ask them.
    asked: Mapping[str, Asked] = field(default_factory=dict)

    @cached_property
    def services(self) -> tuple[Workload, ...]:
        """The workloads that are services."""
        return tuple(each for each in self.workloads if each.role == "service")

    @cached_property
    def stores(self) -> tuple[Workload, ...]:
        """The workloads that keep data, the broker among them."""
        return tuple(each for each in self.workloads if each.role != "service")

    def workload(self, name: str) -> Workload:
        """Find a workload. Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Workload]:
        return {each.name: each for each in self.workloads}


def secrets_of(workload: Workload) -> Iterator[Secret]:
    """Yield every secret that a workload or what runs once for it needs; one may come twice."""
    texts: list[Text] = [setting.value for setting in workload.env.values()]
    texts += [file.content for file in workload.files]
    texts += workload.exporter.env.values() if workload.exporter else ()
    for once in workload.once:
        texts += [*once.env.values(), *(file.content for file in once.files)]
    for value in texts:
        yield from (part for part in value if isinstance(part, Secret))


def mounted(files: tuple[File, ...], mounts: Mapping[str, str]) -> tuple[Mounted, ...]:
    """Say where a container finds the files of a launch.

    Args:
        mounts: the path in the container, by that in the node's folder; `.` is the folder itself.
    """
    found = []
    for file in files:
        inside = mounts.get(file.path) or f"{mounts['.']}/{file.path}"
        found.append(Mounted(inside.removesuffix(":ro"), file.content))
    return tuple(found)
