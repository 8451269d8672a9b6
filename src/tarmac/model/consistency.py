"""Checks that the names of a system agree with each other; what types alone cannot say.

Called by the loader. Each check yields located problems; none stops another. What one service says
for itself is checked in `contradictions`, what its variables refer to in `referring`.
"""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.errors import Problem, did_you_mean
from tarmac.model import image_pins
from tarmac.model.contradictions import contradictions
from tarmac.model.entry_checks import entry_problems
from tarmac.model.environment import Environment
from tarmac.model.gaps import Gaps
from tarmac.model.infrastructure_checks import infrastructure_problems, layout_problems
from tarmac.model.location import Path
from tarmac.model.organization_checks import organization_problems
from tarmac.model.referring import of_all, of_service, where_from
from tarmac.model.second_region_checks import second_region_problems
from tarmac.model.service import Service
from tarmac.model.system import System

#: Names that stores use themselves; each service is a user of its stores.
RESERVED = frozenset({"postgres", "tarmac", "default", "public", "none"})
#: The runtime's own: names of its processes and their logs, and of the outside.
OURS = frozenset({"supervisor", "wires", "forkserver", "watch", "world", "entry"})
NO_GAPS = Gaps()


def inconsistencies(system: System, gaps: Gaps = NO_GAPS) -> Iterator[Problem]:
    """Yield everything that does not fit together.

    Args:
        gaps: what could not be read; nothing is concluded from it.
    """
    published = {topic for service in system.file.services.values() for topic in service.publishes}
    for name, service in system.file.services.items():
        yield from contradictions(system, name, service)
        yield from _calls(system, name, service, gaps)
        yield from _stores(system, name, service, gaps)
        yield from _topics(system, name, service, gaps, published)
        yield from of_service(system, name, gaps)
        yield from _externals(system, name, service, gaps)
        if name not in gaps.incomplete:
            yield from _roles(system, name, service, gaps)
            yield from _settings(system, name, service, gaps)
            yield from _kit(system, name)
    yield from _names(system)
    yield from of_all(system.document, system.file.env)
    yield from _ports(system)
    yield from _entry(system, gaps)
    yield from _promises(system, gaps)
    yield from _shared_secrets(system)
    yield from _environments(system, gaps)
    yield from second_region_problems(system)
    yield from _images(system, gaps)
    yield from organization_problems(system)
    yield from layout_problems(system)


def _at(system: System, *path: str | int, key: bool = False) -> str:
    return str(system.locate(path, key=key))


def _unknown(
    system: System, path: Path, user: str, section: str, name: str, known: list[str]
) -> Problem:
    what = section.removesuffix("s")
    return Problem(
        _at(system, *path, key="calls" in path or "equal" in path),
        f"{user} uses unknown {what} '{name}'; {where_from(section, name, known)}",
    )


def _names(system: System) -> Iterator[Problem]:
    for name in system.file.stores:
        if name in system.file.services:
            there = _at(system, "services", name, key=True)
            yield Problem(
                _at(system, "stores", name, key=True),
                f"the name '{name}' is taken by the service at {there}; choose another",
            )
    for name in system.file.services:
        if name in RESERVED or name.startswith("pg-"):
            yield Problem(
                _at(system, "services", name, key=True),
                f"the name '{name}' is an administrator's in a store; choose another",
            )
    for section in ("services", "stores"):
        for name in sorted(OURS.intersection(getattr(system.file, section))):
            yield Problem(
                _at(system, section, name, key=True),
                f"the name '{name}' is the runtime's own; choose another",
            )
        if "broker" in getattr(system.file, section):
            yield Problem(
                _at(system, section, "broker", key=True),
                "the name 'broker' is the broker's own; choose another",
            )


def _calls(system: System, name: str, service: Service, gaps: Gaps) -> Iterator[Problem]:
    services = system.file.services
    for target in service.calls:
        path = ("services", name, "calls", target)
        if target == name:
            yield Problem(_at(system, *path, key=True), f"{name} calls itself; remove the call")
        elif gaps.has("services", target):
            continue
        elif target in services:
            if not services[target].listening:
                there = _at(system, "services", target, key=True)
                yield Problem(
                    _at(system, *path, key=True),
                    f"{name} calls {target}, which has no port; "
                    f"add `port: 8080`, say, to {target} ({there})",
                )
        elif target in system.file.stores:
            slots = bool(system.parts[name])
            how = (
                f"stores: {{SLOT: {target}}}" if slots else f"env: {{X: ${{stores.{target}.url}}}}"
            )
            yield Problem(
                _at(system, *path, key=True),
                f"{name} calls '{target}', which is a store; write `{how}`",
            )
        else:
            known = [other for other in services if other != name]
            known += gaps.left_out("services")
            yield _unknown(system, path, name, "services", target, known)


