"""Checks that the names of a system agree with each other; what types alone cannot say.

Called by the loader. Each check yields located problems; none stops another.
"""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.errors import Problem, did_you_mean
from tarmac.model.location import Path
from tarmac.model.reference import Reference, split
from tarmac.model.service import Service
from tarmac.model.system import System

#: Names that stores and the runtime use themselves; each service is a user of its stores.
RESERVED = frozenset({"postgres", "tarmac", "default", "public", "none", "supervisor"})


def inconsistencies(system: System, incomplete: frozenset[str] = frozenset()) -> Iterator[Problem]:
    """Yield everything that does not fit together.

    Args:
        incomplete: services whose parts could not be read; nothing is concluded from them.
    """
    for name, service in system.file.services.items():
        yield from _calls(system, name, service)
        yield from _stores(system, name, service)
        yield from _topics(system, name, service, incomplete)
        yield from _env(system, name, service)
        yield from _probe(system, name, service)
        yield from _externals(system, name, service)
        if name not in incomplete:
            yield from _roles(system, name, service, incomplete)
            yield from _settings(system, name, service)
            yield from _kit(system, name)
    yield from _names(system)
    yield from _shared_env(system)
    yield from _ports(system)
    yield from _promises(system)


def _at(system: System, *path: str | int, key: bool = False) -> str:
    return str(system.locate(path, key=key))


def _unknown(
    system: System, path: Path, who: str, what: str, name: str, known: list[str]
) -> Problem:
    return Problem(
        str(system.locate(path)), f"{who} uses unknown {what} '{name}'; {did_you_mean(name, known)}"
    )


def _names(system: System) -> Iterator[Problem]:
    for section, taken in (("stores", system.file.services), ("services", {"broker": None})):
        for name in getattr(system.file, section):
            if name in taken:
                yield Problem(
                    _at(system, section, name, key=True),
                    f"the name '{name}' is taken by a service or the broker; choose another",
                )
    for name in system.file.services:
        if name in RESERVED or name.startswith("pg-"):
            yield Problem(
                _at(system, "services", name, key=True),
                f"the name '{name}' is an administrator's in a store; choose another",
            )
    if "broker" in system.file.stores:
        yield Problem(
            _at(system, "stores", "broker", key=True),
            "'broker' is the broker's own name; choose another",
        )


def _calls(system: System, name: str, service: Service) -> Iterator[Problem]:
    for target in service.calls:
        path = ("services", name, "calls", target)
        if target == name:
            yield Problem(str(system.locate(path)), f"{name} calls itself; remove the call")
        elif target not in system.file.services:
            known = [other for other in system.file.services if other != name]
            yield _unknown(system, path, name, "service", target, known)


def _stores(system: System, name: str, service: Service) -> Iterator[Problem]:
    slots = {
        slot: spec for sourced in system.parts[name] for slot, spec in sourced.part.slots.items()
    }
    for slot, store in service.stores.items():
        path = ("services", name, "stores", slot)
        if store not in system.file.stores:
            yield _unknown(system, path, name, "store", store, list(system.file.stores))
        if not system.parts[name]:
            continue
        if slot not in slots:
            yield Problem(
                str(system.locate(path, key=True)),
                f"{name} has no slot '{slot}'; {did_you_mean(slot, slots)}",
            )
        elif store in system.file.stores and system.file.stores[store].kind != slots[slot].kind:
            yield Problem(
                str(system.locate(path)),
                f"slot '{slot}' of {name} needs a store of kind {slots[slot].kind}, and '{store}' "
                f"is {system.file.stores[store].kind}; bind another store",
            )
    for slot, spec in slots.items():
        if spec.required and slot not in service.stores:
            yield Problem(
                _at(system, "services", name, key=True),
                f"{name} leaves the slot '{slot}' ({spec.kind}) empty; "
                f"add it to `stores`, e.g. `stores: {{{slot}: ...}}`",
            )


def _topics(
    system: System, name: str, service: Service, incomplete: frozenset[str]
) -> Iterator[Problem]:
    services = system.file.services
    published = {topic for other in services.values() for topic in other.publishes}
    if (service.publishes or service.consumes) and system.file.broker is None:
        yield Problem(
            _at(system, "services", name, key=True),
            f"{name} publishes or consumes topics and the system has no broker; "
            "add e.g. `broker: nats`",
        )
    for topic in service.consumes:
        if topic not in published:
            path = ("services", name, "consumes", topic)
            yield Problem(
                str(system.locate(path)),
                f"{name} consumes '{topic}', which no service publishes; "
                f"{did_you_mean(topic, published)}",
            )
    if name in incomplete or not system.parts[name]:
        return
    for direction, wanted in (("publishes", service.publishes), ("consumes", service.consumes)):
        able = {topic for each in system.parts[name] for topic in getattr(each.part, direction)}
        for topic in wanted:
            if topic not in able:
                yield Problem(
                    _at(system, "services", name, direction, topic),
                    f"{name} cannot be one that {direction} '{topic}': its service.yaml lists it "
                    f"not; {did_you_mean(topic, able)}",
                )


