"""`resolve`: the one place that computes a name, a port, a URL, a variable or a secret's path."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.launch import secrets_of
from tarmac.base.target import WORLD
from tarmac.catalog.stores.kind import Provider, ProviderCandidate, StoreKind
from tarmac.model.edge import ENTRY
from tarmac.model.store import Store
from tarmac.model.system import System
from tarmac.plan import entry, graph, local_access, names, ports, service_nodes
from tarmac.plan.access import access
from tarmac.plan.bindings import Bindings
from tarmac.plan.callers import caller_edges, takes_part
from tarmac.plan.facts import MachineFacts, RunShape
from tarmac.plan.plan import EdgeProxy, Node, Plan, Seed

LOCAL = "local"


def resolve(
    system: System, environment: str, facts: MachineFacts, kinds: Mapping[str, StoreKind]
) -> Plan:
    """Compute everything that running the system needs.

    Args:
        environment: `local`, the only one that runs so far.
        kinds: the catalogue of stores.

    Raises:
        BadInput: a store kind or an output that does not exist, a cycle of waits.
        MissingTool: no provider of a store kind is on this machine.
        TarmacError: a new version needs what this system does not have.
    """
    return planned(bound(system, facts, kinds), environment)


def bound(system: System, facts: MachineFacts, kinds: Mapping[str, StoreKind]) -> Bindings:
    """Bind services to stores and to each other; see `resolve`."""
    problems = [found for one in _systems(system, facts) for found in _unknown_kinds(one, kinds)]
    if problems:
        raise BadInput(problems)
    return Bindings(system, facts, kinds)


def planned(bindings: Bindings, environment: str) -> Plan:
    """Plan a system that is bound; see `resolve`."""
    system, facts = bindings.system, bindings.facts
    problems = [found for one in _systems(system, facts) for found in _unscalable(one, facts.shape)]
    off = facts.shape.off
    nodes = [_store(bindings, name) for name in bindings.here if name not in off]
    kept: list[Node] = []  # their secrets are there before they run
    for name in system.file.services:
        found, wrong = service_nodes.of_service(bindings, name)
        (kept if name in off else nodes).extend(found)
        problems.extend(wrong if name not in off else ())
    nodes.extend(entry.nodes(bindings))
    if loop := graph.cycle({node.name: node.after for node in nodes}):
        edges = [(a, b, str(system.place(a, b))) for a, b in pairwise(loop)]
        waits = ", ".join(f"{a} waits for {b} ({where})" for a, b, where in edges)
        problems.append(Problem(edges[0][2], f"a cycle: {waits}; remove one of these edges"))
    seeds = tuple(_seeds(bindings, problems))
    if problems:
        raise BadInput(problems)
    nodes.extend(service_nodes.of_new_version(bindings, name) for name in facts.shape.versions)
    secrets = {
        secret.path: secret for node in (*nodes, *kept) for secret in secrets_of(node.launch)
    }
    overrides = facts.shape.overrides
    return Plan(
        system=system.name,
        environment=environment,
        namespace=facts.namespace,
        nodes=tuple(service_nodes.overridden(node, overrides) for node in nodes),
        edges=bindings.edges,
        wires=tuple(_wires(bindings)),
        secrets=tuple(secrets[path] for path in sorted(secrets)),
        seeds=seeds,
        access=access(bindings),
        notes=tuple(_notes(bindings)),
        caller_edges=caller_edges(bindings),
    )


def _systems(system: System, facts: MachineFacts) -> Iterator[System]:
    """Yield the system, and those that its services' new versions are of."""
    yield system
    for version in facts.shape.versions.values():
        if version.system is not None:
            yield version.system


def _unknown_kinds(system: System, kinds: Mapping[str, StoreKind]) -> Iterable[Problem]:
    for name, store in system.file.stores.items():
        kind = kinds.get(store.kind)
        if kind is None or kind.broker:
            known = [kind.id for kind in kinds.values() if not kind.broker]
            yield Problem(
                str(system.locate(("stores", name, "kind"))),
                f"store '{name}' has unknown kind '{store.kind}'; "
                f"{did_you_mean(store.kind, known)}",
            )
        elif store.shared and kind.sql_url is None:
            yield Problem(
                str(system.locate(("stores", name, "shared"))),
                f"a store of kind {store.kind} has no owners; remove this line",
            )
        elif (key := _of_sql(store)) and not kind.loads_sql:
            yield Problem(
                str(system.locate(("stores", name, key))),
                f"a store of kind {store.kind} takes no {key}; remove it",
            )
    yield from local_access.problems(system, kinds)
    broker = system.file.broker
    if broker is None or ((kind := kinds.get(broker.kind)) is not None and kind.broker):
        return
    carriers = [kind.id for kind in kinds.values() if kind.broker]
    yield Problem(
        str(system.locate(("broker",))),
        f"unknown broker '{broker.kind}'; {did_you_mean(broker.kind, carriers)}",
    )


def _unscalable(system: System, shape: RunShape) -> Iterable[Problem]:
    """Find services of which several are wanted and only one can be."""
    for name, service in system.file.services.items():
        wanted = ports.instances(system, name, shape) + (name in shape.versions)
        if wanted > 1 and service.listening and not ports.is_wired(system, name, shape):
            why = "it listens on a fixed port" if service.listen == "fixed" else "--direct"
            place = system.locate(("services", name), key=True)
            yield Problem(
                str(place), f"{name} cannot have {wanted} instances here ({why}); ask for one"
            )


def _of_sql(store: Store) -> str:
    """Name the key by which a store asks for files of SQL; empty without one."""
    return "seed" if store.seed else "init" if store.init else ""


def _provider(kind: StoreKind, candidate: ProviderCandidate) -> Provider:
    return next(provider for provider in kind.providers if provider.id == candidate.provider)