def _stores(system: System, name: str, service: Service, gaps: Gaps) -> Iterator[Problem]:
    slots = {
        slot: spec for sourced in system.parts[name] for slot, spec in sourced.part.slots.items()
    }
    stores = system.file.stores
    for slot, store in service.stores.items():
        path = ("services", name, "stores", slot)
        if store not in stores and not gaps.has("stores", store):
            known = [*stores, *gaps.left_out("stores")]
            yield _unknown(system, path, name, "stores", store, known)
        if name in gaps.incomplete or not system.parts[name]:
            continue
        if slot not in slots:
            yield Problem(
                _at(system, *path, key=True),
                f"{name} has no slot '{slot}'; {_slots(slot, list(slots))}",
            )
        elif store in stores and stores[store].kind != slots[slot].kind:
            yield Problem(
                _at(system, *path),
                f"slot '{slot}' of {name} needs a store of kind {slots[slot].kind}, and '{store}' "
                f"is {stores[store].kind}; bind another store",
            )
    for slot, spec in slots.items():
        if spec.required and slot not in service.stores:
            fitting = [other for other, store in stores.items() if store.kind == spec.kind]
            yield Problem(
                _at(system, "services", name, key=True),
                f"{name} leaves the slot '{slot}' ({spec.kind}) empty; "
                f"add `stores: {{{slot}: {fitting[0] if fitting else 'NAME'}}}`",
            )


def _slots(slot: str, slots: list[str]) -> str:
    return did_you_mean(slot, slots) if slots else "its service.yaml names none, remove this line"


def _topics(
    system: System, name: str, service: Service, gaps: Gaps, published: set[str]
) -> Iterator[Problem]:
    if (service.publishes or service.consumes) and system.file.broker is None:
        verb = "publishes" if service.publishes else "consumes"
        if not gaps.any("broker"):
            yield Problem(
                _at(system, "services", name, verb, key=True),
                f"{name} {verb} topics and the system has no broker; add `broker: nats`",
            )
    for index, topic in enumerate(service.consumes):
        if topic not in published and not gaps.any("services"):
            hint = did_you_mean(topic, published)
            if not hint.startswith("did you mean"):
                hint = "add it to the `publishes` of the service that does"
            yield Problem(
                _at(system, "services", name, "consumes", index),
                f"{name} consumes '{topic}', which no service publishes; {hint}",
            )
    if name in gaps.incomplete or not system.parts[name]:
        return
    for direction, wanted in (("publishes", service.publishes), ("consumes", service.consumes)):
        able = {topic for part in system.parts[name] for topic in getattr(part.part, direction)}
        read = _logs_read(system, name) if direction == "publishes" else set()
        able |= _written_in(system, service, read)
        for index, topic in enumerate(wanted):
            # The changes of a table are a topic too, PREFIX.SCHEMA.TABLE: no model names tables.
            if topic not in able and not (read and topic.count(".") >= 2):
                hint = did_you_mean(topic, able) if able else "remove it"
                yield Problem(
                    _at(system, "services", name, direction, index),
                    f"{name} {direction} '{topic}', and its service.yaml has no such topic; {hint}",
                )


def _logs_read(system: System, name: str) -> set[str]:
    """List the stores whose log of changes a service reads."""
    return {store for slot, store in system.bound_slots(name).values() if slot.replication}


def _written_in(system: System, service: Service, read: set[str]) -> set[str]:
    """List the topics of other users of these stores: the log's reader publishes for them."""
    return {
        topic
        for other in system.file.services.values()
        if other is not service and read.intersection(other.stores.values())
        for topic in other.publishes
    }


def _externals(system: System, name: str, service: Service, gaps: Gaps) -> Iterator[Problem]:
    for index, external in enumerate(service.externals):
        if external not in system.file.externals and not gaps.has("externals", external):
            path: Path = ("services", name, "externals", index)
            yield _unknown(system, path, name, "externals", external, list(system.file.externals))


def _roles(system: System, name: str, service: Service, gaps: Gaps) -> Iterator[Problem]:
    played = {role for target in service.calls for role in system.roles(target)}
    if gaps.any("services") or gaps.incomplete & set(service.calls):
        return
    for sourced in system.parts[name]:
        for role, spec in sourced.part.calls.items():
            if spec.required and role not in played:
                players = [other for other in system.file.services if role in system.roles(other)]
                advice = f"add {players[0]} to its calls" if players else "add one, and call it"
                yield Problem(
                    _at(system, "services", name, key=True),
                    f"{name} needs to call a service that has the part '{role}'; {advice}",
                )


