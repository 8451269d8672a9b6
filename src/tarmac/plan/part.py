"""A part of a system: the services and stores that run, and those that are off.

Pure. `resolve` plans nothing for what is off; its ports and wires stay, so nothing else changes
when it is started.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.model.edge import BROKER_KINDS
from tarmac.model.system import System
from tarmac.plan.graph import reached
from tarmac.plan.ports import BROKER


@dataclass(frozen=True)
class Part:
    """What of a system is wanted."""

    #: All services and stores that have no profile, or one of `profiles`.
    whole: bool = True
    #: Services and stores besides, with what they need.
    names: tuple[str, ...] = ()
    #: Groups of services besides, with what they need.
    groups: tuple[str, ...] = ()
    #: Services and stores besides, without what they need.
    only: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def off(system: System, part: Part) -> frozenset[str]:
    """List the services and stores of a system, the broker among them, that are not to run.

    Raises:
        BadInput: a name, group or profile that does not exist; something that runs needs
            something whose profiles are off.
    """
    every = named(system)
    groups = {name: service.group for name, service in system.file.services.items()}
    profiles = {profile for name in every for profile in _profiles(system, name)}
    problems = [
        *_unknown((*part.names, *part.only), every, "no such service or store"),
        *_unknown(part.groups, {*groups.values()} - {""}, "no such group", "--group "),
        *_unknown(part.profiles, profiles, "no such profile", "--profile "),
    ]
    if problems:
        raise BadInput(problems)
    asked = {*part.names, *(name for name, group in groups.items() if group in part.groups)}
    needs = _needs(system)
    enabled = {
        name
        for name in every
        if name in {*asked, *part.only}
        or not _profiles(system, name)
        or not {*part.profiles}.isdisjoint(_profiles(system, name))
    }
    found = reached(asked | (enabled if part.whole else set()), needs)
    if problems := list(_disabled(system, found, enabled, needs)):
        raise BadInput(problems)
    return frozenset(every) - found - {*part.only}


def named(system: System) -> tuple[str, ...]:
    """List what a part may name: services, stores, the broker."""
    broker = () if system.file.broker is None else (BROKER,)
    return (*system.file.services, *system.file.stores, *broker)


def _profiles(system: System, name: str) -> tuple[str, ...]:
    node = system.file.services.get(name) or system.file.stores.get(name)
    return node.profiles if node else ()


def _needs(system: System) -> dict[str, set[str]]:
    """List what each service uses: services, stores, the broker."""
    found: dict[str, set[str]] = {}
    for edge in system.edges:
        if edge.kind not in ("external", "entry"):
            target = BROKER if edge.kind in BROKER_KINDS else edge.target
            found.setdefault(edge.source, set()).add(target)
    return found


def _disabled(
    system: System, found: set[str], enabled: set[str], needs: dict[str, set[str]]
) -> Iterator[Problem]:
    """Report each use of something whose profiles are off."""
    for user in sorted(found):
        for name in sorted(needs.get(user, set()) - enabled):
            profile = _profiles(system, name)[0]
            yield Problem(
                str(system.place(user, name)),
                f"{user} needs {name}, which is off (its profile is '{profile}'); "
                f"add --profile {profile}, or name {name}",
            )


def _unknown(
    names: Iterable[str], known: Collection[str], what: str, option: str = ""
) -> Iterator[Problem]:
    for name in names:
        if name not in known:
            yield Problem(f"{option}{name}", f"{what}; {did_you_mean(name, known)}")