def _store(bindings: Bindings, name: str) -> Node:
    kind, context, candidate = bindings.kinds[name], bindings.views[name], bindings.offer(name)
    provider = _provider(kind, candidate)
    zone, machine = service_nodes.zone_and_machine(1)
    page = ""
    if kind.page is not None:
        port_name, path = kind.page
        page = f"http://{bindings.facts.public_host}:{context.ports[port_name]}{path}"
    return Node(
        name=name,
        role="broker" if kind.broker else "store",
        about=f"{provider.title or kind.title} {candidate.version} ({candidate.provider})"
        f"{_substitute_for(bindings, name)}{_known_port(bindings, name)}",
        launch=provider.launch(context, candidate, bindings.facts.shape.fast_stores),
        service=name,
        zone=zone,
        machine=machine,
        ports=context.ports,
        page=page,
        page_secret=provider.page_secret(context) if page and provider.page_secret else None,
    )


def _substitute_for(bindings: Bindings, store: str) -> str:
    asked = bindings.asked_kind(store)
    return "" if asked.id == bindings.kinds[store].id else f", substitute for {asked.title}"


def _known_port(bindings: Bindings, store: str) -> str:
    """Say where programs find a store by themselves: the port that is listed is the server's."""
    number = local_access.port(bindings.system, store)
    return "" if number is None else f", for programs at localhost:{number}"


def _wires(bindings: Bindings) -> Iterable[EdgeProxy]:
    facts, system = bindings.facts, bindings.system
    for name, service in system.file.services.items():
        if ports.is_wired(system, name, facts.shape):
            for port in service.listening:
                yield EdgeProxy(WORLD, name, port, bindings.public_port(name, port))
    if not facts.shape.direct:
        for label in system.file.entry:
            port = ports.entry_port(label)
            yield EdgeProxy(WORLD, ENTRY, port, bindings.public_port(ENTRY, port))
    for (source, target), target_ports in bindings.links.items():
        for port in target_ports:
            listen = facts.ports.get(ports.edge_key(source, target, port), 0)
            named = names.listeners(bindings, source, target, port) if listen else ()
            if listen and bindings.first_users.get(target) == source and target in bindings.here:
                named += local_access.listeners(system, target)
            there = system.file.services.get(target)
            late = there is not None and there.listen == "fixed"
            yield EdgeProxy(source, target, port, listen, named, late)


def _seeds(bindings: Bindings, problems: list[Problem]) -> Iterable[Seed]:
    for name, store in bindings.system.file.stores.items():
        if not _of_sql(store) or name not in bindings.here or name in bindings.facts.shape.off:
            continue  # what stands elsewhere has data of its own
        view, folder = bindings.views[name], bindings.facts.folder
        if not view.users:
            place = bindings.system.locate(("stores", name, _of_sql(store)))
            problems.append(
                Problem(str(place), f"no service uses '{name}', so its tables are never created")
            )
            continue
        first = view.users[0]
        # Before it is ready, no wire leads to it.
        own = bindings.kinds[name].outputs["url"](view, first)
        for file in store.init:
            yield Seed(posixpath.join(folder, file), store=name, url=own, service=name)
        if store.seed is not None:
            url = bindings.store_outputs(name, first.service)["url"]
            yield Seed(posixpath.join(folder, store.seed), name, url, service=first.service)


def _left_out(bindings: Bindings) -> Iterable[str]:
    """Say which stores were named to be left out, and what misses them."""
    for name in sorted(bindings.facts.shape.left_out):
        users = sorted(n for n in bindings.system.file.services if name in bindings.stores_of(n))
        missed = f" and {', '.join(users)} {'misses' if len(users) == 1 else 'miss'} it"
        yield (
            f"{name}: left out (--without), so it does not answer{missed if users else ''}; "
            f"`tarmac start {name}` starts it"
        )


def _notes(bindings: Bindings) -> Iterable[str]:
    facts, system = bindings.facts, bindings.system
    yield from facts.lacks
    for need in ports.needs(system, bindings.here, facts.shape):
        given, preferred = facts.ports[need.key], facts.preferred.get(need.key, need.preferred)
        if preferred is not None and given != preferred and not need.store:
            _, name, port = need.key.split("/")
            holder = facts.holders.get(preferred, "another process")
            taken = f"port {preferred} is taken by {holder}"
            yield f"{name}: {taken}; its {port} port is {given} here"
    for name in [name for name in system.file.services if name not in facts.shape.off]:
        if not takes_part(system, name):
            yield (
                f"{name}: trust: network; it presents and checks no caller tokens, so every "
                "process that reaches it may change its data"
            )
    yield from _left_out(bindings)
    running = {n: kind for n, kind in bindings.kinds.items() if n not in facts.shape.off}
    for name, kind in running.items():
        asked, candidate = bindings.asked_version(name), bindings.offer(name)
        if candidate.address is not None:
            place = f"{candidate.address.host}:{candidate.address.port}"
            yield (
                f"{name}: external, at {place}; it is not started, set up or seeded here, "
                "and it has no proxy"
            )
        elif substitute := _substitute_for(bindings, name):
            yield f"{name}: {kind.title} {candidate.version} answers{substitute}"
        elif not kind.serves(asked, candidate):
            title = _provider(kind, candidate).title or kind.title
            yield f"{name}: version {asked} requested; {title} {candidate.version} answers here"
        if candidate.note:
            yield f"{name}: {candidate.note}"
    yield from local_access.notes(system, running, bindings.here)
    if facts.shape.fast_stores:
        for kind in {kind.id: kind for kind in bindings.here.values()}.values():
            if kind.fast_gives_up:
                yield f"--fast-stores: {kind.id} gives up {kind.fast_gives_up}"