def _settings(system: System, name: str, service: Service, gaps: Gaps) -> Iterator[Problem]:
    given = {*service.env, *system.file.env, *service.secret_variables, *gaps.names.get("env", ())}
    for sourced in system.parts[name]:
        for variable, setting in sourced.part.settings.items():
            if setting.required and variable not in given:
                about = f" ({setting.about.rstrip('.')})" if setting.about else ""
                yield Problem(
                    _at(system, "services", name, key=True),
                    f"{name} needs {variable}{about}; add it to its `env`",
                )


def _kit(system: System, name: str) -> Iterator[Problem]:
    parts = [sourced.part for sourced in system.parts[name]]
    for sourced in system.parts[name]:
        if (sourced.part.package is None) == (sourced.part.run is None):
            how = "neither" if sourced.part.run is None else "both"
            yield Problem(
                str(sourced.document.locate(())),
                f"part '{sourced.part.part}' has {how} of `package` (a kit part) and `run`; "
                "give one",
            )
    if len(parts) > 1 and any(part.package is None for part in parts):
        yield Problem(
            _at(system, "services", name, "source"),
            f"{name} joins several parts in one process, which only kit parts can; "
            "make them services of their own",
        )


def _ports(system: System) -> Iterator[Problem]:
    owners: dict[int, tuple[str, str]] = {}
    for label, port in system.file.entry.items():
        place = _at(system, "entry", label)
        if port in owners:
            yield Problem(place, f"the ingress uses port {port} twice; change one")
        owners[port] = (f"the ingress for '{label}'", place)
    for name, service in system.file.services.items():
        for port_name, port in service.listening.items():
            short = port_name == "http" and service.port is not None
            path = ("port",) if short else ("ports", port_name)
            place = _at(system, "services", name, *path)
            if port in owners:
                other, there = owners[port]
                yield Problem(
                    place,
                    f"{name}.{port_name} and {other} ({there}) both use port {port}; change one",
                )
            owners.setdefault(port, (f"{name}.{port_name}", place))
    for name, of_store, port in _known_ports(system):
        place = _at(system, *of_store, "local", "port")
        if port in owners:
            other, there = owners[port]
            yield Problem(place, f"{name} and {other} ({there}) both use port {port}; change one")
        owners.setdefault(port, (name, place))


def _known_ports(system: System) -> Iterator[tuple[str, tuple[str, ...], int]]:
    """Yield the ports of this machine where programs look for stores by themselves."""
    for name, store in system.file.stores.items():
        if store.local is not None and store.local.port is not None:
            yield name, ("stores", name), store.local.port
    broker = system.file.broker
    if broker is not None and broker.local is not None and broker.local.port is not None:
        yield "the broker", ("broker",), broker.local.port


def _entry(system: System, gaps: Gaps) -> Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for name in system.file.services:
        public = system.file.services[name].public
        label = system.entrance(name)
        if public is None or label is None:
            continue
        for index, path in enumerate(public.paths):
            place = _at(system, "services", name, "public", "paths", index)
            there = owners.setdefault((label, path.rstrip("/")), name)
            if there != name:
                yield Problem(
                    place,
                    f"{name} and {there} are both public at {path} of the host "
                    f"'{label}'; give one of them another path",
                )
    for label in system.file.entry:
        if gaps.any("services") or label in {owned for owned, _ in owners}:
            continue
        hosts = {
            service.public.host or "" for service in system.file.services.values() if service.public
        }
        yield Problem(
            _at(system, "entry", label, key=True),
            f"no service is public on the host '{label}'; {did_you_mean(label, hosts)}",
        )


def _shared_secrets(system: System) -> Iterator[Problem]:
    listed = {
        own
        for service in system.file.services.values()
        for name, use in service.secrets.items()
        for own in (name, name.removesuffix("_FILE") if use.is_file else name)
    }
    for index, name in enumerate(system.file.secrets):
        if name not in listed:
            yield Problem(
                str(system.locate(("secrets", index))),
                f"no service lists the shared secret {name}; add it to the `secrets` of those "
                "that read it",
            )


