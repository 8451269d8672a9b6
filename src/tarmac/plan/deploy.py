"""`deploy`: a model and one of its environments -> the plan of a cluster. Pure, no I/O.

The same `Bindings` and `settings` that run a system on a laptop compute its names, ports and
variables here; only the facts differ: every service and store is found by its name.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace

from tarmac import versions
from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.launch import CommandProbe, Launch, LogProbe, Probe, TcpProbe, text
from tarmac.model import conventions
from tarmac.model.environment import Environment, Resources
from tarmac.model.system import System
from tarmac.plan import launches, ports, spans
from tarmac.plan.bindings import Bindings
from tarmac.plan.cluster import (
    Asked,
    ClusterPlan,
    Connects,
    Exporter,
    Managed,
    Once,
    Route,
    Scale,
    Workload,
    mounted,
)
from tarmac.plan.facts import Facts, Shape
from tarmac.plan.reach import allowed
from tarmac.plan.settings import Setting, domain, settings
from tarmac.plan.sizes import Sized, connects, scale, sized
from tarmac.stores._docker import DOCKER
from tarmac.stores._kind import (
    MANAGED,
    Address,
    Contain,
    Container,
    Image,
    Offer,
    StoreKind,
    numbers,
)

#: Where a kit service without a port of its own answers health and metrics.
WORKER_PORT = 8080
#: Endpoints are told everywhere of one that goes within so long (kube-proxy syncs each second, an
#: ingress controller a little later); until then it serves on.
DRAIN_S = 5.0
#: The kit lets requests in flight finish for so long (`shutdown_grace_s`), and closes its pools.
FINISH_S = 10.0
#: `nobody` by number (CON-08): a name is known to no image without a user list.
NOBODY = 65534
#: Volumes of a service, below this folder.
VOLUMES = "/var/lib"
#: A store's port for metrics.
METRICS_PORT = "metrics"


def no_environment(system: System, asked: str | None = None) -> BadInput:
    """Say that a system has not the environment that is asked for, or none at all."""
    known = system.file.environments
    advice = f"write `environments: {{{asked or 'production'}: {{}}}}`"
    what = f"there is no environment '{asked}'" if asked else "there is no environment"
    if asked and known:
        advice = did_you_mean(asked, known)
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
    bindings, containers, users, sizes = _bindings(system, environment, settled, kinds, scales)
    problems: list[Problem] = []
    workloads = [
        *(_store(bindings, name, containers[name], sizes[name]) for name in bindings.here),
        *(_service(bindings, settled, name, each, problems) for name, each in scales.items()),
    ]
    if problems:
        raise BadInput(problems)
    servers = {store: server for server, stores in settled.servers.items() for store in stores}
    managed = tuple(
        Managed(
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
        allowed=tuple(allowed(bindings, {each.name: each for each in workloads}, managed)),
        connects=users,
        externals={name: each.hosts for name, each in system.file.externals.items()},
        objectives=system.file.objectives,
        delivery=system.file.delivery,
        environments=system.file.environments,
        asked={n: Asked(k.id, k.check, k.needed) for n, k in bindings.kinds.items()},
    )


def _bindings(
    system: System,
    environment: str,
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    scales: Mapping[str, Scale],
) -> tuple[Bindings, Mapping[str, Container], tuple[Connects, ...], Mapping[str, Sized]]:
    """Bind services and stores by their names in the cluster; lay out the stores' containers.

    Returns them with who connects to which store, and how large each server is for that.
    """
    asked = {name: (each.kind, each.version) for name, each in system.file.stores.items()}
    broker = settled.broker or system.file.broker
    if system.file.broker is not None and broker is not None:
        asked[ports.BROKER] = (broker.kind, broker.version)
    managed = {store for stores in settled.servers.values() for store in stores}
    offers: dict[str, Offer] = {}
    problems: list[Problem] = []
    for name, (kind, version) in asked.items():
        known = [each.id for each in kinds.values() if each.broker == (name == ports.BROKER)]
        if kind not in known:
            what = f"'{name}' has unknown kind '{kind}'; {did_you_mean(kind, known)}"
            problems.append(Problem(str(_store_place(system, name)), what))
            continue
        contained = _contained(kinds[kind])
        # A repository runs nothing: what has no image there is somebody's to keep, wherever it is.
        if name in managed or (contained is None and settled.target == "repository"):
            offers[name] = Offer(MANAGED, {}, version or "", kind, address=Address("", 0))
        elif contained is None:
            problems.append(
                Problem(
                    str(system.locate(("environments", environment), key=True)),
                    f"nothing runs '{name}' there: {kinds[kind].title} has no image; name the "
                    f"server that it is on, e.g. `servers: {{{kind}: [{name}]}}`",
                )
            )
        else:
            offers[name] = _offer(kinds[kind], contained[0], version)
    if problems:
        raise BadInput(problems)
    answering = {name: kinds[offer.kind] for name, offer in offers.items()}
    users = connects(system, settled, scales, answering)
    sizes = dict(sized(settled, answering, users))
    first = Bindings(system, _facts(system, environment, settled, kinds, offers, {}), kinds)
    # Where a server listens in its container is the container's to say, and it is told where.
    inside = {
        ports.store_key(name, port): number
        for name, container in _containers(first).items()
        for port, number in container.ports.items()
    }
    facts = _facts(system, environment, settled, kinds, offers, inside)
    facts = replace(facts, sizes={name: each.size for name, each in sizes.items()})
    bindings = Bindings(system, facts, kinds)
    return bindings, _containers(bindings), users, sizes


def _contained(kind: StoreKind) -> tuple[Image, Contain] | None:
    """Find the image of a kind, and what makes a container of it."""
    for provider in kind.providers:
        for program in provider.programs.values():
            if provider.container is not None and isinstance(program, Image):
                return program, provider.container
    return None


def _offer(kind: StoreKind, image: Image, asked: str | None) -> Offer:
    """Choose the tag: the version that is asked for, or a newer one that serves it as well."""
    older = asked is not None and numbers(asked) <= numbers(kind.served_by_newer)
    tag = image.tag if asked is None or older else asked
    return Offer(DOCKER, {}, tag, kind.id, f"{image.name}:{tag}")


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
    offers: Mapping[str, Offer],
    inside: Mapping[str, int],
) -> Facts:
    """Say what a cluster offers: each service and store by its name, on the ports of the model."""
    here = {n: kinds[offer.kind] for n, offer in offers.items() if offer.provider != MANAGED}
    shape = Shape(direct=True)
    given = {
        need.key: inside.get(need.key) or need.preferred or WORKER_PORT
        for need in ports.needs(system, here, shape)
    }
    watched = settled.observability
    return Facts(
        namespace=settled.namespace or system.name,
        pythons={"": "python3"},
        ports=given,
        offers=offers,
        folder=system.folder,
        home=VOLUMES,
        hosts={name: name for name in (*system.file.services, *here)},
        listen="0.0.0.0",  # in its container; who may come is for the policies to say
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
            # A cloud's balancer may end TLS before the cluster; elsewhere nobody does.
            secure = settled.ingress.tls or settled.cloud
            scheme = "https" if secure else "http"
            yield name, f"{scheme}://{_host(system, settled, service.public.host)}"


def _host(system: System, settled: Environment, label: str | None) -> str:
    base = settled.domain or system.file.domain or f"{system.name}.example.com"
    return f"{label}.{base}" if label else base


def _store(bindings: Bindings, name: str, container: Container, size: Sized) -> Workload:
    """Plan a store's server: one, with a disk of its own."""
    kind, launch = bindings.kinds[name], container.launch
    exporter, metrics = _watched(bindings, name)
    data = container.mounts.get("data") or f"{container.mounts['.']}/data"
    once: tuple[Once, ...] = ()
    if kind.script is not None:
        script = kind.script(bindings.views[name])
        once = (Once("setup", script.argv, script.env, mounted(script.files, {".": "/setup"})),)
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
            key: Setting(value, f"{kind.title}'s image")
            for key, value in sorted(launch.env.items())
        },
        scale=Scale(1, 1),
        resources=size.resources,
        user=container.user,
        live=TcpProbe(container.ports[kind.clients if kind.clients in container.ports else "main"]),
        ready=container.ready,
        grace_s=max(30.0, launch.grace_s),
        argv=launch.argv,
        files=mounted(launch.files, container.mounts),
        volumes={"data": data},
        disk=size.disk,
        connections=size.size.connections,
        scratch=container.scratch,
        owns_data=container.owns_data,
        once=once,
    )


