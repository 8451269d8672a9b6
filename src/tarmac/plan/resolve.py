"""`resolve`: the one place that computes a name, a port, a URL, a variable or a secret's path."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import pairwise

from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.launch import secrets_of
from tarmac.model.edge import ENTRY, place
from tarmac.model.system import System
from tarmac.plan import entry, graph, launches, ports
from tarmac.plan.access import access
from tarmac.plan.bindings import Bindings
from tarmac.plan.facts import Facts
from tarmac.plan.plan import Node, Plan, Seed, Wire
from tarmac.plan.settings import settings
from tarmac.stores._kind import StoreKind

LOCAL = "local"
#: Three zones, as a region has; the first instance of everything stands in the first.
ZONES = "abc"


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
    problems.extend(_unscalable(system, facts))
    nodes = [_store(bindings, name) for name in bindings.here]
    for name in system.file.services:
        found, wrong = _service(bindings, name)
        nodes.extend(found)
        problems.extend(wrong)
    nodes.extend(entry.nodes(bindings))
    if loop := graph.cycle({node.name: node.after for node in nodes}):
        edges = [(a, b, str(place(system, a, b))) for a, b in pairwise(loop)]
        waits = ", ".join(f"{a} waits for {b} ({where})" for a, b, where in edges)
        problems.append(Problem(edges[0][2], f"a cycle: {waits}; remove one of these edges"))
    seeds = tuple(_seeds(bindings, problems))
    if problems:
        raise BadInput(problems)
    secrets = {secret.path: secret for node in nodes for secret in secrets_of(node.launch)}
    return Plan(
        system=system.name,
        environment=environment,
        namespace=facts.namespace,
        nodes=tuple(nodes),
        edges=bindings.edges,
        wires=tuple(_wires(bindings)),
        secrets=tuple(secrets[path] for path in sorted(secrets)),
        seeds=seeds,
        access=access(bindings),
        notes=tuple(_notes(bindings)),
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
        elif store.passwordless and not kinds[store.kind].passwordless:
            yield Problem(
                str(system.locate(("stores", name, "passwordless"))),
                f"a store of kind {store.kind} always asks for a password; remove this line",
            )
        elif store.shared and kinds[store.kind].sql_url is None:
            yield Problem(
                str(system.locate(("stores", name, "shared"))),
                f"nothing in a store of kind {store.kind} has an owner; remove this line",
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


def _unscalable(system: System, facts: Facts) -> Iterable[Problem]:
    """Find services of which several are wanted and only one can be."""
    for name, service in system.file.services.items():
        wanted = ports.instances(system, name, facts.shape)
        if wanted > 1 and service.listening and not ports.is_wired(system, name, facts.shape):
            why = "it can only listen on its own port" if service.listen == "fixed" else "--direct"
            place = system.locate(("services", name), key=True)
            yield Problem(
                str(place), f"{name} cannot have {wanted} instances here ({why}); ask for one"
            )


def _store(bindings: Bindings, name: str) -> Node:
    kind, view, offer = bindings.kinds[name], bindings.views[name], bindings.offer(name)
    provider = next(each for each in kind.providers if each.id == offer.provider)
    title = provider.title or kind.title
    page = ""
    if kind.page is not None:
        port_name, path = kind.page
        page = f"http://{view.host}:{view.ports[port_name]}{path}"
    return Node(
        name=name,
        role="broker" if kind.broker else "store",
        about=f"{title} {offer.version} ({offer.provider}){_standing_in(bindings, name)}",
        launch=provider.launch(view, offer, bindings.facts.shape.fast_stores),
        service=name,
        zone=_place(1)[0],
        machine=_place(1)[1],
        ports=view.ports,
        page=page,
    )


def _standing_in(bindings: Bindings, store: str) -> str:
    asked = bindings.asked_kind(store)
    return "" if asked.id == bindings.kinds[store].id else f", standing in for {asked.title}"


def _service(bindings: Bindings, name: str) -> tuple[list[Node], list[Problem]]:
    """Plan a service's instances, and its tasks."""
    system, facts = bindings.system, bindings.facts
    service = system.file.services[name]
    stores = bindings.stores_of(name)
    # Nobody waits for what is not started here; its wire is there for when it is.
    calls = [call for call in bindings.calls_of(name) if call not in facts.shape.without]
    before = tuple(
        _task_name(name, task) for task in service.tasks if not service.tasks[task].schedule
    )
    main = ports.main_port(system, name)
    url = f"{facts.host}:{bindings.public_port(name, main)}" if main else ""
    # A gRPC port is an address for programs; everything else is taken for a page.
    grpc = service.probe is not None and service.probe.grpc and main in ("grpc", "http")
    page = ""
    if url and service.public is not None and not grpc:
        page = bindings.public_url(name, main)
        if system.entrance(name) is not None:
            # Of a host that several share, whoever has its front page.
            page = f"{page}/" if "/" in service.public.paths else ""
    url = f"http://{url}" if url and not grpc else url
    # A kit service waits for what it calls by itself, so it may start at once: its imports are
    # most of its start. A foreign one may give up when what it calls is not there.
    after = {*stores, *before} if system.is_kit(name) else {*stores, *before, *calls}
    nodes: list[Node] = []
    problems: list[Problem] = []
    for number in range(1, ports.instances(system, name, facts.shape) + 1):
        env, wrong = settings(bindings, name, number)
        problems.extend(wrong if number == 1 else ())
        launch = launches.of_service(bindings, name, number)
        zone, machine = _place(number)
        nodes.append(
            Node(
                name=name if number == 1 else f"{name}.{number}",
                role="service",
                about=_about(bindings, name),
                launch=replace(launch, env={key: each.value for key, each in env.items()}),
                service=name,
                number=number,
                after=tuple(sorted(after)),
                needs=tuple(sorted({*stores, *calls})),
                ports={
                    k: v for k, v in bindings.listening(name, number).items() if k != ports.HEALTH
                },
                url=url if number == 1 else "",
                page=page if number == 1 else "",
                zone=zone,
                machine=machine,
                outside=name in facts.shape.without,
                origins={key: each.origin for key, each in env.items()},
            )
        )
    for task_name, task in service.tasks.items():
        launch = launches.of_task(bindings, name, task)
        needs = {*stores, *calls, name} - facts.shape.without if task.schedule else stores
        nodes.append(
            replace(
                nodes[0],
                name=_task_name(name, task_name),
                role="task",
                about=" ".join(task.run),
                launch=replace(launch, env=nodes[0].launch.env),
                after=tuple(sorted(needs)),
                needs=(),
                ports={},
                url="",
                page="",
                outside=False,
                schedule=task.schedule or "",
            )
        )
    return nodes, problems


