"""Explains a system from its model and its plan: what something is, its origin and its users.

Used by `tarmac explain`. All of it is plain data for JSON; secrets stand in it by their paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.launch import (
    AliveProbe,
    CommandProbe,
    ExchangeProbe,
    GrpcProbe,
    Hook,
    HttpProbe,
    Launch,
    LogProbe,
    Probe,
    TcpProbe,
    redact,
)
from tarmac.base.target import WORLD
from tarmac.model.edge import BROKER_KINDS, Edge
from tarmac.model.system import System
from tarmac.plan.plan import Node, Plan
from tarmac.plan.ports import BROKER
from tarmac.plan.settings import SHELL_ORIGIN

Explained = dict[str, Any]


def explain(system: System, plan: Plan, name: str | None) -> Explained:
    """Explain a service, store, topic, external, variable, port or instance; all in short without.

    Raises:
        BadInput: there is nothing of that name.
    """
    if name is None:
        return overview(system, plan)
    services, stores = system.file.services, _stores(system)
    if name in services:
        return _service(system, plan, name)
    if name in stores:
        return _store(system, plan, name)
    if name in _topics(system):
        return _topic(system, name)
    if name in system.file.externals:
        return _external(system, name)
    node = next((node for node in plan.nodes if node.name == name), None)
    if node is not None:
        return {**_service(system, plan, node.service), "asked": name}
    if name.isdecimal() and len(name) < 6 and (found := _port(plan, int(name))):
        return {"what": "port", "name": name, "uses": found}
    if found := _variable(plan, name):
        return {"what": "variable", "name": name, "values": found}
    if name.isdecimal():
        raise BadInput([Problem(name, f"no port of {system.name}; `tarmac explain` lists them")])
    known = {*services, *stores, *_topics(system), *system.file.externals}
    hint = did_you_mean(name, {*known, *_variables(plan)})
    if not hint.startswith("did you mean"):
        hint = did_you_mean(name, known)  # all variables are too many to list
    raise BadInput([Problem(name, f"not part of {system.name}; {hint}")])


def overview(system: System, plan: Plan) -> Explained:
    """Explain a whole system in short."""
    return {
        "what": "system",
        "name": system.name,
        "place": str(system.locate(())),
        "namespace": plan.namespace,
        "services": [
            {
                "name": name,
                "about": plan.instances(name)[0].about,
                "instances": len(plan.instances(name)),
                "ports": dict(_world(plan, name)),
                "url": plan.instances(name)[0].url,
                "calls": [edge.target for edge in _edges(plan, name, "call")],
                "stores": sorted({edge.target for edge in _edges(plan, name, "store")}),
                "place": str(system.locate(("services", name), key=True)),
            }
            for name in system.file.services
        ],
        "stores": [
            {
                "name": name,
                "about": _about_store(system, plan, name),
                "users": _users(plan, name),
                "place": _store_place(system, name),
            }
            for name in _stores(system)
        ],
        "topics": [_topic(system, topic) for topic in sorted(_topics(system))],
        "externals": [_external(system, name) for name in system.file.externals],
        "edges": [
            {"source": e.source, "target": e.target, "kind": e.kind, "place": _place(system, e)}
            for e in plan.edges
        ],
        "notes": list(plan.notes),
    }


def _service(system: System, plan: Plan, name: str) -> Explained:
    service, nodes = system.file.services[name], plan.instances(name)
    first = nodes[0]
    launch = first.launch
    callers = [e for e in plan.edges if e.kind == "call" and e.target == name]
    return {
        "what": "service",
        "name": name,
        "place": str(system.locate(("services", name), key=True)),
        "about": first.about,
        "parts": [
            {"part": s.part.part, "package": s.part.package, "folder": s.folder}
            for s in system.parts[name]
        ],
        "argv": list(launch.argv),
        "forked": launch.forked is not None,
        "cwd": launch.cwd,
        "watched": list(launch.sources),
        "outside": first.outside,
        "world": dict(_world(plan, name)),
        "url": first.url,
        "instances": [
            {"name": n.name, "ports": dict(n.ports), "zone": n.zone, "machine": n.machine}
            for n in nodes
        ],
        "probes": _probes(first),
        "after": list(first.after),
        "needs": list(first.needs),
        "after_start": _said(launch.after_start),
        "stop": _end(launch),
        "calls": [
            {
                "target": e.target,
                "wires": _wires(plan, name, e.target),
                "timeout_s": service.calls[e.target].timeout if e.target in service.calls else None,
                "retries": service.calls[e.target].retries if e.target in service.calls else None,
                "place": _place(system, e),
            }
            for e in _edges(plan, name, "call")
        ],
        "called_by": [
            {
                "source": e.source,
                "wires": _wires(plan, e.source, name),
                "place": _place(system, e),
            }
            for e in callers
        ],
        "stores": [
            {
                "store": e.target,
                "slot": e.slot,
                "about": _about_store(system, plan, e.target),
                "wires": _wires(plan, name, e.target),
                "place": _place(system, e),
            }
            for e in _edges(plan, name, "store")
        ],
        "broker": _wires(plan, name, BROKER),
        "publishes": [_topic(system, topic) for topic in service.publishes],
        "consumes": [_topic(system, topic) for topic in service.consumes],
        "externals": list(service.externals),
        "volumes": dict(service.volumes),
        "commands": {key: list(run) for key, run in service.commands.items()},
        "tasks": [
            {"name": n.name, "argv": list(n.launch.argv), "schedule": n.schedule}
            for n in plan.nodes
            if n.role == "task" and n.service == name
        ],
        "env": _env(first),
    }


def _store(system: System, plan: Plan, name: str) -> Explained:
    nodes = plan.instances(name)
    first = nodes[0] if nodes else None
    spec = None if name == BROKER else system.file.stores[name]
    broker = system.file.broker
    asked = spec or broker
    return {
        "what": "broker" if name == BROKER else "store",
        "name": name,
        "place": _store_place(system, name),
        "kind": asked.kind if asked else "",
        "asked_version": asked.version if asked else None,
        "about": _about_store(system, plan, name),
        "ports": dict(first.ports) if first else {},
        "page": first.page if first else "",
        "data": f".tarmac/{plan.namespace}/nodes/{name}" if first else "",
        "argv": list(first.launch.argv) if first else [],
        "probes": _probes(first) if first else {},
        "init": list(spec.init) if spec else [],
        "seed": spec.seed if spec else None,
        "users": [
            {
                "service": user,
                "wires": _wires(plan, user, name),
                "variables": _variables_to(plan, user, name),
                "place": str(system.place(user, name)),
            }
            for user in _users(plan, name)
        ],
        "topics": [_topic(system, topic) for topic in sorted(_topics(system))]
        if name == BROKER
        else [],
    }


def _topic(system: System, topic: str) -> Explained:
    found: dict[str, list[dict[str, str]]] = {"publishers": [], "consumers": []}
    for name, service in system.file.services.items():
        for key, side in (("publishes", "publishers"), ("consumes", "consumers")):
            topics = getattr(service, key)
            if topic in topics:
                where = system.locate(("services", name, key, topics.index(topic)))
                found[side].append({"service": name, "place": str(where)})
    return {"what": "topic", "name": topic, **found}


def _external(system: System, name: str) -> Explained:
    external = system.file.externals[name]
    users = [n for n, service in system.file.services.items() if name in service.externals]
    return {
        "what": "external",
        "name": name,
        "place": str(system.locate(("externals", name), key=True)),
        "hosts": list(external.hosts),
        "port": external.port,
        "users": users,
    }


def _port(plan: Plan, port: int) -> list[dict[str, str]]:
    found = [
        {"use": f"wire {wire.id}", "name": wire.source, "what": wire.target}
        for wire in plan.wires
        if wire.listen == port
    ]
    for node in plan.nodes:
        names = [name for name, number in node.ports.items() if number == port]
        if not names and port in node.listening:
            names = ["health"]
        found += [
            {"use": f"{node.name} listens ({n})", "name": node.name, "what": n} for n in names
        ]
    return found


def _variable(plan: Plan, name: str) -> list[dict[str, Any]]:
    return [
        {"service": node.name, **entry}
        for node in plan.nodes
        if node.role == "service"
        for entry in _env(node)
        if entry["name"] == name
    ]


def _variables(plan: Plan) -> set[str]:
    return {name for node in plan.nodes if node.role == "service" for name in node.launch.env}


def _variables_to(plan: Plan, service: str, store: str) -> list[str]:
    """List the variables of a service that hold a store's address or password."""
    wires = {str(wire["listen"]) for wire in _wires(plan, service, store)}
    secret = f"<secret stores/{store}/"
    return [
        entry["name"]
        for entry in _env(plan.instances(service)[0])
        if secret in entry["value"] or any(f":{port}" in entry["value"] for port in wires)
    ]


