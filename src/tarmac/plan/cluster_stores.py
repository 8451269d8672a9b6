"""The stores of a cluster: what serves each, and the workload of its server."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.base import versions
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.launch import TcpProbe, text
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
from tarmac.model.environment import Environment
from tarmac.model.system import System
from tarmac.plan import ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.cluster import (
    ExporterSidecar,
    OneTimeTask,
    Scale,
    Workload,
    mounted_files,
)
from tarmac.plan.settings import EnvVariable
from tarmac.plan.sizes import StoreSizing

#: The user of a store's client, which owns nothing.
CLIENT_USER = 999
#: A store's port for metrics.
METRICS_PORT = "metrics"


def offered(
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
            digest = settled.images.get(name, "")
            offers[name] = _offer(kinds[kind], contained[0], version, digest)
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


def _offer(kind: StoreKind, image: Image, asked: str | None, digest: str) -> ProviderCandidate:
    """Choose the tag: the requested version, or a newer one that serves it as well."""
    older = asked is not None and numbers(asked) <= numbers(kind.served_by_newer)
    tag = image.tag if asked is None or older else asked
    whole = f"{image.name}:{tag}{f'@{digest}' if digest else ''}"
    return ProviderCandidate(DOCKER, {}, tag, kind.id, whole)


def containers(bindings: Bindings) -> dict[str, Container]:
    """Lay out the container of each store that runs in the cluster."""
    found = {}
    for name, kind in bindings.here.items():
        if (contained := _contained(kind)) is not None:
            found[name] = contained[1](bindings.views[name], bindings.offer(name), False)
    return found


def store_workload(
    bindings: Bindings, name: str, container: Container, size: StoreSizing
) -> Workload:
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


def setup_workload(bindings: Bindings, settled: Environment, name: str) -> Workload | None:
    """Plan what makes a store on a server that Terraform or Pulumi makes, and its users.

    Returns:
        A workload of which no server runs in the cluster; None: there is nothing to make.
    """
    kind, context = bindings.kinds[name], bindings.views[name]
    make, contained = kind.managed[context.server].script, _contained(kind)
    if make is None or contained is None:
        return None
    script = make(context)
    files = mounted_files(script.files, {".": "/setup"})
    version, digest = bindings.asked_version(name), settled.images.get(name, "")
    return Workload(
        name=name,
        role="store",
        about=kind.title,
        # Its client is what sets the server up.
        image=_offer(kind, contained[0], version, digest).image,
        place=str(_store_place(bindings.system, name)),
        ports={},
        env={},
        scale=Scale(0, 0),
        resources=settled.resources,
        user=CLIENT_USER,
        live=None,
        ready=None,
        once=(OneTimeTask("setup", script.argv, script.env, files),),
    )


def made(settled: Environment, kinds: Mapping[str, StoreKind]) -> dict[str, str]:
    """List the stores on servers that Terraform or Pulumi makes, each with its server.

    Only where External Secrets reads what these write down; elsewhere a person says it.

    Args:
        kinds: by store.
    """
    wanted = settled.infrastructure
    if wanted is None or settled.secrets != "external" or settled.target != "cluster":
        return {}
    return {
        store: server
        for server, stores in settled.servers.items()
        for store in stores
        if server in wanted.servers
        and server in kinds[store].managed
        and kinds[store].managed[server].url
    }


def connections(settled: Environment, server: str) -> int | None:
    """Return how many connections a server is said to take; None where nothing says it."""
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


def _store_place(system: System, name: str) -> object:
    return system.locate(("broker",) if name == ports.BROKER else ("stores", name), key=True)
