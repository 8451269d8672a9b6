"""`deploy`: a model and one of its environments -> the plan of a cluster. Pure, no I/O.

The same `Bindings` and `settings` that run a system on a laptop compute its names, ports and
variables here; only the facts differ: every service and store is found by its name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tarmac.base import versions
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.launch import CommandProbe, Launch, LogProbe, Probe, TcpProbe, text
from tarmac.catalog.stores.kind import (
    MANAGED,
    Address,
    Container,
    ContainerFactory,
    Image,
    ProviderCandidate,
    StoreKind,
    numbers,
)
from tarmac.catalog.stores.setup.docker import DOCKER
from tarmac.model import conventions
from tarmac.model.environment import Environment, Resources
from tarmac.model.system import System
from tarmac.plan import callers, launches, ports, routes, secret_files, spans
from tarmac.plan.bindings import Bindings
from tarmac.plan.catalogue import catalogue
from tarmac.plan.cluster import (
    ClusterPlan,
    ConnectionUse,
    ExporterSidecar,
    ManagedStore,
    OneTimeTask,
    PublicRoute,
    Scale,
    StoreHealthCheck,
    Workload,
    mounted_files,
)
from tarmac.plan.dns import dns_problems, entrances
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.infrastructure import infrastructure, laid_out, server_problems
from tarmac.plan.organization import organization
from tarmac.plan.reach import allowed_connections
from tarmac.plan.roles import role_problems, roles
from tarmac.plan.settings import EnvVariable, domain, settings
from tarmac.plan.sizes import StoreSizing, connection_uses, scale, store_sizes
from tarmac.plan.timing import timing

#: Where a kit service without a port of its own answers health and metrics.
WORKER_PORT = 8080
#: Until all know of an endpoint that goes (kube-proxy syncs each second), it serves on so long.
DRAIN_S = 5.0
#: The kit lets requests in flight finish for so long.
FINISH_S = conventions.SHUTDOWN_GRACE_DEFAULT_S
#: Closing consumers and pools; with the two above it makes the 30 s that Kubernetes gives a pod.
CLOSE_S = 17.0
#: The unprivileged user, by number (CON-08): an image without a user list knows no name.
UNPRIVILEGED = 65534
VOLUMES = "/var/lib"  # those of services are below it
#: A store's port for metrics.
METRICS_PORT = "metrics"


@dataclass(frozen=True)
class _BoundSystem:
    """Services and stores bound by their names in the cluster."""

    bindings: Bindings
    #: By store.
    containers: Mapping[str, Container]
    users: tuple[ConnectionUse, ...]
    #: By store: how large its server is for its users.
    sizes: Mapping[str, StoreSizing]


def no_environment(system: System, asked: str | None = None) -> BadInput:
    """Report an environment that a system does not have, or that it has none."""
    known = system.file.environments
    advice = f"write `environments: {{{asked or 'production'}: {{}}}}`"
    what = f"environment '{asked}' does not exist" if asked else "the model has no environment"
    advice = did_you_mean(asked, known) if asked and known else advice
    return BadInput([Problem(str(system.locate(("environments",), key=True)), f"{what}; {advice}")])


def deploy(system: System, environment: str, kinds: Mapping[str, StoreKind]) -> ClusterPlan:
    """Compute everything that a cluster's artifacts say of a system.

    Args:
        environment: one of the model's own, e.g. `production`.
        kinds: the catalogue of stores.

    Raises:
        BadInput: no such environment; a store that has neither an image nor a server; a reference
            that leads nowhere.
    """
    if environment not in system.file.environments:
        raise no_environment(system, environment)
    settled = system.file.environments[environment]
    scales = {name: scale(system, settled, name) for name in system.file.services}
    bound = _bind(system, environment, settled, kinds, scales)
    bindings = bound.bindings
    problems: list[Problem] = []
    workloads = [
        *(
            _store(bindings, name, bound.containers[name], bound.sizes[name])
            for name in bindings.here
        ),
        *(_service(bindings, settled, name, count, problems) for name, count in scales.items()),
    ]
    if settled.target == "cluster":
        problems += routes.conflicts(system, workloads)
    problems += server_problems(system, environment, settled, kinds)
    granted = roles(system, environment, settled, workloads)
    problems += role_problems(system, environment, settled, granted)
    problems += dns_problems(system, environment, settled, workloads)
    if problems:
        raise BadInput(problems)
    servers = {store: server for server, stores in settled.servers.items() for store in stores}
    managed = tuple(
        ManagedStore(
            name,
            kind.id,
            servers.get(name, ""),
            next(iter(kind.external.values()), 0),
            _connections(settled, servers.get(name, "")),
        )
        for name, kind in bindings.kinds.items()
        if name not in bindings.here
    )
    return ClusterPlan(
        system=system.name,
        environment=environment,
        settings=settled,
        owner=system.file.owner or system.name,
        domain=domain(bindings),
        namespace=settled.namespace or system.name,
        model=system.document.file,
        workloads=tuple(workloads),
        managed=managed,
        allowed=tuple(
            allowed_connections(
                bindings, {workload.name: workload for workload in workloads}, managed
            )
        ),
        connects=bound.users,
        externals={name: external.hosts for name, external in system.file.externals.items()},
        objectives=system.file.objectives,
        delivery=system.file.delivery,
        environments=system.file.environments,
        cloud=infrastructure(system, environment, settled, kinds, workloads),
        roles=granted,
        organization=organization(system),
        live={name: deploy(system, name, kinds) for name in laid_out(system, settled)},
        catalogue=catalogue(system, kinds),
        asked={n: StoreHealthCheck(k.id, k.check, k.needed) for n, k in bindings.kinds.items()},
    )


def _bind(
    system: System,
    environment: str,
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    scales: Mapping[str, Scale],
) -> _BoundSystem:
    """Bind services and stores by their names in the cluster; lay out the stores' containers."""
    offers = _offers(system, environment, settled, kinds)
    answering = {name: kinds[candidate.kind] for name, candidate in offers.items()}
    users = connection_uses(system, settled, scales, answering)
    sizes = dict(store_sizes(settled, answering, users))
    facts = replace(
        _facts(system, environment, settled, kinds, offers),
        sizes={name: sizing.size for name, sizing in sizes.items()},
    )
    unplaced = Bindings(system, facts, kinds)
    # A server listens where its container says, which is known only once its container is made.
    inside = {
        ports.store_key(name, port): number
        for name, container in _containers(unplaced).items()
        for port, number in container.ports.items()
    }
    found = {key: inside.get(key, port) for key, port in facts.ports.items()}
    bindings = unplaced.placed(replace(facts, ports=found))
    return _BoundSystem(bindings, _containers(bindings), users, sizes)