def _connections(settled: Environment, server: str) -> int | None:
    return settled.stores[server].connections if server in settled.stores else None


def _watched(bindings: Bindings, name: str) -> tuple[Exporter | None, int | None]:
    """Say what tells how a store is, and on which port."""
    view, own = bindings.views[name], bindings.kinds[name].exporter
    if own is None or view.monitor is None:
        return None, None
    image = versions.read().image(own.image) if own.image else ""
    env = {key: text(value.format(database=view.database)) for key, value in own.env.items()}
    if own.password:
        env[own.password] = (view.monitor,)
    return Exporter(own.id, image, env, own.args), own.port


def _service(
    bindings: Bindings, settled: Environment, name: str, scale: Scale, problems: list[Problem]
) -> Workload:
    system = bindings.system
    spec = system.file.services[name]
    env, wrong = settings(bindings, name, 1)
    problems.extend(wrong)
    launch = launches.of_service(bindings, name, 1)
    listening = bindings.listening(name, 1)
    kit = system.is_kit(name)
    first = next(iter(listening.values()), None)
    return Workload(
        name=name,
        role="service",
        about=" + ".join(each.part.package or each.part.part for each in system.parts[name])
        or " ".join(spec.run or ()),
        image=_image(system, settled, name),
        place=str(system.locate(("services", name), key=True)),
        ports=listening,
        env=dict(sorted(env.items())),
        scale=scale,
        resources=_resources(settled, spec.resources),
        user=NOBODY,
        live=launch.booted if kit or first else _live(launch),
        ready=_ready(launch),
        parts=tuple(each.part.package for each in system.parts[name] if each.part.package),
        migrates=_migrates(bindings, name),
        extras=tuple(_extras(bindings, name)) if kit else (),
        metrics=first if kit else None,
        drain_s=DRAIN_S,
        grace_s=DRAIN_S + FINISH_S + 15.0,
        volumes={each: f"{VOLUMES}/volumes/{name}/{each}" for each in spec.volumes},
        disk=str(settled.disk),
        routes=tuple(_routes(bindings, settled, name)),
        once=tuple(
            Once(task, launches.of_task(bindings, name, each).argv, schedule=each.schedule or "")
            for task, each in spec.tasks.items()
        ),
        sources=tuple(
            posixpath.relpath(each.folder, system.folder or ".") for each in system.parts[name]
        )
        or ((spec.cwd,) if spec.cwd else ()),
    )