def _env(system: System, name: str, service: Service) -> Iterator[Problem]:
    for variable, value in service.env.items():
        if not isinstance(value, str):
            continue
        where = _at(system, "services", name, "env", variable)
        try:
            pieces = split(value)
        except ValueError as error:
            yield Problem(where, f"{variable}: {error}")
            continue
        for piece in pieces:
            if isinstance(piece, Reference):
                yield from _reference(system, where, variable, piece)
                if piece.root == "broker" and not (service.publishes or service.consumes):
                    yield Problem(
                        where,
                        f"{variable} refers to the broker, and {name} has no topics there; "
                        "say what it publishes or consumes",
                    )


def _probe(system: System, name: str, service: Service) -> Iterator[Problem]:
    probe = service.probe
    if probe is not None and (probe.http or probe.tcp) and not service.listening:
        yield Problem(
            _at(system, "services", name, "probe"),
            f"{name} is probed over the network and has no port; add `port: ...`",
        )


def _shared_env(system: System) -> Iterator[Problem]:
    for variable, value in system.file.env.items():
        where = _at(system, "env", variable)
        try:
            pieces = split(value) if isinstance(value, str) else ()
        except ValueError as error:
            yield Problem(where, f"{variable}: {error}")
            continue
        for piece in pieces:
            if isinstance(piece, Reference) and piece.root != "system":
                yield Problem(
                    where,
                    f"{variable} of all services refers to '{piece.source}', which would join "
                    "every service to it; set it in the services that need it",
                )


def _reference(
    system: System, where: str, variable: str, reference: Reference
) -> Iterator[Problem]:
    known: dict[str, list[str]] = {
        "services": list(system.file.services),
        "stores": list(system.file.stores),
        "broker": ["broker"] if system.file.broker else [],
        "system": ["system"],
    }
    if reference.root not in known:
        yield Problem(
            where,
            f"{variable} refers to '{reference.source}'; a reference begins with "
            f"{', '.join(known)}",
        )
    elif reference.name not in known[reference.root]:
        hint = did_you_mean(reference.name, known[reference.root])
        yield Problem(
            where, f"{variable} refers to unknown {reference.root} '{reference.name}'; {hint}"
        )


def _externals(system: System, name: str, service: Service) -> Iterator[Problem]:
    for external in service.externals:
        if external not in system.file.externals:
            path = ("services", name, "externals", external)
            yield _unknown(system, path, name, "external", external, list(system.file.externals))


def _roles(
    system: System, name: str, service: Service, incomplete: frozenset[str]
) -> Iterator[Problem]:
    played = {role for target in service.calls for role in system.roles(target)}
    if incomplete & set(service.calls):
        return
    for sourced in system.parts[name]:
        for role, spec in sourced.part.calls.items():
            if spec.required and role not in played:
                players = [other for other in system.file.services if role in system.roles(other)]
                advice = f"add {players[0]} to its calls" if players else "no service has that part"
                yield Problem(
                    _at(system, "services", name, key=True),
                    f"{name} needs to call a service that has the part '{role}'; {advice}",
                )


def _settings(system: System, name: str, service: Service) -> Iterator[Problem]:
    given = {*service.env, *system.file.env, *service.secrets}
    for sourced in system.parts[name]:
        for variable, setting in sourced.part.settings.items():
            if setting.required and variable not in given:
                about = f" ({setting.about})" if setting.about else ""
                yield Problem(
                    _at(system, "services", name, key=True),
                    f"{name} needs {variable}{about}; add it to its `env`",
                )


def _kit(system: System, name: str) -> Iterator[Problem]:
    parts = [sourced.part for sourced in system.parts[name]]
    for sourced in system.parts[name]:
        if (sourced.part.package is None) == (sourced.part.run is None):
            yield Problem(
                str(sourced.document.locate(())),
                f"part '{sourced.part.part}' must give either `package` (a kit part) or `run`",
            )
    if len(parts) > 1 and any(part.package is None for part in parts):
        yield Problem(
            _at(system, "services", name, "source"),
            f"{name} joins several parts in one process, which only kit parts can; "
            "make them services of their own",
        )


def _ports(system: System) -> Iterator[Problem]:
    owners: dict[int, str] = {}
    for name, service in system.file.services.items():
        for port_name, port in service.listening.items():
            here = f"{name}.{port_name}"
            if port in owners:
                short = port_name == "http" and service.port is not None
                path = ("port",) if short else ("ports", port_name)
                yield Problem(
                    _at(system, "services", name, *path),
                    f"{here} and {owners[port]} both ask for port {port}; change one of the two",
                )
            owners.setdefault(port, here)


def _promises(system: System) -> Iterator[Problem]:
    for index, objective in enumerate(system.file.objectives):
        if objective.service not in system.file.services:
            path: Path = ("objectives", index, "service")
            known = list(system.file.services)
            yield _unknown(system, path, "an objective", "service", objective.service, known)
    for name, invariant in system.file.invariants.items():
        if invariant.store not in system.file.stores:
            path = ("invariants", name, "store")
            known = list(system.file.stores)
            yield _unknown(system, path, f"invariant {name}", "store", invariant.store, known)
