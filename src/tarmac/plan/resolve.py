"""`resolve`: the one place that computes a name, a port, a URL, a variable or a secret's path."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.launch import (
    AliveProbe,
    CommandProbe,
    HttpProbe,
    Launch,
    LogProbe,
    Probe,
    TcpProbe,
    secrets_of,
)
from tarmac.model import conventions
from tarmac.model.service import Service
from tarmac.model.system import System
from tarmac.plan import graph, ports
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import Facts
from tarmac.plan.plan import Node, Plan, Seed
from tarmac.stores._kind import StoreKind

LOCAL = "local"
SHELL = "/bin/sh"


def resolve(system: System, environment: str, facts: Facts, kinds: Mapping[str, StoreKind]) -> Plan:
    """Compute everything that running the system needs.

    Args:
        environment: `local`, the only one that runs so far.
        kinds: the catalogue of stores.

    Raises:
        BadInput: a store kind or an output that does not exist, a cycle of waits.
        MissingTool: no provider of a store kind is on this machine.
    """
    problems = list(_unknown_kinds(system, kinds))
    if problems:
        raise BadInput(problems)
    bindings = Bindings(system, facts, kinds)
    stores = [_store(bindings, name) for name in bindings.views]
    services = []
    for name in system.file.services:
        node, wrong = _service(bindings, name)
        services.append(node)
        problems.extend(wrong)
    nodes = (*stores, *services)
    if loop := graph.cycle({node.name: node.after for node in nodes}):
        place = system.locate(("services", loop[0]), key=True)
        problems.append(
            Problem(
                str(place),
                f"a cycle of waits: {' waits for '.join(loop)}; remove one of these edges",
            )
        )
    seeds = tuple(_seeds(bindings, problems))
    if problems:
        raise BadInput(problems)
    secrets = {secret.path: secret for node in nodes for secret in secrets_of(node.launch)}
    return Plan(
        system=system.name,
        environment=environment,
        namespace=facts.namespace,
        nodes=nodes,
        edges=bindings.edges,
        secrets=tuple(secrets[path] for path in sorted(secrets)),
        seeds=seeds,
        notes=tuple(_notes(bindings, kinds)),
    )


def _unknown_kinds(system: System, kinds: Mapping[str, StoreKind]) -> Iterable[Problem]:
    for name, store in system.file.stores.items():
        known = [kind.id for kind in kinds.values() if not kind.broker]
        if store.kind not in known:
            yield Problem(
                str(system.locate(("stores", name, "kind"))),
                f"store '{name}' has unknown kind '{store.kind}'; "
                f"{did_you_mean(store.kind, known)}",
            )
        elif store.seed and kinds[store.kind].sql_url is None:
            yield Problem(
                str(system.locate(("stores", name, "seed"))),
                f"a store of kind {store.kind} takes no seed; remove it",
            )
    broker = system.file.broker
    carriers = [kind.id for kind in kinds.values() if kind.broker]
    if broker is not None and broker.kind not in carriers:
        yield Problem(
            str(system.locate(("broker",))),
            f"unknown broker '{broker.kind}'; {did_you_mean(broker.kind, carriers)}",
        )


def _store(bindings: Bindings, name: str) -> Node:
    kind, view, offer = bindings.kind(name), bindings.views[name], bindings.offer(name)
    provider = next(each for each in kind.providers if each.id == offer.provider)
    page = ""
    if kind.page is not None:
        port_name, path = kind.page
        page = f"http://{view.host}:{view.ports[port_name]}{path}"
    return Node(
        name=name,
        role="broker" if kind.broker else "store",
        about=f"{kind.title} {offer.version} ({offer.provider})",
        launch=provider.launch(view, offer, bindings.facts.fast_stores),
        ports=view.ports,
        page=page,
    )


def _service(bindings: Bindings, name: str) -> tuple[Node, tuple[Problem, ...]]:
    system, facts = bindings.system, bindings.facts
    service = system.file.services[name]
    env, problems = bindings.env(name)
    listening = {port: facts.ports[ports.service_key(name, port)] for port in service.listening}
    calls = bindings.calls_of(name)
    kit = system.is_kit(name)
    stores = bindings.stores_of(name)
    launch = _kit_launch(bindings, name) if kit else _own_launch(bindings, name, service)
    main = listening.get("http") or next(iter(listening.values()), None)
    url = f"http://{facts.host}:{main}" if main else ""
    return (
        Node(
            name=name,
            role="service",
            about=_about(bindings, name),
            launch=replace(launch, env=env),
            # A kit service waits for what it calls by itself, so it may start at once: its imports
            # are most of its start. A foreign one may give up when what it calls is not there.
            after=tuple(sorted(stores if kit else {*stores, *calls})),
            needs=tuple(sorted({*stores, *calls})),
            ports=listening,
            url=url,
            page=url if service.public is not None else "",
        ),
        problems,
    )


def _about(bindings: Bindings, name: str) -> str:
    parts = bindings.system.parts[name]
    packages = [sourced.part.package or sourced.part.part for sourced in parts]
    return " + ".join(packages) or " ".join(bindings.system.file.services[name].run or ())


def _kit_launch(bindings: Bindings, name: str) -> Launch:
    facts, parts = bindings.facts, bindings.system.parts[name]
    port = bindings.listen_port(name)
    python = facts.pythons.get(name, facts.pythons[""])
    packages = [sourced.part.package for sourced in parts if sourced.part.package]
    return Launch(
        argv=(python, "-m", conventions.SERVE_MODULE, *packages),
        booted=HttpProbe(port, conventions.LIVE_PATH),
        ready=HttpProbe(port, conventions.READY_PATH),
        cwd=parts[0].folder,
        sources=(*(sourced.folder for sourced in parts), *facts.kit_sources),
    )


def _own_launch(bindings: Bindings, name: str, service: Service) -> Launch:
    facts, parts = bindings.facts, bindings.system.parts[name]
    argv = service.run or (parts[0].part.run if parts else ()) or ()
    folder = parts[0].folder if parts else facts.folder
    cwd = posixpath.join(facts.folder, service.cwd) if service.cwd else folder
    port = next(iter(service.listening), None)
    number = facts.ports[ports.service_key(name, port)] if port else None
    ready, within_s = _own_probe(service, number)
    return Launch(
        argv=_command(argv, trap=True),
        signal_group=_command(argv)[0] == SHELL,
        booted=TcpProbe(number) if number else None,
        ready=ready,
        booted_within_s=within_s,
        ready_within_s=within_s,
        cwd=cwd,
        sources=tuple(sourced.folder for sourced in parts),
    )


def _command(argv: tuple[str, ...], *, trap: bool = False) -> tuple[str, ...]:
    """One string with blanks is a line for the shell; all else a program and its arguments.

    Args:
        trap: have the shell stay until its command has ended; it would leave it alone on SIGTERM.
    """
    if len(argv) != 1 or " " not in argv[0]:
        return argv
    return (SHELL, "-c", f"trap 'exit 143' TERM\n{argv[0]}" if trap else argv[0])


def _own_probe(service: Service, port: int | None) -> tuple[Probe, float]:
    spec = service.probe
    within_s = spec.within if spec else 60.0
    if spec is not None and spec.http and port:
        return HttpProbe(port, spec.http), within_s
    if spec is not None and spec.command:
        return CommandProbe(_command(spec.command)), within_s
    if spec is not None and spec.log:
        return LogProbe(spec.log), within_s
    return (TcpProbe(port) if port else AliveProbe()), within_s


def _seeds(bindings: Bindings, problems: list[Problem]) -> Iterable[Seed]:
    for name, store in bindings.system.file.stores.items():
        if store.seed is None:
            continue
        users = bindings.views[name].users
        if not users:
            place = bindings.system.locate(("stores", name, "seed"))
            problems.append(
                Problem(str(place), f"no service uses '{name}', so nothing makes its tables")
            )
            continue
        outputs = bindings.store_outputs(name, users[0].service)
        file = posixpath.join(bindings.facts.folder, store.seed)
        yield Seed(file=file, store=name, url=outputs["url"], service=users[0].service)


def _notes(bindings: Bindings, kinds: Mapping[str, StoreKind]) -> Iterable[str]:
    facts, system = bindings.facts, bindings.system
    for need in ports.needs(system, kinds):
        given = facts.ports[need.key]
        if need.preferred is not None and given != need.preferred:
            _, name, port = need.key.split("/")
            yield f"{name}: port {need.preferred} is taken; its {port} port is {given} here"
    for name in bindings.views:
        asked, offer = bindings.asked_version(name), bindings.offer(name)
        if asked and not f"{offer.version}.".startswith(f"{asked}."):
            yield (
                f"{name}: version {asked} is asked for; "
                f"{bindings.kind(name).title} {offer.version} answers here"
            )
    if facts.fast_stores:
        for kind in sorted({bindings.kind(name).id for name in bindings.views}):
            if kinds[kind].fast_gives_up:
                yield f"--fast-stores: {kind} gives up {kinds[kind].fast_gives_up}"
