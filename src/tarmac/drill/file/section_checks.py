"""What a drill's file asks for in a section that its system cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tarmac.base import registry
from tarmac.base.errors import did_you_mean
from tarmac.catalog import stores
from tarmac.catalog.stores.kind import StoreKind
from tarmac.drill.file.sections import Canary, Failover, Probe, Restore
from tarmac.model.system import System
from tarmac.plan.ports import BROKER


def tried(wanted: Canary, system: System) -> tuple[Canary, list[tuple[tuple[str, ...], str]]]:
    """Fill in how an environment tries new versions; returns what is wrong, by place."""
    wrong: list[tuple[tuple[str, ...], str]] = []
    given = wanted.version.file
    if given and not (Path(system.folder) / given).is_file():
        wrong.append((("version", "file"), f"no file '{given}'; give a system's file, from here"))
    if wanted.environment is None:
        return wanted, wrong
    environments = {name: one for name, one in system.file.environments.items() if one.rollout}
    if (found := environments.get(wanted.environment)) is None or found.rollout is None:
        hint = did_you_mean(wanted.environment, environments)
        what = f"no environment '{wanted.environment}' with a `rollout`; {hint}"
        wrong.append((("environment",), what))
        return wanted, wrong
    names = {"weights", "failures", "success", "p99", "requests"} - wanted.model_fields_set
    given_there = {name: getattr(found.rollout, name) for name in names}
    return wanted.model_copy(update=given_there), wrong


def _kinds_of(system: System) -> dict[str, StoreKind]:
    """Find the kind of each store and of the broker, where it is known."""
    kinds: dict[str, StoreKind] = registry.load(stores, "STORE")
    named = {name: store.kind for name, store in system.file.stores.items()}
    if system.file.broker is not None:
        named[BROKER] = system.file.broker.kind
    return {name: kinds[kind] for name, kind in named.items() if kind in kinds}


def wrong_of_restore(
    wanted: Restore, system: System
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what the system cannot do of it, with its place in the section."""
    kinds = _kinds_of(system)
    for number, name in enumerate(wanted.stores):
        if name in kinds and kinds[name].backup is None:
            what = f"'{name}' is {kinds[name].title}, for which Tarmac makes no backups; remove it"
            yield ("stores", number), what


def wrong_of_failover(
    wanted: Failover, system: System
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what the system cannot do of it, with its place in the section."""
    kinds, services = _kinds_of(system), system.file.services
    for number, name in enumerate(wanted.stores):
        if name in kinds and kinds[name].replication is None:
            title = kinds[name].title
            what = f"'{name}' is {title}, which has no replication here; remove it"
            yield ("stores", number), what
    if wanted.service in services and not services[wanted.service].listening:
        yield (
            ("service",),
            f"'{wanted.service}' listens on no port; name a service that visitors request",
        )
    for name in wanted.once_promoted.keys() - set(wanted.stores):
        hint = did_you_mean(name, wanted.stores)
        yield ("once_promoted", name), f"'{name}' has no standby; {hint}"


def wrong_of_probes(
    wanted: Sequence[Probe], system: System
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what the system cannot answer of them, with its place in the drill's file."""
    services = system.file.services
    for number, probe in enumerate(wanted):
        name = probe.service
        what = ""
        if name not in services:
            what = f"no service '{name}'; {did_you_mean(name, services)}"
        elif not services[name].listening:
            what = f"'{name}' listens on no port; name a service with a port"
        elif name in {other.service for other in wanted[:number]}:
            what = f"'{name}' has two probes; keep one"
        if what:
            yield ("probes", number, "service"), what