def _migrates(bindings: Bindings, name: str) -> bool:
    """Tell whether its parts keep tables of their own: not if they only read a log of changes."""
    system = bindings.system
    slots = {slot: each for part in system.parts[name] for slot, each in part.part.slots.items()}
    return system.is_kit(name) and any(
        slot in slots and bindings.kinds[store].sql_url and not slots[slot].replication
        for slot, store in system.file.services[name].stores.items()
    )


def _extras(bindings: Bindings, name: str) -> Iterator[str]:
    """List the kit's extras that a service's stores, its broker and its settings ask for."""
    bound = {*bindings.system.file.services[name].stores.values()}
    if bindings.uses_broker(name):
        bound.add(ports.BROKER)
    found = {bindings.kinds[each].extra for each in bound if each in bindings.kinds}
    file, spec = bindings.system.file, bindings.system.file.services[name]
    # One image for all environments: it is there if any of them sends errors.
    given = {*file.env, *spec.env, *spec.secrets}
    given.update(*(each.env.get(name, {}) for each in file.environments.values()))
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


def _routes(bindings: Bindings, settled: Environment, name: str) -> Iterator[Route]:
    system = bindings.system
    public, main = system.file.services[name].public, ports.main_port(system, name)
    if public is not None and main:
        port = bindings.public_port(name, main)
        yield Route(_host(system, settled, public.host), public.paths, port)


def _store_place(system: System, name: str) -> object:
    return system.locate(("broker",) if name == ports.BROKER else ("stores", name), key=True)