def _offers(
    system: System, environment: str, settled: Environment, kinds: Mapping[str, StoreKind]
) -> dict[str, ProviderCandidate]:
    """Choose what serves each store there. Raises BadInput where nothing does."""
    asked = {name: (store.kind, store.version) for name, store in system.file.stores.items()}
    broker = settled.broker or system.file.broker
    if system.file.broker is not None and broker is not None:
        asked[ports.BROKER] = (broker.kind, broker.version)
    managed = {store for stores in settled.servers.values() for store in stores}
    offers: dict[str, ProviderCandidate] = {}
    problems: list[Problem] = []
    for name, (kind, version) in asked.items():
        known = [known.id for known in kinds.values() if known.broker == (name == ports.BROKER)]
        if kind not in known:
            what = f"'{name}' has unknown kind '{kind}'; {did_you_mean(kind, known)}"
            problems.append(Problem(str(_store_place(system, name)), what))
            continue
        contained = _contained(kinds[kind])
        # A repository runs nothing: a store without an image is managed elsewhere.
        if name in managed or (contained is None and settled.target == "repository"):
            offers[name] = ProviderCandidate(
                MANAGED, {}, version or "", kind, address=Address("", 0)
            )
        elif contained is None:
            problems.append(
                Problem(
                    str(system.locate(("environments", environment), key=True)),
                    f"'{name}' has no server there: {kinds[kind].title} has no image; name the "
                    f"server that it is on, e.g. `servers: {{{kind}: [{name}]}}`",
                )
            )
        else:
            offers[name] = _offer(kinds[kind], contained[0], version)
    if problems:
        raise BadInput(problems)
    return offers


def _contained(kind: StoreKind) -> tuple[Image, ContainerFactory] | None:
    """Find the image of a kind, and what makes a container of it."""
    for provider in kind.providers:
        for program in provider.programs.values():
            if provider.container is not None and isinstance(program, Image):
                return program, provider.container
    return None


def _offer(kind: StoreKind, image: Image, asked: str | None) -> ProviderCandidate:
    """Choose the tag: the requested version, or a newer one that serves it as well."""
    older = asked is not None and numbers(asked) <= numbers(kind.served_by_newer)
    tag = image.tag if asked is None or older else asked
    return ProviderCandidate(DOCKER, {}, tag, kind.id, f"{image.name}:{tag}")


def _containers(bindings: Bindings) -> dict[str, Container]:
    found = {}
    for name, kind in bindings.here.items():
        if (contained := _contained(kind)) is not None:
            found[name] = contained[1](bindings.views[name], bindings.offer(name), False)
    return found