def _task_name(service: str, task: str) -> str:
    return f"{service}.{task}"


def _place(number: int) -> tuple[str, str]:
    """Spread instances over zones and machines, as a cluster's scheduler would."""
    zone = ZONES[(number - 1) % len(ZONES)]
    return f"zone-{zone}", f"node-{zone}{(number - 1) // len(ZONES) + 1}"


def _about(bindings: Bindings, name: str) -> str:
    parts = bindings.system.parts[name]
    packages = [sourced.part.package or sourced.part.part for sourced in parts]
    return " + ".join(packages) or " ".join(bindings.system.file.services[name].run or ())


def _wires(bindings: Bindings) -> Iterable[Wire]:
    facts, system = bindings.facts, bindings.system
    for name, service in system.file.services.items():
        if ports.is_wired(system, name, facts.shape):
            for port in service.listening:
                yield Wire(ports.WORLD, name, port, bindings.public_port(name, port))
    if not facts.shape.direct:
        for label in system.file.entry:
            port = ports.entry_port(label)
            yield Wire(ports.WORLD, ENTRY, port, bindings.public_port(ENTRY, port))
    for (source, target), target_ports in bindings.links.items():
        for port in target_ports:
            listen = facts.ports.get(ports.edge_key(source, target, port), 0)
            yield Wire(source, target, port, listen)


def _seeds(bindings: Bindings, problems: list[Problem]) -> Iterable[Seed]:
    for name, store in bindings.system.file.stores.items():
        if store.seed is None or name not in bindings.here:
            continue  # what stands elsewhere has data of its own
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


def _notes(bindings: Bindings) -> Iterable[str]:
    facts, system = bindings.facts, bindings.system
    for need in ports.needs(system, bindings.here, facts.shape):
        given, preferred = facts.ports[need.key], facts.preferred.get(need.key, need.preferred)
        if preferred is not None and given != preferred:
            _, name, port = need.key.split("/")
            who = facts.holders.get(preferred, "another process")
            taken = f"port {preferred} is taken by {who}"
            yield f"{name}: {taken}; its {port} port is {given} here"
    for name, kind in bindings.kinds.items():
        asked, offer = bindings.asked_version(name), bindings.offer(name)
        if offer.address is not None:
            place = f"{offer.address.host}:{offer.address.port}"
            yield (
                f"{name}: external, at {place}; nothing here starts, sets up or seeds it, "
                "and it has no wire"
            )
        elif standing_in := _standing_in(bindings, name):
            yield f"{name}: {kind.title} {offer.version} answers{standing_in}"
        elif not kind.serves(asked, offer):
            yield (
                f"{name}: version {asked} is asked for; {kind.title} {offer.version} answers here"
            )
        if offer.note:
            yield f"{name}: {offer.note}"
    if facts.shape.fast_stores:
        for kind in {kind.id: kind for kind in bindings.here.values()}.values():
            if kind.fast_gives_up:
                yield f"--fast-stores: {kind.id} gives up {kind.fast_gives_up}"