def _env(node: Node) -> list[dict[str, Any]]:
    """List a node's variables: ours first, then by name; what is the user's own has no value."""
    entries = []
    for name, value in sorted(node.launch.env.items()):
        origin = node.origins.get(name, "")
        shown = "" if origin == SHELL_ORIGIN else redact(value)
        secret = any(not isinstance(piece, str) for piece in value)
        entries.append({"name": name, "value": shown, "origin": origin, "secret": secret})
    return entries


def _edges(plan: Plan, source: str, *kinds: str) -> list[Edge]:
    return [edge for edge in plan.edges if edge.source == source and edge.kind in kinds]


def _users(plan: Plan, store: str) -> list[str]:
    if store == BROKER:
        return sorted({edge.source for edge in plan.edges if edge.kind in BROKER_KINDS})
    return sorted(
        {edge.source for edge in plan.edges if edge.kind == "store" and edge.target == store}
    )


def _wires(plan: Plan, source: str, target: str) -> list[dict[str, Any]]:
    return [
        {"port": wire.port, "listen": wire.listen}
        for wire in plan.wires
        if (wire.source, wire.target) == (source, target) and wire.listen
    ]


def _world(plan: Plan, name: str) -> Iterable[tuple[str, int]]:
    """List the ports that the world knows: the wires', or a service's own without wires."""
    wires = [
        (w.port, w.listen) for w in plan.wires if (w.source, w.target) == (WORLD, name) and w.listen
    ]
    return wires or plan.instances(name)[0].ports.items()