def _facts(
    system: System,
    environment: str,
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    offers: Mapping[str, ProviderCandidate],
) -> MachineFacts:
    """Say what a cluster offers: each service and store by its name, on the ports of the model."""
    here = {
        n: kinds[candidate.kind] for n, candidate in offers.items() if candidate.provider != MANAGED
    }
    shape = RunShape(direct=True)
    imaged = {
        ports.service_key(name, ports.main_port(system, name)): service.image_port
        for name, service in system.file.services.items()
    }
    given = {
        need.key: imaged.get(need.key) or need.preferred or WORKER_PORT
        for need in ports.needs(system, here, shape)
    }
    watched = settled.observability
    caller_tokens, caller_keys_url = callers.issued_in(settled)
    return MachineFacts(
        namespace=settled.namespace or system.name,
        pythons={"": "python3"},
        ports=given,
        offers=offers,
        folder=system.folder,
        home=VOLUMES,
        secret_files=secret_files.IN_CONTAINERS,
        caller_tokens=caller_tokens,
        caller_keys_url=caller_keys_url,
        hosts={name: name for name in (*system.file.services, *here)},
        listen="0.0.0.0",  # in its container; policies limit the callers
        public_urls=dict(_public_urls(system, settled)),
        drain_delay_s=f"{DRAIN_S:g}",
        environment=environment,
        watched=watched is not None and watched.metrics == "prometheus",
        spans=dict(spans.variables(settled, system.name, environment)),
        shape=shape,
    )


def _public_urls(system: System, settled: Environment) -> Iterator[tuple[str, str]]:
    for name, service in system.file.services.items():
        if service.public is None:
            continue
        main = ports.main_port(system, name)
        if settled.target == "compose" and main:
            # No ingress there: the port itself is published, on the machine's own loopback.
            yield name, f"http://localhost:{service.listening[main]}"
        else:
            # A cloud's balancer may end TLS before the cluster; elsewhere nothing does.
            secure = settled.ingress.tls or settled.cloud
            scheme = "https" if secure else "http"
            yield name, f"{scheme}://{_host(system, settled, service.public.host)}"


def _host(system: System, settled: Environment, label: str | None) -> str:
    base = settled.domain or system.file.domain or f"{system.name}.example.com"
    return f"{label}.{base}" if label else base


def _store(bindings: Bindings, name: str, container: Container, size: StoreSizing) -> Workload:
    """Plan a store's server: one, with a disk of its own."""
    kind, launch = bindings.kinds[name], container.launch
    exporter, metrics = _watched(bindings, name)
    data = container.mounts.get("data") or f"{container.mounts['.']}/data"
    once: tuple[OneTimeTask, ...] = ()
    if kind.script is not None:
        script = kind.script(bindings.views[name])
        once = (
            OneTimeTask(
                "setup", script.argv, script.env, mounted_files(script.files, {".": "/setup"})
            ),
        )
    return Workload(
        name=name,
        role="broker" if kind.broker else "store",
        about=kind.title,
        image=bindings.offer(name).image,
        place=str(_store_place(bindings.system, name)),
        ports={**container.ports, **({METRICS_PORT: metrics} if metrics else {})},
        metrics=metrics,
        exporter=exporter,
        env={
            key: EnvVariable(value, f"{kind.title}'s image")
            for key, value in sorted(launch.env.items())
        },
        scale=Scale(1, 1),
        resources=size.resources,
        user=container.user,
        live=TcpProbe(container.ports[kind.clients if kind.clients in container.ports else "main"]),
        ready=container.ready,
        grace_s=max(30.0, launch.grace_s),
        argv=launch.argv,
        files=mounted_files(launch.files, container.mounts),
        volumes={"data": data},
        disk=size.disk,
        connections=size.size.connections,
        scratch=container.scratch,
        owns_data=container.owns_data,
        once=once,
    )


def _connections(settled: Environment, server: str) -> int | None:
    return settled.stores[server].connections if server in settled.stores else None


def _watched(bindings: Bindings, name: str) -> tuple[ExporterSidecar | None, int | None]:
    """Return what exposes a store's metrics, and on which port."""
    context, own = bindings.views[name], bindings.kinds[name].exporter
    if own is None or context.monitor is None:
        return None, None
    image = versions.read().image(own.image) if own.image else ""
    env = {key: text(value.format(database=context.database)) for key, value in own.env.items()}
    if own.password:
        env[own.password] = (context.monitor,)
    return ExporterSidecar(own.id, image, env, own.args, own.assets), own.port