def _promises(system: System, gaps: Gaps) -> Iterator[Problem]:
    services = [*system.file.services, *gaps.left_out("services")]
    stores = [*system.file.stores, *gaps.left_out("stores")]
    for index, objective in enumerate(system.file.objectives):
        name = objective.service
        if name not in services:
            path: Path = ("objectives", index, "service")
            yield _unknown(system, path, "an objective", "services", name, services)
    for name, invariant in system.file.invariants.items():
        for store in invariant.queries:
            if store not in stores:
                path = ("invariants", name, *(("equal", store) if invariant.equal else ("store",)))
                yield _unknown(system, path, f"invariant {name}", "stores", store, stores)


def _images(system: System, gaps: Gaps) -> Iterator[Problem]:
    left_out = {*gaps.left_out("services"), *gaps.left_out("stores")}
    for environment, settled in system.file.environments.items():
        for name, image in settled.images.items():
            why = image_pins.complaint(system.file, name, image)
            if why and name not in left_out:
                place = _at(system, "environments", environment, "images", name, key=True)
                yield Problem(place, f"`images` has '{name}': {why}")


def _environments(system: System, gaps: Gaps) -> Iterator[Problem]:
    services = [*system.file.services, *gaps.left_out("services")]
    stores = [*system.file.stores, *gaps.left_out("stores")]
    for name, environment in system.file.environments.items():
        for service in environment.env:
            if service not in services:
                path: Path = ("environments", name, "env", service)
                yield _unknown(system, path, f"environment {name}", "services", service, services)
        for server, members in environment.servers.items():
            for index, store in enumerate(members):
                if store not in stores:
                    path = ("environments", name, "servers", server, index)
                    yield _unknown(system, path, f"server {server}", "stores", store, stores)
        for store in environment.stores:
            known = [*stores, "broker", *environment.servers]
            if store not in known:
                path = ("environments", name, "stores", store)
                yield _unknown(system, path, f"environment {name}", "stores", store, known)
        replicas = environment.replicas
        if replicas is not None and replicas.min > replicas.max:
            yield Problem(
                _at(system, "environments", name, "replicas"),
                f"replicas has min {replicas.min} above max {replicas.max}; swap them",
            )
        yield from infrastructure_problems(system, name, environment)
        yield from entry_problems(system, name, environment)
        for path, why in _unkept(environment):
            yield Problem(_at(system, "environments", name, *path), why)
        if environment.ingress.issuer and not environment.ingress.tls:
            yield Problem(
                _at(system, "environments", name, "ingress", "issuer", key=True),
                "`issuer` fills the Secret that `tls` names, and there is no `tls`; add it",
            )
        if replicas is not None and (replicas.available or 0) >= replicas.min:
            yield Problem(
                _at(system, "environments", name, "replicas", "available"),
                f"{replicas.available} of {replicas.min} must stay, so no node can ever be "
                f"drained; write `available: {replicas.min - 1}`",
            )


def _unkept(environment: Environment) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield keys of an environment that promise what nothing there keeps, and why."""
    if why := _uncounted(environment):
        yield ("observability", "costs"), why
    if environment.checklist and (why := _unheld(environment)):
        yield ("checklist",), why
    if environment.vault and not environment.uses_vault:
        what = "`vault` is used for nothing here"
        yield ("vault",), f"{what}; write `secrets: vault` beside it, or a `lease`, or remove it"
    if environment.uses_vault and environment.target != "cluster":
        path = ("vault",) if environment.vault else ("secrets",)
        yield path, "Vault is for an environment of target cluster; remove it"
    if environment.portal and environment.target != "repository":
        what = "`portal` is for an environment of target repository; write it in one"
        yield ("portal",), f"{what}: `repository: {{portal: {{kind: backstage}}}}`"


def _uncounted(environment: Environment) -> str:
    """Say why an environment's costs cannot be watched as it has them; empty: they can."""
    watched, cloud = environment.observability, environment.infrastructure
    costs = watched.costs if watched else None
    if watched is None or costs is None:
        return ""
    if watched.metrics != "prometheus":
        return f"alerts on costs need Prometheus, not {watched.metrics}; remove `costs`"
    if costs.email and costs.budget is None:
        return "`email` is told of a `budget`, and there is none; add it"
    if costs.email and (cloud is None or cloud.by != "terraform"):
        return "AWS Budgets is made by Terraform; remove `email`, or add `infrastructure`"
    return ""


def _unheld(environment: Environment) -> str:
    """Return why a checklist cannot block an environment: its writers do not read it."""
    if environment.target == "repository":
        return (
            "an environment of target repository is not deployed; write `checklist` in one that is"
        )
    if environment.gitops is not None and environment.gitops.updater == "newest-build":
        return (
            "the image updater deploys each new build regardless of the checklist; remove "
            "`checklist`, or `updater`"
        )
    return ""
