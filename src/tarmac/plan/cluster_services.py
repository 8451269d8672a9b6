"""The services of a cluster: their workloads, images and public routes."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from tarmac.base.errors import Problem
from tarmac.base.launch import CommandProbe, Launch, LogProbe, Probe
from tarmac.model import conventions
from tarmac.model.environment import Environment, Resources
from tarmac.model.system import System
from tarmac.plan import callers, launches, ports, secret_files, secret_variables
from tarmac.plan.bindings import Bindings
from tarmac.plan.cluster import (
    OneTimeTask,
    PublicRoute,
    Scale,
    Workload,
    mounted_files,
)
from tarmac.plan.dns import entrances
from tarmac.plan.settings import settings
from tarmac.plan.timing import timing

#: Endpoints are told everywhere of one that goes within so long (kube-proxy syncs each second, an
#: ingress controller a little later); until then it serves on.
DRAIN_S = 5.0
#: The kit lets requests in flight finish for so long.
FINISH_S = conventions.SHUTDOWN_GRACE_DEFAULT_S
#: Closing consumers and pools; with the two above it makes the 30 s that Kubernetes gives a pod.
CLOSE_S = 17.0
#: The unprivileged user, by number (CON-08): an image without a user list knows no name.
UNPRIVILEGED = 65534
#: Volumes of a service, below this folder.
VOLUMES = "/var/lib"


def service_workload(
    bindings: Bindings, settled: Environment, name: str, scale: Scale, problems: list[Problem]
) -> Workload:
    """Plan a service's pods.

    Args:
        problems: what is wrong is added to them.
    """
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
        after_start=launch.after_start,
        before_stop=launch.before_stop,
        stop_command=launch.stop_command,
        files=mounted_files(secret_files.of_service(bindings, name), {}),
        rotations={
            held.name: held.rotation.rotate
            for held in secret_variables.of_service(bindings, name)
            if held.rotation.rotate and not held.second_of
        },
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
        sources=_sources(system, name),
        repository=system.checkouts[name].revision.url if name in system.checkouts else "",
        caller_tokens=callers.callees(bindings, name),
        caller_keys=callers.asks_for_keys(bindings, name),
    )


def _migrates(bindings: Bindings, name: str) -> bool:
    """Tell whether its parts keep tables of their own: not if they only read a log of changes."""
    system = bindings.system
    return system.is_kit(name) and any(
        bindings.kinds[store].sql_url and not slot.replication
        for slot, store in system.bound_slots(name).values()
    )


def _extras(bindings: Bindings, name: str) -> Iterator[str]:
    """List the kit's extras that a service's stores, its broker and its settings ask for."""
    bound = {*bindings.system.file.services[name].stores.values()}
    if bindings.uses_broker(name):
        bound.add(ports.BROKER)
    found = {bindings.kinds[store].extra for store in bound if store in bindings.kinds}
    file, spec = bindings.system.file, bindings.system.file.services[name]
    # One image for all environments: it is there if any of them sends errors.
    given = {*file.env, *spec.env, *spec.secret_variables}
    given.update(*(environment.env.get(name, {}) for environment in file.environments.values()))
    if conventions.SENTRY_DSN in given:
        found.add("sentry")
    yield from sorted(found - {""})


def _sources(system: System, name: str) -> tuple[str, ...]:
    """List the folders that its image is built from here; none if another repository builds it."""
    if name in system.checkouts:
        return ()
    folders = (posixpath.relpath(p.folder, system.folder or ".") for p in system.parts[name])
    cwd = system.file.services[name].cwd
    return tuple(folders) or ((cwd,) if cwd else ())


def _image(system: System, settled: Environment, name: str) -> str:
    registry = settled.registry or system.name
    checkout = system.checkouts.get(name)
    usual = checkout.revision.tag if checkout else settled.version
    own = settled.images.get(name, usual)
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


def public_urls(system: System, settled: Environment) -> Iterator[tuple[str, str]]:
    """Yield each public service with the address by which the world knows it."""
    for name, service in system.file.services.items():
        if service.public is None:
            continue
        main = ports.main_port(system, name)
        if settled.entry is not None:
            yield name, settled.entry.origin(_host(system, settled, service.public.host))
        elif settled.target == "compose" and main:
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