def _stores(system: System) -> dict[str, str]:
    found = {name: store.kind for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        found[BROKER] = system.file.broker.kind
    return found


def _store_place(system: System, name: str) -> str:
    path = (BROKER,) if name == BROKER else ("stores", name)
    return str(system.locate(path, key=True))


def _about_store(system: System, plan: Plan, name: str) -> str:
    nodes = plan.instances(name)
    if nodes:
        return nodes[0].about
    external = [note for note in plan.notes if note.startswith(f"{name}: external")]
    return external[0].partition(": ")[2].partition(";")[0] if external else _stores(system)[name]


def _topics(system: System) -> set[str]:
    services = system.file.services.values()
    return {topic for service in services for topic in (*service.publishes, *service.consumes)}


def _said(hook: Hook | None) -> str:
    return f"{' '.join(hook.argv)} (within {hook.within_s:g} s)" if hook else ""


def _end(launch: Launch) -> str:
    """Say in one line how a program ends."""
    asked = launch.stop_signal
    if launch.stop_command:
        asked = f"`{' '.join(launch.stop_command.argv)}`"
    first = f"{_said(launch.before_stop)}, then " if launch.before_stop else ""
    return f"{first}{asked}, SIGKILL after {launch.grace_s:g} s"


def _place(system: System, edge: Edge) -> str:
    if edge.kind in ("publish", "consume"):
        key = "publishes" if edge.kind == "publish" else "consumes"
        topics = getattr(system.file.services[edge.source], key)
        return str(system.locate(("services", edge.source, key, topics.index(edge.target))))
    if edge.kind == "external":
        return str(system.locate(("services", edge.source, "externals", edge.target)))
    return str(system.place(edge.source, edge.target))


def _probes(node: Node) -> Mapping[str, str]:
    launch = node.launch
    found = {}
    if launch.booted is not None:
        found["booted"] = f"{in_words(launch.booted)}, within {launch.booted_within_s:g} s"
    found["ready"] = f"{in_words(launch.ready)}, within {launch.ready_within_s:g} s"
    return found


def in_words(probe: Probe) -> str:
    """Return what a probe waits for."""
    match probe:
        case HttpProbe(port, path):
            return f"GET {path} on port {port} answers below 400"
        case GrpcProbe(port, service):
            return f"grpc.health.v1 on port {port} says SERVING" + f" of {service}" * bool(service)
        case TcpProbe(port):
            return f"port {port} accepts a connection"
        case ExchangeProbe(port):
            return f"port {port} answers in its protocol"
        case CommandProbe(argv):
            return f"`{' '.join(argv)}` ends with 0"
        case LogProbe(pattern):
            return f"a line of its output matches '{pattern}'"
        case AliveProbe(for_s):
            return f"it lives for {for_s:g} s"