def _service(
    bindings: Bindings, settled: Environment, name: str, scale: Scale, problems: list[Problem]
) -> Workload:
    system = bindings.system
    spec = system.file.services[name]
    env, wrong = settings(bindings, name, 1)
    times, untimed = timing(system, name, env)
    problems += [*wrong, *untimed]
    launch = launches.of_service(bindings, name, 1)
    listening = bindings.listening(name, 1)
    kit = system.is_kit(name)
    first = next(iter(listening.values()), None)
    return Workload(
        name=name,
        role="service",
        about=" + ".join(part.part.package or part.part.part for part in system.parts[name])
        or " ".join(spec.run or ()),
        image=_image(system, settled, name),
        place=str(system.locate(("services", name), key=True)),
        ports=listening,
        known_ports={
            port: spec.listening[ports.main_port(system, name)]
            for port in (spec.image_port,)
            if port is not None
        },
        env=dict(sorted(env.items())),
        timing=times,
        scale=scale,
        resources=_resources(settled, spec.resources),
        user=UNPRIVILEGED,
        live=launch.booted if kit or first else _live(launch),
        ready=_ready(launch),
        parts=tuple(part.part.package for part in system.parts[name] if part.part.package),
        migrates=_migrates(bindings, name),
        extras=tuple(_extras(bindings, name)) if kit else (),
        metrics=first if kit else None,
        drain_s=DRAIN_S,
        grace_s=DRAIN_S + (spec.stop.grace or FINISH_S + CLOSE_S),
        stop_signal=launch.stop_signal,
        files=mounted_files(secret_files.of_service(bindings, name), {}),
        volumes={volume: f"{VOLUMES}/volumes/{name}/{volume}" for volume in spec.volumes},
        disk=str(settled.disk),
        scratch=tuple(dict.fromkeys(map(posixpath.normpath, spec.writable.values()))),
        routes=tuple(_routes(bindings, settled, name)),
        once=tuple(
            OneTimeTask(
                task,
                launches.of_task(bindings, name, task_spec).argv,
                schedule=task_spec.schedule or "",
            )
            for task, task_spec in spec.tasks.items()
            if not task_spec.here
        ),
        sources=tuple(
            posixpath.relpath(part.folder, system.folder or ".") for part in system.parts[name]
        )
        or ((spec.cwd,) if spec.cwd else ()),
        caller_tokens=callers.callees(bindings, name),
        caller_keys=callers.asks_for_keys(bindings, name),
    )


def _migrates(bindings: Bindings, name: str) -> bool:
    """Tell whether its parts keep tables of their own: not if they only read a log of changes."""
    system = bindings.system
    slots = {slot: spec for part in system.parts[name] for slot, spec in part.part.slots.items()}
    return system.is_kit(name) and any(
        slot in slots and bindings.kinds[store].sql_url and not slots[slot].replication
        for slot, store in system.file.services[name].stores.items()
    )


def _extras(bindings: Bindings, name: str) -> Iterator[str]:
    """List the kit's extras that a service's stores, its broker and its settings ask for."""
    bound = {*bindings.system.file.services[name].stores.values()}
    if bindings.uses_broker(name):
        bound.add(ports.BROKER)
    found = {bindings.kinds[store].extra for store in bound if store in bindings.kinds}
    file, spec = bindings.system.file, bindings.system.file.services[name]
    # One image for all environments: it is there if any of them sends errors.
    given = {*file.env, *spec.env, *spec.secrets}
    given.update(*(environment.env.get(name, {}) for environment in file.environments.values()))
    if conventions.SENTRY_DSN in given:
        found.add("sentry")
    yield from sorted(found - {""})


def _image(system: System, settled: Environment, name: str) -> str:
    registry = settled.registry or system.name
    own = settled.images.get(name, settled.version)
    return f"{registry}/{name}{'@' if own.startswith('sha256:') else ':'}{own}"


def _resources(settled: Environment, own: Mapping[str, str | int | float]) -> Resources:
    """Take the environment's, and for the most of it what the model says of the service."""
    given = {name: amount for name, amount in own.items() if name in settled.resources.limits}
    return settled.resources.model_copy(update={"limits": {**settled.resources.limits, **given}})


def _live(launch: Launch) -> Probe | None:
    return launch.ready if isinstance(launch.ready, CommandProbe) else None


def _ready(launch: Launch) -> Probe | None:
    """A line in the log is nothing that a cluster looks for; the port is."""
    return launch.booted if isinstance(launch.ready, LogProbe) else launch.ready


def _routes(bindings: Bindings, settled: Environment, name: str) -> Iterator[PublicRoute]:
    system = bindings.system
    public, main = system.file.services[name].public, ports.main_port(system, name)
    if public is not None and main:
        port = bindings.public_port(name, main)
        yield PublicRoute(_host(system, settled, public.host), public.paths, port)
        standby = settled.infrastructure.standby if settled.infrastructure else None
        first = next(n for n, service in system.file.services.items() if service.public)
        if standby and name == (standby.service or first):
            # Route 53 asks each region by a name that never leads to the other one.
            for host in entrances(system, settled):
                yield PublicRoute(host, (standby.path,), port)


def _store_place(system: System, name: str) -> object:
    return system.locate(("broker",) if name == ports.BROKER else ("stores", name), key=True)
